//! The laboratory's own scenarios.
//!
//! Capacities, their times, delays, and who comes and pauses when are those of RFC 8867, sections 5.1 to
//! 5.8; they were held against an open implementation of the cases for ns-3 (cisco/ns3-rmcat). The short
//! flows have the sizes of an RMCAT draft, as that implementation quotes it. What departs from the RFC:
//!
//! * A flow is a subscriber of layers, not an encoder that follows every rate up to 1.5 Mbit/s: layers
//!   limit what can be used, and there is sound beside it.
//! * Sections 5.6 and 5.7 end with their flows, a second before the RFC's end; those of the others go on
//!   for that second.
//! * In 5.5 feedback takes 5 ms longer than media.
//! * Jitter is on the way of the media alone. Whether 5.5 to 5.7 have some was not to be found: they
//!   have none here.
//! * 5.6 has a queue of 300 ms only, not the second of the RFC's longer one.
//! * Section 6 (priorities, ECN, several bottlenecks) has no scenario.

use crate::scenario::Scenario;

/// The files of `loadtest/lab/scenarios` by the names of their scenarios.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*]
    };
}

const FILES: &[(&str, &str)] = files!(
    "rfc8867-5.1"
    "rfc8867-5.1-svc"
    "rfc8867-5.2"
    "rfc8867-5.3"
    "rfc8867-5.4"
    "rfc8867-5.5"
    "rfc8867-5.6"
    "rfc8867-5.7"
    "rfc8867-5.8"
    "burst-loss"
    "codel"
    "doubling"
    "family"
    "halving"
    "high-rtt"
    "hotel"
    "jitter"
    "joins"
    "loss"
    "mobile"
    "rebinding"
    "rough"
    "step"
    "upload"
);

/// All of the laboratory's own scenarios: those of RFC 8867 first.
pub fn all() -> Vec<Scenario> {
    let read = |(name, text): &(&str, &str)| match Scenario::parse(name, text) {
        Ok(scenario) => scenario,
        // They are part of this crate, and its tests read them.
        Err(error) => panic!("{error}"),
    };
    FILES.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::element::Line;

    #[test]
    fn every_file_of_the_folder_is_one_and_can_be_built() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let files = std::fs::read_dir(folder).expect("the folder").flatten();
        let mut found: Vec<String> = files
            .filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()))
            .collect();
        let mut listed: Vec<String> = all().into_iter().map(|one| one.name).collect();
        found.sort();
        listed.sort();
        assert_eq!(found, listed);
        for scenario in all() {
            for link in &scenario.links {
                let _: Line<()> = Line::new(Instant::now(), link, 1);
            }
        }
    }

    #[test]
    fn every_scenario_says_what_it_is_for() {
        for (name, text) in FILES {
            assert!(text.starts_with("# "), "{name} begins without a comment");
        }
    }

    #[test]
    fn every_link_is_somebodys() {
        for scenario in all() {
            for link in &scenario.links {
                let named = |one: &Option<String>| one.as_ref() == Some(&link.name);
                let mut all = scenario.participants.iter();
                let used = all.any(|one| named(&one.up) || named(&one.down));
                assert!(used, "{}: {}", scenario.name, link.name);
            }
        }
    }
}

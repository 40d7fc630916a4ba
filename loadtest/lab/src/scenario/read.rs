//! Reading a scenario, and what can be wrong with one.

use std::path::Path;

use crate::scenario::{Change, Element, Link, Participant, Scenario, all};

/// What is wrong with a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no TOML, or has fields that no scenario has, or lacks some.
    #[error("{name}: {source}")]
    Shape {
        /// The scenario's name.
        name: String,
        /// Where, and what was expected.
        source: toml::de::Error,
    },
    /// A field has a value that makes no sense.
    #[error("{name}: {field} {wrong}")]
    Value {
        /// The scenario's name.
        name: String,
        /// As `links[0].elements[1].kbps`.
        field: String,
        /// What is wrong, as `is no percentage`.
        wrong: String,
    },
}

/// A field and what is wrong with it.
type Wrong = (String, String);

impl Scenario {
    /// The longest, in seconds: an hour, as much as a link's log has bins for.
    pub const LONGEST: u32 = 3_600;

    /// Reads a file; its name without the ending is the scenario's.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| {
            let path = path.display().to_string();
            ScenarioError::Read { path, source }
        })?;
        let name = path.file_stem().unwrap_or_default();
        Self::parse(&name.to_string_lossy(), &text)
    }

    /// The laboratory's own scenario of this name, or else the file.
    pub fn find(name_or_path: &str) -> Result<Self, ScenarioError> {
        let own = all().into_iter().find(|own| own.name == name_or_path);
        own.map_or_else(|| Self::read(name_or_path), Ok)
    }

    /// The scenario of this name that `text` describes.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let read = toml::from_str(text).map_err(|source| {
            let name = name.to_owned();
            ScenarioError::Shape { name, source }
        });
        let mut scenario: Self = read?;
        name.clone_into(&mut scenario.name);
        match scenario.check() {
            Ok(()) => Ok(scenario),
            Err((field, wrong)) => {
                let name = scenario.name;
                Err(ScenarioError::Value { name, field, wrong })
            }
        }
    }

    fn check(&self) -> Result<(), Wrong> {
        if !(1..=Self::LONGEST).contains(&self.seconds) {
            return wrong("seconds", format!("is not from 1 to {}", Self::LONGEST));
        }
        for (at, link) in self.links.iter().enumerate() {
            let field = format!("links[{at}]");
            if self.links[..at].iter().any(|other| other.name == link.name) {
                return wrong(format!("{field}.name"), "is another link's too");
            }
            link.check(&field)?;
        }
        if self.participants.is_empty() {
            return wrong("participants", "are none");
        }
        for (at, one) in self.participants.iter().enumerate() {
            let field = format!("participants[{at}]");
            let others = &self.participants[..at];
            if others.iter().any(|other| other.name == one.name) {
                return wrong(format!("{field}.name"), "is another participant's too");
            }
            self.check_participant(one, &field)?;
        }
        Ok(())
    }

    fn check_participant(&self, one: &Participant, field: &str) -> Result<(), Wrong> {
        for (way, link) in [("up", &one.up), ("down", &one.down)] {
            if let Some(name) = link.as_ref().filter(|name| self.link(name).is_none()) {
                return wrong(format!("{field}.{way}"), format!("names no link: `{name}`"));
            }
        }
        let end = f64::from(self.seconds);
        within(format!("{field}.joins"), one.joins, 0.0..=end)?;
        within(format!("{field}.delay_ms"), one.delay_ms, TIME_MS)?;
        if let Some(leaves) = one.leaves {
            within(format!("{field}.leaves"), leaves, one.joins..=end)?;
        }
        for (at, [from, to]) in one.looks_away.iter().enumerate() {
            let field = format!("{field}.looks_away[{at}]");
            within(field.clone(), *from, 0.0..=end)?;
            within(field, *to, *from..=end)?;
        }
        Ok(())
    }
}

impl Link {
    fn check(&self, field: &str) -> Result<(), Wrong> {
        let mut bottlenecks = 0;
        for (at, element) in self.elements.iter().enumerate() {
            let field = format!("{field}.elements[{at}]");
            element.check(&field)?;
            let before = bottlenecks;
            bottlenecks += usize::from(matches!(element, Element::Bottleneck { .. }));
            if bottlenecks > 1 {
                return wrong(field, "is a second bottleneck; a link has one");
            }
            let is_cross = matches!(element, Element::CrossTraffic { .. });
            let rest = &self.elements[at..];
            let comes = |one: &Element| matches!(one, Element::Bottleneck { .. });
            if is_cross && (before > 0 || !rest.iter().any(comes)) {
                return wrong(field, "has no bottleneck behind it");
            }
        }
        let mut last = 0.0;
        for (at, change) in self.changes.iter().enumerate() {
            let field = format!("{field}.changes[{at}]");
            self.check_change(change, &field)?;
            if change.at < last {
                return wrong(format!("{field}.at"), "is before the change above it");
            }
            last = change.at;
        }
        Ok(())
    }

    fn check_change(&self, change: &Change, field: &str) -> Result<(), Wrong> {
        let longest = f64::from(Scenario::LONGEST);
        within(format!("{field}.at"), change.at, 0.0..=longest)?;
        let has = |is: fn(&Element) -> bool| self.elements.iter().any(is);
        if let Some(kbps) = change.kbps {
            within(format!("{field}.kbps"), kbps, 0.0..=MOST_KBPS)?;
            if !has(|one| matches!(one, Element::Bottleneck { .. })) {
                return wrong(format!("{field}.kbps"), "is for a link with a bottleneck");
            }
        }
        if let Some(percent) = change.loss_percent {
            within(format!("{field}.loss_percent"), percent, PERCENT)?;
            if !has(|one| matches!(one, Element::Loss { .. } | Element::BurstLoss { .. })) {
                let wrong_is = "is for a link with an element that loses";
                return wrong(format!("{field}.loss_percent"), wrong_is);
            }
        }
        if let Some(ms) = change.delay_ms {
            within(format!("{field}.delay_ms"), ms, TIME_MS)?;
            if !has(|one| matches!(one, Element::Delay { .. })) {
                return wrong(format!("{field}.delay_ms"), "is for a link with a delay");
            }
        }
        Ok(())
    }
}

type Range = std::ops::RangeInclusive<f64>;

const PERCENT: Range = 0.0..=100.0;
const TIME_MS: Range = 0.0..=60_000.0;
const MOST_KBPS: f64 = 10e6;

impl Element {
    fn check(&self, field: &str) -> Result<(), Wrong> {
        let is = |name: &str, value, range| within(format!("{field}.{name}"), value, range);
        match *self {
            Self::Delay { ms } => is("delay.ms", ms, TIME_MS),
            Self::Jitter {
                deviation_ms,
                most_ms,
            } => {
                is("jitter.deviation_ms", deviation_ms, TIME_MS)?;
                is("jitter.most_ms", most_ms, TIME_MS)
            }
            Self::Loss { percent } => is("loss.percent", percent, PERCENT),
            Self::BurstLoss { percent, burst } => {
                is("burst-loss.percent", percent, 0.0..=99.0)?;
                is("burst-loss.burst", burst, 1.0..=1e6)
            }
            Self::Reorder { percent, ms } => {
                is("reorder.percent", percent, PERCENT)?;
                is("reorder.ms", ms, TIME_MS)
            }
            Self::Duplicate { percent } => is("duplicate.percent", percent, PERCENT),
            Self::Bottleneck { kbps, queue_ms, .. } => {
                is("bottleneck.kbps", kbps, 1.0..=MOST_KBPS)?;
                is("bottleneck.queue_ms", queue_ms, TIME_MS)
            }
            Self::CrossTraffic {
                flows,
                rtt_ms,
                from,
                to,
                files,
            } => {
                let longest = f64::from(Scenario::LONGEST);
                is("cross-traffic.flows", f64::from(flows), 1.0..=1e3)?;
                is("cross-traffic.rtt_ms", rtt_ms, 1.0..=60_000.0)?;
                is("cross-traffic.from", from, 0.0..=longest)?;
                is("cross-traffic.to", to, from..=longest)?;
                let Some(files) = files else { return Ok(()) };
                let [least, most] = files.kbytes;
                is("cross-traffic.files.kbytes[0]", least, 1.0..=1e6)?;
                is("cross-traffic.files.kbytes[1]", most, least..=1e6)?;
                is("cross-traffic.files.pause", files.pause, 0.01..=longest)
            }
        }
    }
}

fn within(field: impl Into<String>, value: f64, range: Range) -> Result<(), Wrong> {
    // NaN is in no range.
    if range.contains(&value) {
        return Ok(());
    }
    let (from, to) = range.into_inner();
    wrong(field, format!("is {value}, not from {from} to {to}"))
}

fn wrong<T>(field: impl Into<String>, wrong: impl Into<String>) -> Result<T, Wrong> {
    Err((field.into(), wrong.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        title = "One link"
        source = "everyday"
        seconds = 60

        [[links]]
        name = "down"
        elements = [
            { cross-traffic = { flows = 1, rtt_ms = 50, from = 10, to = 20 } },
            { bottleneck = { kbps = 1000, queue_ms = 300 } },
            { delay = { ms = 20 } },
        ]
        changes = [{ at = 20, kbps = 500 }, { at = 40, delay_ms = 50, rebinds = true }]

        [[participants]]
        name = "anna"
        publishes = ["microphone", "camera"]
        subscribes = false

        [[participants]]
        name = "ben"
        down = "down"
        looks_away = [[10, 20]]
    "#;

    fn error(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        let read = Scenario::parse("tried", &GOOD.replacen(from, to, 1));
        read.expect_err("a mistake").to_string()
    }

    #[test]
    fn a_good_one_is_read() {
        let scenario = Scenario::parse("tried", GOOD).expect("good");
        assert_eq!(scenario.name, "tried");
        assert_eq!(scenario.participants[1].down.as_deref(), Some("down"));
        let rebinds: Vec<_> = scenario.links[0].rebinds().collect();
        assert_eq!(rebinds, [std::time::Duration::from_secs(40)]);
    }

    #[test]
    fn a_mistake_is_told_with_its_field() {
        for (from, to, told) in [
            ("seconds = 60", "seconds = 0", "seconds is not from 1"),
            (
                "ms = 20",
                "ms = -20",
                "links[0].elements[2].delay.ms is -20",
            ),
            ("kbps = 1000", "kbps = nan", "elements[1].bottleneck.kbps"),
            (
                "kbps = 500",
                "loss_percent = 5",
                "changes[0].loss_percent is for",
            ),
            ("at = 20", "at = 50", "links[0].changes[1].at is before"),
            (
                "rtt_ms = 50",
                "rtt_ms = 0",
                "elements[0].cross-traffic.rtt_ms",
            ),
            ("to = 20", "to = 5", "cross-traffic.to is 5, not from 10"),
            (
                "down = \"down\"",
                "down = \"up\"",
                "participants[1].down names no link: `up`",
            ),
            (
                "\"ben\"",
                "\"anna\"",
                "participants[1].name is another participant's",
            ),
            ("[[10, 20]]", "[[20, 10]]", "looks_away[0] is 10"),
            ("title", "titel", "unknown field `titel`"),
            ("\"camera\"", "\"smell\"", "unknown variant `smell`"),
        ] {
            let error = error(from, to);
            assert!(error.contains(told), "{to}: {error}");
            assert!(error.starts_with("tried: "), "{error}");
        }
    }

    #[test]
    fn cross_traffic_needs_a_bottleneck_behind_it() {
        let error = error("{ bottleneck = { kbps = 1000, queue_ms = 300 } },", "");
        assert!(error.contains("elements[0] has no bottleneck"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Scenario::read("no/such/file.toml").expect_err("no file");
        assert!(error.to_string().starts_with("no/such/file.toml: "));
    }
}

//! The command line: one list of elements for each way, or two links of a scenario.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use sfu_lab::element::Line;
use sfu_lab::scenario::{Element, Link, Scenario};

/// Two TUN devices joined by lines that do to packets what networks do.
///
/// Makes the devices in the network namespace that it runs in, and prints `ready` when they are
/// there: whoever started it moves one of them to another namespace and gives both their addresses.
/// Ends when its input is closed, with one line of figures for each way.
#[derive(Debug, Parser)]
#[command(name = "impairment_link")]
pub(crate) struct Args {
    /// The device of this end.
    #[arg(long, default_value = "near")]
    pub(crate) near: String,
    /// The device of the other end.
    #[arg(long, default_value = "far")]
    pub(crate) far: String,
    /// What packets pass on their way to the far end, in this order: `loss=2%,delay=50ms`.
    #[arg(long, value_delimiter = ',', value_parser = parse)]
    to_far: Vec<Element>,
    /// What packets pass on their way to the near end.
    #[arg(long, value_delimiter = ',', value_parser = parse)]
    to_near: Vec<Element>,
    /// A scenario's file, or the name of one of the laboratory's own. Its time begins with a line
    /// `start` on the input, which is answered by a line `started`; until then packets pass untouched.
    #[arg(long, conflicts_with_all = ["to_far", "to_near"])]
    scenario: Option<String>,
    /// The scenario's link to the far end.
    #[arg(long, requires = "scenario")]
    to_far_link: Option<String>,
    /// The scenario's link to the near end.
    #[arg(long, requires = "scenario")]
    to_near_link: Option<String>,
    /// Where to write, at the end, what the bottlenecks did: a JSON list of the laboratory's link logs.
    #[arg(long)]
    pub(crate) log: Option<PathBuf>,
    /// What luck follows from; each element of each way has its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Both ways.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) to_far: OneWay,
    pub(crate) to_near: OneWay,
}

/// What a way is to be.
#[derive(Debug)]
pub(crate) struct OneWay {
    link: Link,
    seed: u64,
    waits: bool,
}

impl OneWay {
    /// The line until the start is called.
    pub(crate) fn before(&self, now: Instant) -> Line<Vec<u8>> {
        if self.waits {
            Line::new(now, &Link::of("open", []), 0)
        } else {
            self.line(now)
        }
    }

    /// When a NAT before it forgets, from the start.
    pub(crate) fn rebinds(&self) -> impl Iterator<Item = Duration> + '_ {
        self.link.rebinds()
    }

    /// The line whose time begins now.
    pub(crate) fn line(&self, now: Instant) -> Line<Vec<u8>> {
        Line::new(now, &self.link, self.seed)
    }
}

impl Args {
    /// The lines of both ways, or what is wrong with the scenario.
    pub(crate) fn lines(&self) -> Result<Lines, String> {
        let seed = self.seed.wrapping_mul(2);
        let scenario = self.scenario.as_deref().map(Scenario::find).transpose();
        let scenario = scenario.map_err(|error| error.to_string())?;
        let way = |elements: &[Element], name: Option<&String>, seed| {
            let link = match (&scenario, name) {
                (Some(scenario), Some(name)) => scenario.link(name).cloned().ok_or_else(|| {
                    format!("the scenario `{}` has no link `{name}`", scenario.name)
                })?,
                (Some(_), None) => Link::clean(),
                (None, _) => Link::of("given", elements),
            };
            let waits = scenario.is_some();
            Ok::<_, String>(OneWay { link, seed, waits })
        };
        Ok(Lines {
            to_far: way(&self.to_far, self.to_far_link.as_ref(), seed)?,
            to_near: way(
                &self.to_near,
                self.to_near_link.as_ref(),
                seed.wrapping_add(1),
            )?,
        })
    }
}

fn parse(text: &str) -> Result<Element, String> {
    let known = "an element is `delay=50ms`, `loss=2%` or `rate=5000kbit`";
    let (name, value) = text.split_once('=').ok_or(known)?;
    let number = |unit: &str| {
        let number = value.strip_suffix(unit).and_then(|text| text.parse().ok());
        number
            .filter(|number: &f64| (0.0..=1e9).contains(number))
            .ok_or_else(|| format!("`{value}` is no number followed by `{unit}`: {known}"))
    };
    match name {
        "delay" => Ok(Element::delay(number("ms")?)),
        "loss" => Some(number("%")?)
            .filter(|percent| *percent <= 100.0)
            .map(|percent| Element::Loss { percent })
            .ok_or_else(|| format!("`{value}` is more than everything")),
        // With a queue as home routers have it.
        "rate" => Ok(Element::bottleneck(number("kbit")?, 300.0)),
        _ => Err(known.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use sfu_lab::element::Packet;

    use super::*;

    fn args(words: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(["impairment_link"].into_iter().chain(words.split(' ')))
    }

    #[test]
    fn elements_are_read_in_their_order() {
        let args = args("--to-far loss=2%,delay=50ms --to-near delay=0.5ms").expect("good words");
        let loss = Element::Loss { percent: 2.0 };
        assert_eq!(args.to_far, [loss, Element::delay(50.0)]);
        assert_eq!(args.to_near, [Element::delay(0.5)]);
    }

    #[test]
    fn what_is_no_element_is_refused() {
        for words in [
            "--to-far delay",
            "--to-far delay=50",
            "--to-far delay=-1ms",
            "--to-far delay=NaNms",
            "--to-far loss=101%",
            "--to-far loss=ten%",
            "--to-far magic=1%",
        ] {
            assert!(args(words).is_err(), "{words}");
        }
    }

    #[test]
    fn each_way_has_its_own_luck() {
        let args = args("--to-far loss=50% --to-near loss=50% --seed 5").expect("good words");
        let lines = args.lines().expect("lines");
        let now = Instant::now();
        let passed = |way: &OneWay| -> Vec<u8> {
            let mut line = way.before(now);
            for number in 0..100 {
                line.put(Packet::new(now, 1, vec![number]));
            }
            let left = std::iter::from_fn(|| line.take(now));
            left.map(|packet| packet.what[0]).collect()
        };
        assert_ne!(passed(&lines.to_far), passed(&lines.to_near));
        assert_eq!(passed(&lines.to_far), passed(&lines.to_far));
    }

    #[test]
    fn a_scenario_begins_when_it_is_told_to() {
        let args = args("--scenario hotel --to-far-link down").expect("good words");
        let lines = args.lines().expect("lines");
        let now = Instant::now();
        let passes_at_once = |mut line: Line<Vec<u8>>| {
            line.put(Packet::new(now, 1_000, vec![1]));
            line.take(now).is_some()
        };
        assert!(passes_at_once(lines.to_far.before(now)));
        assert!(!passes_at_once(lines.to_far.line(now)));
        let mut clean = lines.to_near.line(now);
        clean.put(Packet::new(now, 1_000, vec![1]));
        assert_eq!(clean.next(), Some(now + Duration::from_millis(5)));
    }

    #[test]
    fn an_unknown_link_is_named() {
        let args = args("--scenario hotel --to-far-link nowhere").expect("good words");
        let error = args.lines().expect_err("no such link");
        assert!(error.contains("`nowhere`"), "{error}");
    }
}

//! The command line: one list of elements for each way.

use std::time::Duration;

use clap::Parser;

use sfu_lab::element::Line;
use sfu_lab::scenario::{Element, Link};

/// Two TUN devices joined by lines that delay and lose packets.
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
    to_far: Vec<Kind>,
    /// What packets pass on their way to the near end.
    #[arg(long, value_delimiter = ',', value_parser = parse)]
    to_near: Vec<Kind>,
    /// What luck follows from; each element of each way has its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// An element as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Delay(Duration),
    Loss(f64),
}

impl Args {
    pub(crate) fn line_to_far(&self) -> Line {
        line(&self.to_far, self.seed.wrapping_mul(2))
    }

    pub(crate) fn line_to_near(&self) -> Line {
        line(&self.to_near, self.seed.wrapping_mul(2).wrapping_add(1))
    }
}

fn line(kinds: &[Kind], seed: u64) -> Line {
    let mut seeds = fastrand::Rng::with_seed(seed);
    let element = |kind: &Kind| -> Box<dyn Element> {
        let seed = seeds.u64(..);
        match *kind {
            Kind::Delay(time) => Box::new(Delay::of(time)),
            Kind::Loss(probability) => Box::new(Loss::of(probability, seed)),
        }
    };
    Line::new(kinds.iter().map(element).collect())
}

fn parse(text: &str) -> Result<Kind, String> {
    let known = "an element is `delay=50ms` or `loss=2%`";
    let (name, value) = text.split_once('=').ok_or(known)?;
    let number = |unit: &str| {
        let number = value.strip_suffix(unit).and_then(|text| text.parse().ok());
        number
            .filter(|number: &f64| *number >= 0.0)
            .ok_or_else(|| format!("`{value}` is no number followed by `{unit}`: {known}"))
    };
    match name {
        "delay" => Duration::try_from_secs_f64(number("ms")? / 1e3)
            .map(Kind::Delay)
            .map_err(|error| error.to_string()),
        "loss" => Some(number("%")? / 100.0)
            .filter(|part| *part <= 1.0)
            .map(Kind::Loss)
            .ok_or_else(|| format!("`{value}` is more than everything")),
        _ => Err(known.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::element::Packet;

    fn args(words: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(["impairment_link"].into_iter().chain(words.split(' ')))
    }

    #[test]
    fn elements_are_read_in_their_order() {
        let args = args("--to-far loss=2%,delay=50ms --to-near delay=0.5ms").expect("good words");
        let delay = |us| Kind::Delay(Duration::from_micros(us));
        assert_eq!(args.to_far, [Kind::Loss(0.02), delay(50_000)]);
        assert_eq!(args.to_near, [delay(500)]);
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
        let now = Instant::now();
        let passed = |mut line: Line| -> Vec<u8> {
            for number in 0..100 {
                let bytes = vec![number];
                line.put(Packet { at: now, bytes });
            }
            let left = std::iter::from_fn(|| line.take(now));
            left.map(|packet| packet.bytes[0]).collect()
        };
        assert_ne!(passed(args.line_to_far()), passed(args.line_to_near()));
        assert_eq!(passed(args.line_to_far()), passed(args.line_to_far()));
    }
}

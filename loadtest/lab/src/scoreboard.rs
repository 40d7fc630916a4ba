//! The table of all scenarios and all figures, as Markdown: one line for each scenario, so that a
//! change that makes a figure worse shows in a diff.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::judge::{Aim, Figure, Kind, Worst, worst};

/// Of many seeds this part is at least as good as the value shown, where the worst does not count.
const PART: f64 = 0.9;

/// One scenario's figures over many seeds.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The scenario's name.
    pub scenario: String,
    /// One line for people.
    pub title: String,
    /// What it is taken from.
    pub source: String,
    cells: BTreeMap<Kind, Cell>,
}

/// One figure over many seeds: that of the last seed that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    worst: Worst,
    /// Whose it is.
    seed: usize,
    /// Whether as many seeds as count are as asked.
    met: bool,
}

/// How many are as asked, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// As asked.
    pub met: usize,
    /// Of so many of which something is asked.
    pub of: usize,
}

impl Row {
    /// A scenario's line, from the figures of each seed.
    #[must_use]
    pub fn new(scenario: &str, title: &str, source: &str, runs: &[Vec<Figure>]) -> Self {
        let mut seeds: BTreeMap<Kind, Vec<(usize, Worst)>> = BTreeMap::new();
        for (seed, run) in runs.iter().enumerate() {
            for (kind, worst) in worst(run) {
                seeds.entry(kind).or_default().push((seed, worst));
            }
        }
        let optima = seeds.remove(&Kind::Optimum);
        let cells = seeds
            .into_iter()
            .map(|(kind, seeds)| (kind, cell(kind, seeds)));
        let mut cells: BTreeMap<Kind, Cell> = cells.collect();
        // What the layers allow is of the same seed as what is used: the two are read together.
        let used = cells.get(&Kind::Used).map(|cell| cell.seed);
        let mut optima = optima.into_iter().flatten();
        let optimum = optima.find(|(seed, _)| Some(*seed) == used);
        cells.extend(optimum.map(|optimum| (Kind::Optimum, cell(Kind::Optimum, vec![optimum]))));
        Self {
            scenario: scenario.to_owned(),
            title: title.to_owned(),
            source: source.to_owned(),
            cells,
        }
    }

    /// What is asked for that reason, and how much of it is as asked.
    #[must_use]
    pub fn verdict(&self, aim: Aim) -> Verdict {
        let is = |cell: &&Cell| cell.worst.asked.is_some_and(|asked| asked.aim == aim);
        let asked = self.cells.values().filter(is);
        Verdict {
            met: asked.clone().filter(|cell| cell.met).count(),
            of: asked.count(),
        }
    }

    fn shown(&self, kind: Kind) -> String {
        let Some(cell) = self.cells.get(&kind) else {
            return String::new();
        };
        let digits = kind.digits();
        let value = if cell.worst.value.is_finite() {
            format!("{:.digits$}", cell.worst.value)
        } else {
            "never".to_owned()
        };
        let Some(asked) = cell.worst.asked else {
            return value;
        };
        // Only of this one it differs from row to row.
        let value = match kind {
            Kind::Used => format!("{value} of {:.digits$}", asked.limit),
            _ => value,
        };
        let is_bold = asked.aim == Aim::Proof && !cell.met;
        let bold = if is_bold { "**" } else { "" };
        format!("{bold}{value}{bold}{}", asked.mark(cell.met))
    }
}

fn cell(kind: Kind, mut seeds: Vec<(usize, Worst)>) -> Cell {
    // The best one first.
    seeds.sort_by(|(_, one), (_, other)| other.order(kind).total_cmp(&one.order(kind)));
    let counting = if kind.counts_worst() {
        seeds.len()
    } else {
        (seeds.len() as f64 * PART).ceil() as usize
    };
    let met = seeds.iter().filter(|(_, worst)| worst.met).count();
    let (seed, worst) = seeds[counting.max(1) - 1];
    Cell {
        worst,
        seed,
        met: met >= counting,
    }
}

/// What of the link, and what of pictures and sound.
const LINKS: [Kind; 11] = [
    Kind::Used,
    Kind::Optimum,
    Kind::RateOfOffer,
    Kind::UplinkUsed,
    Kind::QueueMedian,
    Kind::Queue95,
    Kind::QueueMost,
    Kind::Falls,
    Kind::Rises,
    Kind::Fairness,
    Kind::ShareOfTcp,
];
const PICTURES: [Kind; 9] = [
    Kind::FreezeLongest,
    Kind::FreezeTotal,
    Kind::Paused,
    Kind::FirstPicture,
    Kind::Height,
    Kind::FrameRate,
    Kind::Switches,
    Kind::AudioLost,
    Kind::Silence,
];

/// What the figures of the tables are, what is asked of them, and by whom.
pub const LEGEND: &str = "\
✓ and ✗ without brackets are what the adaptation is to be proved by: in steady state (10 s after the start, \
8 s after a change, no TCP flow beside) 90 % of the bottleneck used, or where the layers on offer cannot \
fill that much, 90 % of what they can; 95 of 100 packets wait at most 50 ms in a drop-tail queue of 300 ms \
that nobody else fills; where the capacity halves at some time, no sound lost, no freeze over 300 ms, and \
no more sent than fits after 1 s; where it doubles, the optimum after 8 s; 75 % of the offer through 10 % \
of random loss; the estimates of the subscribers of one bottleneck within 20 %; half of the fair share \
beside an endless TCP flow. (✓) and (✗) are our own aims: the same where the proof does not ask for it, \
and no pauses. A cell with a mark is the proof's as soon as the proof asks for anything in it: in 5.2 and 5.3 \
deeper falls count with the halving.\n\n\
* *used* says what is asked: that is computed for each steady time by its own optimum, and it, *used* and \
*optimum* are of the same seed, the one that counts. The optimum is the best sum of layers within 95 % of \
the link (frames differ in size, and the queue is to stay short), without choices that cost more than \
another and show no more pixels a second. Padding is no use; repairs are.\n\
* *queue* is of packets, over the whole run with its start and its falls. No mark stands at CoDel, in \
outages, and beside TCP: there the delay is not ours, or not ours alone.\n\
* *fair* compares mean estimates in steady state. Who is sent 95 % of all that is on offer has no use for \
more and cannot know of more: it counts only where another has less than it needs, then with what it needs. \
An empty cell: nobody lacked anything.\n\
* *TCP share* has no mark beside flows that pause: how many of them are there at a time is not known.\n\
* What a publisher's own uplink does, and what no sender can prevent (outages, lost addresses, random loss \
of sound), has no mark.\n";

/// The rows as two tables.
#[must_use]
pub fn tables(rows: &[Row]) -> String {
    let mut text = String::new();
    let count = |aim| {
        let verdicts = rows.iter().map(|row| row.verdict(aim));
        verdicts.fold(Verdict::default(), |sum, row| Verdict {
            met: sum.met + row.met,
            of: sum.of + row.of,
        })
    };
    let (proof, own) = (count(Aim::Proof), count(Aim::Own));
    let _ = writeln!(
        text,
        "{} of {} figures of the proof are as asked; of our own aims {} of {}.\n\n## Links\n",
        proof.met, proof.of, own.met, own.of
    );
    table(&mut text, rows, &LINKS);
    text.push_str("\n## Pictures and sound\n\n");
    table(&mut text, rows, &PICTURES);
    text
}

/// What an estimator is compared by.
const COMPARED: [Kind; 9] = [
    Kind::Used,
    Kind::RateOfOffer,
    Kind::QueueMedian,
    Kind::Queue95,
    Kind::Falls,
    Kind::Rises,
    Kind::ShareOfTcp,
    Kind::FreezeLongest,
    Kind::AudioLost,
];

/// Ours and another's, one line below the other, of the scenarios that both have.
#[must_use]
pub fn beside(ours: &[Row], others: &[Row], name: &str) -> String {
    let called = |row: &Row, name: &str| Row {
        scenario: format!("{}, {name}", row.scenario),
        ..row.clone()
    };
    let mut rows = Vec::new();
    for other in others {
        let own = ours.iter().find(|own| own.scenario == other.scenario);
        rows.extend(own.map(|own| called(own, "ours")));
        rows.push(called(other, name));
    }
    let mut text = String::new();
    table(&mut text, &rows, &COMPARED);
    text
}

/// One table of some kinds.
fn table(text: &mut String, rows: &[Row], kinds: &[Kind]) {
    let used = |kind: &&Kind| rows.iter().any(|row| row.cells.contains_key(kind));
    let kinds: Vec<Kind> = kinds.iter().filter(used).copied().collect();
    let heads: Vec<&str> = kinds.iter().map(|kind| kind.label()).collect();
    let _ = writeln!(text, "| scenario | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(kinds.len()));
    for row in rows {
        let cells: Vec<String> = kinds.iter().map(|kind| row.shown(*kind)).collect();
        let _ = writeln!(text, "| {} | {} |", row.scenario, cells.join(" | "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Asked;

    fn figure(kind: Kind, of: &str, value: f64, limit: f64) -> Figure {
        let aim = Aim::Proof;
        Figure {
            kind,
            of: of.to_owned(),
            value,
            asked: Some(Asked { limit, aim }),
        }
    }

    fn row(run: impl Fn(u32) -> Vec<Figure>) -> Row {
        let runs: Vec<_> = (0..20).map(run).collect();
        Row::new("made-up", "", "", &runs)
    }

    #[test]
    fn the_worst_seed_counts_for_freezes_and_two_of_twenty_not_for_the_rest() {
        let row = row(|seed| {
            let bad = seed < 2;
            let used = if bad {
                60.0
            } else {
                90.0 + f64::from(seed) / 10.0
            };
            let carl = if seed == 7 { 310.0 } else { 90.0 };
            vec![
                figure(Kind::Used, "down", used, 80.0),
                figure(Kind::FreezeLongest, "ben", 100.0, 300.0),
                figure(Kind::FreezeLongest, "carl", carl, 300.0),
            ]
        });
        assert_eq!(row.shown(Kind::Used), "90 of 80 ✓");
        assert_eq!(row.shown(Kind::FreezeLongest), "**310** ✗");
        assert_eq!(row.shown(Kind::Rises), "");
        assert_eq!(row.verdict(Aim::Proof), Verdict { met: 1, of: 2 });
        let text = tables(&[row]);
        assert!(
            text.contains("| made-up | 90 of 80 ✓ |\n") && text.contains("1 of 2 figures"),
            "{text}"
        );
    }

    #[test]
    fn three_of_twenty_are_too_many() {
        let row = row(|seed| vec![figure(Kind::Rises, "down", f64::from(seed), 16.0)]);
        assert_eq!(row.shown(Kind::Rises), "**17.0** ✗");
    }

    #[test]
    fn what_is_used_stands_beside_what_the_same_seed_could_use() {
        // What is used is the most where most could be, and there it is not enough.
        let row = row(|seed| {
            let optimum = if seed < 3 { 84.0 } else { 71.0 };
            let used = if seed < 3 { 75.0 } else { 70.0 };
            let best = Figure {
                asked: None,
                ..figure(Kind::Optimum, "down", optimum, 0.0)
            };
            vec![figure(Kind::Used, "down", used, 0.9 * optimum), best]
        });
        assert_eq!(row.shown(Kind::Used), "**75 of 76** ✗");
        assert_eq!(row.shown(Kind::Optimum), "84");
    }

    #[test]
    fn our_own_aims_are_counted_by_themselves() {
        let own = |value| Figure {
            asked: Some(Asked {
                limit: 300.0,
                aim: Aim::Own,
            }),
            ..figure(Kind::FreezeLongest, "ben", value, 0.0)
        };
        let alone = row(|_| vec![own(310.0)]);
        assert_eq!(alone.shown(Kind::FreezeLongest), "310 (✗)");
        let counts = |row: &Row| [Aim::Proof, Aim::Own].map(|aim| row.verdict(aim).of);
        assert_eq!(counts(&alone), [0, 1]);
        let both = row(|_| vec![own(310.0), figure(Kind::FreezeLongest, "carl", 90.0, 300.0)]);
        assert_eq!(both.shown(Kind::FreezeLongest), "**310** ✗");
        assert_eq!(counts(&both), [1, 0]);
    }
}

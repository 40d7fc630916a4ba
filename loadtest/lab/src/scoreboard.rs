//! The table of all scenarios and all figures, as Markdown: one line for each scenario, so that a
//! change that makes a figure worse shows in a diff.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::judge::{Better, Figure, Kind};

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

/// One figure over many seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    value: f64,
    /// Whether as many seeds as count are as asked; `None`: nothing is asked.
    met: Option<bool>,
}

/// One seed's worst of one kind, and whether all that were asked are as asked.
type Worst = (f64, Option<bool>);

impl Row {
    /// A scenario's line, from the figures of each seed.
    #[must_use]
    pub fn new(scenario: &str, title: &str, source: &str, runs: &[Vec<Figure>]) -> Self {
        let mut seeds: BTreeMap<Kind, Vec<Worst>> = BTreeMap::new();
        for run in runs {
            for (kind, worst) in worst_of(run) {
                seeds.entry(kind).or_default().push(worst);
            }
        }
        let cells = seeds
            .into_iter()
            .map(|(kind, worst)| (kind, cell(kind, worst)));
        Self {
            scenario: scenario.to_owned(),
            title: title.to_owned(),
            source: source.to_owned(),
            cells: cells.collect(),
        }
    }

    /// How many figures are asked for, and how many are as asked.
    #[must_use]
    pub fn verdict(&self) -> (usize, usize) {
        let asked = self.cells.values().filter_map(|cell| cell.met);
        let met = asked.clone().filter(|met| *met).count();
        (met, asked.count())
    }

    fn shown(&self, kind: Kind) -> String {
        let Some(cell) = self.cells.get(&kind) else {
            return String::new();
        };
        let digits = kind.digits();
        let value = if cell.value.is_finite() {
            format!("{:.digits$}", cell.value)
        } else {
            "never".to_owned()
        };
        match cell.met {
            Some(false) => format!("**{value}** ✗"),
            Some(true) => format!("{value} ✓"),
            None => value,
        }
    }
}

/// The worst of each kind in one run, whoever has it.
fn worst_of(run: &[Figure]) -> BTreeMap<Kind, Worst> {
    let mut all: BTreeMap<Kind, Worst> = BTreeMap::new();
    for figure in run {
        let met = figure.limit.map(|_| figure.is_met());
        let worst = all.entry(figure.kind).or_insert((figure.value, None));
        worst.0 = figure.kind.worse(worst.0, figure.value);
        worst.1 = match (worst.1, met) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other),
        };
    }
    all
}

fn cell(kind: Kind, mut seeds: Vec<Worst>) -> Cell {
    let order = |one: &Worst, other: &Worst| match kind.better() {
        Better::More => other.0.total_cmp(&one.0),
        Better::Less => one.0.total_cmp(&other.0),
    };
    // The best one first.
    seeds.sort_by(order);
    let counting = if kind.counts_worst() {
        seeds.len()
    } else {
        (seeds.len() as f64 * PART).ceil() as usize
    };
    let met = seeds.iter().filter(|(_, met)| *met == Some(true)).count();
    let asked = seeds.iter().any(|(_, met)| met.is_some());
    Cell {
        value: seeds[counting.max(1) - 1].0,
        met: asked.then_some(met >= counting),
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

/// The rows as two tables.
#[must_use]
pub fn tables(rows: &[Row]) -> String {
    let mut text = String::new();
    let (met, asked) = rows
        .iter()
        .map(Row::verdict)
        .fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    let _ = writeln!(text, "{met} of {asked} figures are as asked.\n\n## Links\n");
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

    fn figure(kind: Kind, of: &str, value: f64, limit: f64) -> Figure {
        Figure {
            kind,
            of: of.to_owned(),
            value,
            limit: Some(limit),
        }
    }

    #[test]
    fn the_worst_seed_counts_for_freezes_and_two_of_twenty_not_for_the_rest() {
        let run = |seed: u32| {
            let bad = seed < 2;
            let used = if bad {
                60.0
            } else {
                90.0 + f64::from(seed) / 10.0
            };
            vec![
                figure(Kind::Used, "down", used, 80.0),
                figure(Kind::FreezeLongest, "ben", 100.0, 300.0),
                figure(
                    Kind::FreezeLongest,
                    "carl",
                    if seed == 7 { 310.0 } else { 90.0 },
                    300.0,
                ),
            ]
        };
        let runs: Vec<_> = (0..20).map(run).collect();
        let row = Row::new("made-up", "", "", &runs);
        assert_eq!(row.shown(Kind::Used), "90 ✓");
        assert_eq!(row.shown(Kind::FreezeLongest), "**310** ✗");
        assert_eq!(row.shown(Kind::Rises), "");
        assert_eq!(row.verdict(), (1, 2));
        let text = tables(&[row]);
        assert!(
            text.contains("| made-up | 90 ✓ |\n") && text.contains("1 of 2 figures"),
            "{text}"
        );
    }

    #[test]
    fn three_of_twenty_are_too_many() {
        let run = |seed: u32| vec![figure(Kind::Rises, "down", f64::from(seed), 16.0)];
        let runs: Vec<_> = (0..20).map(run).collect();
        let row = Row::new("made-up", "", "", &runs);
        assert_eq!(row.shown(Kind::Rises), "**17.0** ✗");
    }
}

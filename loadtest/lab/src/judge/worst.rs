//! Of many figures of one kind the one that counts.

use std::collections::BTreeMap;

use super::{Asked, Better, Figure, Kind};

/// The worst figure of one kind, whoever has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst {
    /// Its value.
    pub value: f64,
    /// What is asked of it.
    pub asked: Option<Asked>,
    /// Whether all of the kind are as asked of which anything is.
    pub met: bool,
}

impl Worst {
    /// The greater the better: how far the value is from what is asked of it.
    #[must_use]
    pub fn order(&self, kind: Kind) -> f64 {
        let limit = self.asked.map_or(0.0, |asked| asked.limit);
        match kind.better() {
            Better::More => self.value - limit,
            Better::Less => limit - self.value,
        }
    }
}

/// The worst of each kind in one run: of those of which something is asked, if any. What the proof asks
/// of one of them it asks of the kind.
#[must_use]
pub fn worst(run: &[Figure]) -> BTreeMap<Kind, Worst> {
    let mut all: BTreeMap<Kind, Worst> = BTreeMap::new();
    for figure in run {
        let one = Worst {
            value: figure.value,
            asked: figure.asked,
            met: figure.is_met(),
        };
        let worst = all.entry(figure.kind).or_insert(one);
        *worst = match (worst.asked, one.asked) {
            (Some(_), None) => *worst,
            (None, Some(_)) => one,
            (before, now) => {
                let is_worse = one.order(figure.kind) < worst.order(figure.kind);
                let mut worse = if is_worse { one } else { *worst };
                let aim = before.map(|one| one.aim).max(now.map(|one| one.aim));
                if let (Some(asked), Some(aim)) = (&mut worse.asked, aim) {
                    asked.aim = aim;
                }
                worse.met = worst.met && one.met;
                worse
            }
        };
    }
    all
}

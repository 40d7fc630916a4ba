//! What packets meet on their way, one way.

use std::collections::BTreeMap;

use crate::dice::Dice;

/// How bad a path is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    /// Of a hundred packets, how many are lost.
    pub(crate) loss: u64,
    /// Of a hundred, how many are late by up to 15 ms, so that others overtake them.
    pub(crate) late: u64,
    /// Of a hundred, how many come twice.
    pub(crate) twice: u64,
}

/// Milliseconds that every packet takes.
const DELAY: u64 = 20;

#[derive(Clone, Debug)]
pub(crate) struct Path<T> {
    pub(crate) weather: Weather,
    air: BTreeMap<(u64, u64), T>,
    sent: u64,
}

impl<T: Clone> Path<T> {
    pub(crate) fn new(weather: Weather) -> Self {
        Self {
            weather,
            air: BTreeMap::new(),
            sent: 0,
        }
    }

    /// False when it is lost.
    pub(crate) fn send(&mut self, dice: &mut Dice, now: u64, what: T) -> bool {
        if dice.percent(self.weather.loss) {
            return false;
        }
        let copies = if dice.percent(self.weather.twice) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let late = if dice.percent(self.weather.late) {
                dice.roll(15)
            } else {
                0
            };
            self.sent += 1;
            self.air
                .insert((now + DELAY + late, self.sent), what.clone());
        }
        true
    }

    pub(crate) fn arrived(&mut self, now: u64) -> Option<T> {
        let entry = self.air.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}

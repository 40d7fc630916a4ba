//! How a capacity that falls or rises is followed.

use super::shared::{Shared, Takes, USED};
use super::windows::{self, Level, bins, seconds};
use super::{Aim, Asked, Kind, Nature};

/// Under capacity within this after a fall, in seconds; the best choice of layers within that after
/// a rise.
const FALLS_IN: f64 = 1.0;
const RISES_IN: f64 = 8.0;

impl Shared<'_> {
    pub(super) fn changes(&self, nature: Nature, figure: &mut impl Takes) {
        let (mut fall, mut rise) = (None::<f64>, None::<f64>);
        for pair in self.levels.windows(2) {
            let [before, after] = [pair[0], pair[1]];
            // One that does not last is not to be followed.
            let lasts = after.to - after.from >= bins(RISES_IN + 2.0);
            if after.kbps < before.kbps && after.kbps > 0.0 {
                let took = self.until_under(after);
                fall = Some(fall.unwrap_or(0.0).max(took));
            } else if after.kbps > before.kbps
                && lasts
                && before.kbps > 0.0
                && !nature.has_cross_traffic
            {
                let took = self.until_best(after);
                rise = Some(rise.unwrap_or(0.0).max(took));
            }
        }
        let asked = |limit, is_proof| {
            let aim = if is_proof { Aim::Proof } else { Aim::Own };
            (!nature.has_cross_traffic).then_some(Asked { limit, aim })
        };
        if let Some(took) = fall {
            figure(Kind::Falls, took, asked(FALLS_IN, nature.halves));
        }
        if let Some(took) = rise {
            figure(Kind::Rises, took, asked(RISES_IN, nature.doubles));
        }
    }

    /// Seconds until what is sent in half a second fits.
    fn until_under(&self, level: Level) -> f64 {
        let span = bins(0.5);
        let mut starts = level.from..level.to.saturating_sub(span);
        let under = starts.find(|from| self.sent(*from, from + span) <= level.kbps);
        under.map_or(f64::INFINITY, |from| seconds(from - level.from))
    }

    /// Seconds until what is carried in a second is what the best choice of layers comes to.
    fn until_best(&self, level: Level) -> f64 {
        let span = bins(1.0);
        let settled = (level.from + bins(windows::SETTLES_IN), level.to);
        let best = self.best(settled, level.kbps);
        let mut starts = level.from..level.to.saturating_sub(span);
        let there = starts.find(|from| self.media(*from, from + span) >= USED * best);
        there.map_or(f64::INFINITY, |from| seconds(from - level.from + span))
    }

    fn sent(&self, from: usize, to: usize) -> f64 {
        let sent = self.subscribers.iter().flat_map(|s| &s.bins[from..to]);
        sent.map(|bin| bin.sent_kbps).sum::<f64>() / (to - from).max(1) as f64
    }
}

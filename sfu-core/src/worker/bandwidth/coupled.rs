//! An estimate that is one's share of a line.

use std::time::Instant;

use super::Bandwidth;
use crate::bandwidth::estimator::{Heard, Share};
use crate::unit::Bitrate;

impl Bandwidth {
    /// What may be sent with what others of its line leave; `None` when nothing tells.
    pub(in crate::worker) fn budget(&self) -> Option<Bitrate> {
        self.is_known().then(|| self.estimator.budget())
    }

    /// What of that others leave.
    pub(in crate::worker) fn lent(&self) -> Bitrate {
        let both = self.budget().zip(self.estimate());
        let lent = both.map(|(budget, estimate)| budget.bps().saturating_sub(estimate.bps()));
        Bitrate::from_bps(lent.unwrap_or_default())
    }

    /// What there is to say to its line after feedback.
    pub(in crate::worker) fn heard_for_line(&self) -> Option<Heard> {
        self.estimator.heard().filter(|_| self.is_on)
    }

    /// Its line gives it so much.
    pub(in crate::worker) fn couple(&mut self, now: Instant, share: Option<Share>) {
        if share == self.estimator.share() {
            return;
        }
        self.estimator.couple(now, share);
        let after = &self.estimator;
        self.recorded
            .note(|recorder| recorder.share(now, share, after));
    }
}

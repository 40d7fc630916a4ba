//! An estimator as one of those who share a line.

use std::time::Instant;

use super::{Estimator, Heard, Share};
use crate::unit::Bitrate;

impl Estimator {
    /// Its line gives it `share`; `None`: it is controlled alone.
    pub fn couple(&mut self, now: Instant, share: Option<Share>) {
        let at = self.micros(now);
        match share {
            Some(share) if !self.silence.is_on() => {
                if share.holds && !self.control.holds() {
                    self.probes.fell(at);
                }
                let Share {
                    fair,
                    holds,
                    is_limited,
                    ..
                } = share;
                self.control.follow(fair, holds, is_limited);
            }
            Some(_) => {}
            None => {
                let is_limited = self.control.is_limited();
                self.control.follow(self.sending(), false, is_limited);
            }
        }
        self.share = share;
        self.settle(at);
    }

    /// What its line gives it.
    #[must_use]
    pub const fn share(&self) -> Option<Share> {
        self.share
    }

    /// What there is to say to a line after feedback.
    #[must_use]
    pub fn heard(&self) -> Option<Heard> {
        Some(Heard {
            facts: self.facts?,
            proven: self.proven,
            is_probing: self.probes.is_sent(),
        })
    }

    /// What may be sent: the estimate, and what others of its line leave.
    #[must_use]
    pub const fn budget(&self) -> Bitrate {
        Bitrate::from_bps(self.budget as u64)
    }
}

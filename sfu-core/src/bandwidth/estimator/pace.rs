//! How fast packets leave.

use super::Estimator;
use crate::unit::Bitrate;

/// How much faster than the estimate packets may leave: while nothing has shown what the link
/// carries, when a queue has, and while one drains. Layers come in pictures, and a picture that waits here
/// is late; one that makes a queue makes sound late too.
const PACE_UNKNOWN: f64 = 1.5;
const PACE_KNOWN: f64 = 1.2;
const PACE_DRAINING: f64 = 1.0;

/// The least pacing rate while nothing has shown what the link carries, in bits per second.
///
/// Higher: the first pictures are a burst that a bad link's queue has to hold. Lower: who comes into a
/// call waits for them.
const PACE_FIRST: f64 = 5_000_000.0;

impl Estimator {
    /// How fast what there is to send may leave: above the estimate, since layers come in pictures.
    #[must_use]
    pub fn pacing_rate(&self) -> Bitrate {
        let rate = self.sending();
        let pace = if self.control.holds() {
            rate * PACE_DRAINING
        } else if self.control.is_limited() {
            rate * PACE_KNOWN
        } else if self.probes.has_answer() {
            rate * PACE_UNKNOWN
        } else {
            (rate * PACE_UNKNOWN).max(PACE_FIRST)
        };
        Bitrate::from_bps(pace as u64)
    }

    /// What is sent by: the estimate, or its part of what its line carries. A picture comes for all members of
    /// a line at the same time, and the paces of all of them are no more than the line's: if each were sent
    /// at all that it could get, what is not used would be counted once for each of them, and a keyframe for
    /// all would fill the queue, as what RFC 8699 divides is the sum of all rates.
    pub(super) fn sending(&self) -> f64 {
        match self.share {
            None => self.estimate,
            Some(share) => share.part.min(self.budget),
        }
    }

    /// [`Self::sending`], as a rate.
    #[must_use]
    pub fn sending_rate(&self) -> Bitrate {
        Bitrate::from_bps(self.sending() as u64)
    }
}

//! Loss control by receiver reports, for who gives no transport-wide feedback
//! (draft-ietf-rmcat-gcc-02 section 6).

use super::MIN_ESTIMATE;
use crate::bandwidth::recording::kept::kept;

/// The losses that lower the rate and that let it grow, in 256ths: 10 % and 2 % (section 6).
const HIGH: u8 = 26;
const LOW: u8 = 5;

/// What a report without loss adds (section 6: 1.05), for each second.
const GROWTH: f64 = 0.08;

/// Longest time that growth is made up for at once, in microseconds.
const LONGEST_STEP: u64 = 2_000_000;

/// How far above what is sent the rate may grow without a word of the receiver's.
const EVIDENCE: f64 = 1.5;

/// The shortest time between two falls, in microseconds: several streams report of one link.
const BETWEEN_FALLS: u64 = 300_000;

/// The rate that receiver reports allow, in bits per second.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReportedLoss {
    rate: f64,
    last: Option<u64>,
    fell: Option<u64>,
    lost: u8,
}

impl ReportedLoss {
    pub(super) const fn new(rate: f64) -> Self {
        Self {
            rate,
            last: None,
            fell: None,
            lost: 0,
        }
    }

    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }

    /// True when a report has come.
    pub(super) const fn has_begun(&self) -> bool {
        self.last.is_some()
    }

    /// A report came while `sent` bits per second are sent; `remb` is what the receiver allows.
    pub(super) fn report(&mut self, now: u64, lost: u8, sent: f64, remb: Option<f64>) {
        self.lost = lost;
        let step = self
            .last
            .map_or(0, |last| now.saturating_sub(last).min(LONGEST_STEP));
        self.last = Some(now);
        if lost > HIGH {
            if self
                .fell
                .is_some_and(|at| now.saturating_sub(at) < BETWEEN_FALLS)
            {
                return;
            }
            self.fell = Some(now);
            // Section 6: As_hat(i) = As_hat(i-1) * (1 - 0.5p).
            self.rate = self.rate.min(sent.max(self.rate * 0.5) * 1.25);
            self.rate *= 1.0 - 0.5 * f64::from(lost) / 256.0;
            // It grows by a part of itself, and has to come back from whatever it fell to.
            self.rate = self.rate.max(MIN_ESTIMATE.bps() as f64);
        } else if lost < LOW {
            let grown = self.rate * (1.0 + GROWTH * step as f64 / 1e6);
            let most = remb.unwrap_or(sent * EVIDENCE);
            self.rate = self.rate.max(grown.min(most));
        }
    }

    /// The receiver has said what it allows (REMB).
    pub(super) fn allowed(&mut self, remb: f64) {
        if self.lost < LOW {
            self.rate = self.rate.max(remb);
        }
    }
}

kept!(ReportedLoss {
    rate,
    last,
    fell,
    lost
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_loss_lowers_little_raises_and_between_nothing_changes() {
        let mut loss = ReportedLoss::new(1e6);
        loss.report(1_000_000, 128, 1e6, None);
        assert!((loss.rate() - 0.75e6).abs() < 1.0, "{}", loss.rate());
        loss.report(1_100_000, 128, 1e6, None);
        assert!(
            (loss.rate() - 0.75e6).abs() < 1.0,
            "the other stream says the same"
        );
        loss.report(2_100_000, 15, 1e6, None);
        assert!((loss.rate() - 0.75e6).abs() < 1.0);
        loss.report(3_100_000, 0, 1e6, None);
        assert!((loss.rate() - 0.81e6).abs() < 1.0, "{}", loss.rate());
        loss.report(4_100_000, 0, 0.1e6, None);
        assert!((loss.rate() - 0.81e6).abs() < 1.0, "no evidence, no growth");
    }

    #[test]
    fn no_loss_starves_a_receiver_for_good() {
        let mut loss = ReportedLoss::new(1e6);
        for report in 0..300 {
            loss.report(report * 1_000_000, 255, 50_000.0, None);
        }
        for report in 300..320 {
            loss.report(report * 1_000_000, 0, 50_000.0, Some(1e6));
        }
        assert!(loss.rate() > 100_000.0, "{}", loss.rate());
    }
}

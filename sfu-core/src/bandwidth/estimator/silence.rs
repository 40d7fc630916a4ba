//! Nothing is heard of what was sent.

use crate::bandwidth::recording::kept::kept;

/// The shortest time that is silence, and what is added to twice the round trip, in microseconds. A receiver gives feedback
/// each 50 to 250 ms while packets arrive.
///
/// Longer: a dead link is filled for longer. Shorter: a lost feedback or two costs a layer.
const SHORTEST: u64 = 500_000;
const ADDED: u64 = 300_000;

/// The silence after which what was known of the link counts no more.
const FORGET: u64 = 10_000_000;

/// What is left of the rate after each silence, and what of the former one is tried when it ends.
const BETA: f64 = 0.5;

/// Watches for silence.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    /// The first packet that was sent since feedback came, or since silence last lowered the rate.
    unheard: Option<u64>,
    /// When silence first lowered the rate, and from where.
    before: Option<(u64, f64)>,
}

impl Silence {
    /// A packet left.
    pub(super) const fn sent(&mut self, at: u64) {
        if self.unheard.is_none() {
            self.unheard = Some(at);
        }
    }

    /// True while nothing is heard.
    pub(super) const fn is_on(&self) -> bool {
        self.before.is_some()
    }

    /// When it is silence.
    pub(super) fn deadline(&self, rtt: u64) -> Option<u64> {
        Some(self.unheard? + SHORTEST.max(2 * rtt + ADDED))
    }

    /// What is left of `rate`, when nothing was heard for too long.
    pub(super) fn fall(&mut self, now: u64, rtt: u64, rate: f64) -> Option<f64> {
        if now < self.deadline(rtt)? {
            return None;
        }
        // Only what is sent from now on can go unheard again: who sends nothing is silent for that.
        self.unheard = None;
        self.before.get_or_insert((now, rate));
        Some(rate * BETA)
    }

    /// What is sent goes another way: it was silent for that, and not for a link that is full or gone.
    /// The rate from before, when it was silent.
    pub(super) fn explained(&mut self, now: u64) -> Option<f64> {
        self.unheard = None;
        let (since, rate) = self.before.take()?;
        (now - since < FORGET).then_some(rate)
    }

    /// Feedback came. The rate to try, when it was silent before: nothing of it is left after a long time.
    pub(super) fn heard(&mut self, now: u64) -> Option<f64> {
        let was_silent = self.is_on();
        let tried = self.explained(now).map_or(0.0, |rate| rate * BETA);
        was_silent.then_some(tried)
    }
}

kept!(Silence { unheard, before });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_halves_the_rate_again_and_again_and_its_end_gives_half_of_it_back() {
        let mut silence = Silence::default();
        assert_eq!(silence.deadline(0), None, "nothing was sent");
        silence.sent(1_000_000);
        assert_eq!(silence.fall(1_499_999, 50_000, 2e6), None);
        assert_eq!(silence.fall(1_500_000, 50_000, 2e6), Some(1e6));
        silence.sent(1_500_000);
        assert_eq!(silence.fall(1_600_000, 50_000, 1e6), None);
        assert_eq!(silence.fall(2_000_000, 50_000, 1e6), Some(0.5e6));
        assert!(silence.is_on());
        assert_eq!(silence.heard(2_500_000), Some(1e6));
        assert_eq!(silence.heard(2_600_000), None);
    }

    #[test]
    fn who_sends_nothing_is_silent_for_that() {
        let mut silence = Silence::default();
        silence.sent(1_000_000);
        assert_eq!(silence.fall(1_500_000, 50_000, 2e6), Some(1e6));
        assert_eq!(silence.deadline(50_000), None);
        assert_eq!(silence.fall(60_000_000, 50_000, 1e6), None);
    }

    #[test]
    fn after_a_long_silence_all_begins_anew() {
        let mut silence = Silence::default();
        silence.sent(1_000_000);
        assert_eq!(silence.fall(1_500_000, 50_000, 2e6), Some(1e6));
        assert_eq!(silence.heard(1_500_000 + FORGET), Some(0.0));
        assert!(!silence.is_on());
    }

    #[test]
    fn a_silence_that_another_way_explains_costs_nothing() {
        let mut silence = Silence::default();
        silence.sent(1_000_000);
        assert_eq!(silence.explained(1_200_000), None);
        silence.sent(1_300_000);
        assert_eq!(silence.fall(2_000_000, 50_000, 2e6), Some(1e6));
        assert_eq!(silence.explained(2_500_000), Some(2e6));
        assert!(!silence.is_on());
        assert_eq!(silence.heard(2_600_000), None);
    }
}

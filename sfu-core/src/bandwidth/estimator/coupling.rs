//! An estimator as one of those who share a line.

use std::time::Instant;

use super::{Estimator, Heard, Share};
use crate::unit::Bitrate;

impl Estimator {
    /// Its line gives it `share`; `None`: it is controlled alone.
    pub fn couple(&mut self, now: Instant, share: Option<Share>) {
        let at = self.micros(now);
        if share.is_some_and(|share| share.has_raised) && self.proven.take().is_some() {
            self.probes.raised(at);
        }
        if share.is_none() {
            let is_limited = self.control.is_limited();
            self.control.follow(self.sending(), false, is_limited);
        }
        self.share = share;
        self.settle(at);
    }

    /// Keeps to what the line gives, if it has one.
    pub(super) fn follow_line(&mut self, now: u64) {
        let Some(share) = self.share.filter(|_| !self.is_silent(now)) else {
            return;
        };
        if share.holds && !self.control.holds() {
            self.probes.fell(now);
        }
        self.control
            .follow(share.fair, share.holds, share.is_limited);
    }

    /// Whether nothing is heard, or nothing is made yet of what is heard again. What its line gives is of before,
    /// and counts no more than what was known of a link of its own.
    pub(super) fn is_silent(&self, now: u64) -> bool {
        self.silence.is_on() || self.share.is_some() && now < self.settles
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

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bandwidth::departure::{Class, SentPacket, ToldPacket};

    /// An estimator, and the number of its next packet.
    struct Scene(Estimator, u64, Instant);

    impl Scene {
        fn at(&self, ms: u64) -> Instant {
            self.2 + Duration::from_millis(ms)
        }

        fn send(&mut self, ms: u64) {
            let sent = SentPacket {
                sequence: self.1,
                size: 1_000,
                class: Class::Video,
                probe: None,
            };
            self.0.on_sent(self.at(ms), sent);
            self.1 += 1;
        }

        /// The newest packet has arrived.
        fn hear(&mut self, ms: u64) {
            let told = ToldPacket {
                number: (self.1 - 1) as u16,
                arrival: Some(ms as i64 * 1_000),
            };
            self.0.on_told_packets(self.at(ms), &[told]);
        }

        fn budget(&self) -> u64 {
            self.0.budget().bps()
        }
    }

    #[test]
    fn after_silence_half_is_tried_before_what_the_line_gives() {
        let start = Instant::now();
        let mut scene = Scene(Estimator::new(start), 0, start);
        let share = Share {
            fair: 3e6,
            most: 4e6,
            part: 3e6,
            holds: false,
            is_limited: false,
            has_raised: false,
        };
        scene.send(0);
        scene.hear(50);
        scene.0.couple(scene.at(50), Some(share));
        assert_eq!(scene.budget(), 4_000_000);
        scene.send(60);
        scene.0.handle_timeout(scene.at(1_000));
        assert_eq!(scene.budget(), 1_500_000, "of its own");
        scene.send(1_100);
        scene.hear(1_150);
        // Its line gives it more or less as others come and go.
        let share = Share {
            most: 3.9e6,
            ..share
        };
        scene.0.couple(scene.at(1_150), Some(share));
        assert_eq!(scene.budget(), 1_500_000);
        scene.send(1_900);
        scene.hear(1_950);
        assert_eq!(scene.budget(), 3_900_000);
        assert_eq!(scene.0.estimate().bps(), 3_000_000);
    }
}

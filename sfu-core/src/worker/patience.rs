//! How long a subscriber is asked to hold pictures back, so that repairs come in time.
//!
//! A receiver shows a picture as soon as it can. A frame that others do not build on (the upper
//! temporal layers) is overtaken by the next one while its repair is under way, and is then thrown
//! away though the repair comes: 2 % of packets lost are 5 to 10 % of pictures. The playout delay
//! (<http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>) of who loses packets is therefore
//! made as long as a repair takes. Who loses nothing waits for nothing.

use std::time::{Duration, Instant};

use crate::wire::extensions::playout_delay;
use crate::wire::seq;

/// So many reports of losses, none of them [`Patience::FORGOTTEN`] after the one before, make a
/// subscriber wait. Higher: more pictures are lost before. Lower: a single loss, of which every call
/// has one, costs delay.
const LOSSES: u32 = 3;

/// What one subscription's receiver is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience {
    losses: u32,
    last: Option<Instant>,
    /// The newest sequence number that was named as lost: one loss is named again and again.
    newest: Option<u16>,
    /// Asked for at present; zero once it is over; none for as long as nothing was ever asked for.
    least: Option<Duration>,
    /// The bounds that the publisher named last.
    publishers: Option<[u8; 3]>,
}

impl Patience {
    /// How long losses are remembered. Longer: a receiver waits though nothing is lost any more.
    /// Shorter: rare losses make the delay come and go, and each change is a change of speed.
    const FORGOTTEN: Duration = Duration::from_secs(30);

    /// Beside the round trips: what a gap takes to be seen (the next frame is up to 50 ms away) and
    /// what a NACK waits for others. Longer: more delay for everybody on a bad link. Shorter: what is
    /// repaired comes late.
    const MARGIN: Duration = Duration::from_millis(50);

    /// More is not asked for. Higher: on long paths people talk at the same time. Lower: repairs are
    /// late there.
    const MOST: Duration = Duration::from_millis(300);

    /// Smaller changes are not told: round trips differ by themselves.
    const STEP: Duration = Duration::from_millis(40);

    /// The subscriber has lost what has the sequence number `lost` and perhaps more before it, and is
    /// `rtt` away.
    pub(super) fn lost(&mut self, now: Instant, lost: u16, rtt: Option<Duration>) {
        self.settle(now);
        let is_new = |newest| seq::distance(lost, newest) > 0;
        if !self.newest.is_none_or(is_new) {
            return;
        }
        self.newest = Some(lost);
        self.losses = self.losses.saturating_add(1);
        self.last = Some(now);
        let Some(rtt) = rtt.filter(|_| self.losses >= LOSSES) else {
            return;
        };
        // Two round trips: repairs are lost as easily, and asked for again after one.
        let least = (2 * rtt + Self::MARGIN).min(Self::MOST);
        if self.least.unwrap_or_default().abs_diff(least) >= Self::STEP {
            self.least = Some(least);
        }
    }

    /// Forgets losses that are long ago.
    pub(super) fn settle(&mut self, now: Instant) {
        let is_over = |last| now.saturating_duration_since(last) >= Self::FORGOTTEN;
        if self.last.is_some_and(is_over) {
            let least = self.least.map(|_| Duration::ZERO);
            *self = Self {
                least,
                publishers: self.publishers,
                ..Self::default()
            };
        }
    }

    /// The publisher asks for these bounds itself: they go before what is asked for here.
    pub(super) const fn publisher_asks(&mut self, bounds: [u8; 3]) {
        self.publishers = Some(bounds);
    }

    /// The header extension's value on a packet that came without; `None`: it leaves without.
    pub(super) fn bounds(&self) -> Option<[u8; 3]> {
        let least = self.least?;
        // No greatest delay: zero for both would mean that pictures need no order.
        let ours = playout_delay(least, Duration::MAX);
        Some(self.publishers.unwrap_or(ours))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    const RTT: Option<Duration> = Some(Duration::from_millis(100));

    fn least(patience: &Patience) -> Option<u64> {
        let [high, low, _] = patience.bounds()?;
        Some((u64::from(high) << 4 | u64::from(low) >> 4) * 10)
    }

    #[test]
    fn who_loses_next_to_nothing_waits_for_nothing() {
        let now = Instant::now();
        let mut patience = Patience::default();
        for round in 0..100 {
            let number = u16::try_from(round).unwrap();
            patience.lost(now + round * Patience::FORGOTTEN, number, RTT);
            assert_eq!(least(&patience), None);
        }
    }

    #[test]
    fn one_loss_that_is_named_again_and_again_is_one() {
        let now = Instant::now();
        let mut patience = Patience::default();
        for round in 0..20 {
            patience.lost(now + round * Duration::from_millis(100), 0xffff, RTT);
        }
        assert_eq!(least(&patience), None);
        patience.lost(now, 0, RTT);
        patience.lost(now, 1, RTT);
        assert_eq!(least(&patience), Some(250));
    }

    #[test]
    fn who_loses_more_waits_for_two_round_trips() {
        let now = Instant::now();
        let mut patience = Patience::default();
        for number in 0..LOSSES as u16 {
            assert_eq!(least(&patience), None);
            patience.lost(now, number, RTT);
        }
        assert_eq!(least(&patience), Some(250));
    }

    #[test]
    fn nobody_waits_longer_than_a_talk_bears() {
        let now = Instant::now();
        let mut patience = Patience::default();
        for number in 0..LOSSES as u16 {
            patience.lost(now, number, Some(Duration::from_secs(5)));
        }
        assert_eq!(least(&patience), Some(300));
    }

    #[test]
    fn a_subscriber_of_unknown_distance_is_not_asked() {
        let now = Instant::now();
        let mut patience = Patience::default();
        for number in 0..10 {
            patience.lost(now, number, None);
        }
        assert_eq!(least(&patience), None);
        patience.lost(now, 10, RTT);
        assert_eq!(least(&patience), Some(250));
    }

    #[test]
    fn small_changes_are_not_told() {
        let now = Instant::now();
        let mut patience = Patience::default();
        for number in 0..LOSSES as u16 {
            patience.lost(now, number, RTT);
        }
        patience.lost(now, 10, Some(Duration::from_millis(90)));
        assert_eq!(least(&patience), Some(250));
        patience.lost(now, 11, Some(Duration::from_millis(50)));
        assert_eq!(least(&patience), Some(150));
    }

    #[test]
    fn the_publishers_own_bounds_go_before_and_are_said_again() {
        let now = Instant::now();
        let ms = Duration::from_millis;
        let own = playout_delay(ms(100), ms(200));
        let mut patience = Patience::default();
        patience.publisher_asks(own);
        assert_eq!(patience.bounds(), None, "it says so itself");
        for number in 0..LOSSES as u16 {
            patience.lost(now, number, RTT);
        }
        // Who was asked for another delay before hears it though the publisher says it once only.
        assert_eq!(patience.bounds(), Some(own));
        patience.settle(now + Patience::FORGOTTEN);
        assert_eq!(patience.bounds(), Some(own));
        let other = playout_delay(ms(0), ms(400));
        patience.publisher_asks(other);
        assert_eq!(patience.bounds(), Some(other));
    }

    #[test]
    fn when_losses_end_the_delay_is_taken_back() {
        let now = Instant::now();
        let mut patience = Patience::default();
        for number in 0..LOSSES as u16 {
            patience.lost(now, number, RTT);
        }
        patience.settle(now + Patience::FORGOTTEN / 2);
        assert_eq!(least(&patience), Some(250));
        patience.settle(now + Patience::FORGOTTEN);
        // Said, not left out: a receiver keeps the last word.
        assert_eq!(least(&patience), Some(0));
        assert_eq!(patience.bounds(), Some([0, 0x0f, 0xff]));
    }
}

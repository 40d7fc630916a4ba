//! Keyframe requests to one encoding: many wishes, few requests.

use std::time::{Duration, Instant};

/// Least time between two requests to an encoding. A keyframe is five to ten times a frame: raising
/// this makes a subscriber who joins just after another wait longer for its picture; lowering it
/// lets subscribers who join, switch and lose make the publisher's bitrate, and everyone's, swing.
pub const KEYFRAME_MIN_INTERVAL: Duration = Duration::from_millis(500);

/// How long a request may stay without a keyframe before it is repeated, as it or the keyframe may
/// have been lost. Raising it makes that loss freeze a picture for longer; lowering it below a long
/// round trip with the encoder's own pause asks for two keyframes where one is on its way.
pub const KEYFRAME_RETRY_INTERVAL: Duration = Duration::from_millis(1000);

/// When to ask one encoding for a keyframe.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyframeThrottle {
    last_sent: Option<Instant>,
    /// When the next request is due; `None`: none is wanted.
    due: Option<Instant>,
}

impl KeyframeThrottle {
    /// Nothing wanted, nothing asked.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            last_sent: None,
            due: None,
        }
    }

    /// Wishes for a keyframe. True: send a request now. False: it is coalesced into the one under
    /// way or due soon, see [`Self::poll`].
    pub fn request(&mut self, now: Instant) -> bool {
        self.want(now);
        self.poll(now)
    }

    /// Wishes for a keyframe, to be asked for by the next [`Self::poll`] that is due.
    pub fn want(&mut self, now: Instant) {
        let earliest = self.last_sent.map_or(now, |at| at + KEYFRAME_MIN_INTERVAL);
        self.due = Some(self.due.map_or(earliest, |due| due.min(earliest)));
    }

    /// True: send a request now, a wish that waited or a repeated one.
    pub fn poll(&mut self, now: Instant) -> bool {
        let send = self.due.is_some_and(|due| due <= now);
        if send {
            self.last_sent = Some(now);
            self.due = Some(now + KEYFRAME_RETRY_INTERVAL);
        }
        send
    }

    /// A keyframe started to arrive: every wish so far is met.
    pub fn keyframe_seen(&mut self) {
        self.due = None;
    }

    /// Nobody waits any longer: nothing is repeated.
    pub fn cancel(&mut self) {
        self.due = None;
    }

    /// When to call [`Self::poll`].
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn many_wishes_make_one_request_and_one_more_when_time_has_passed() {
        let mut throttle = KeyframeThrottle::new();
        let start = Instant::now();
        assert!(throttle.request(start));
        assert!((1..100).all(|at| !throttle.request(start + at * MS)));
        // A keyframe meets all the wishes so far.
        throttle.keyframe_seen();
        assert_eq!(throttle.next_timeout(), None);
        assert!(!throttle.poll(start + 5000 * MS));
        // A wish after the keyframe waits for the interval, and no longer.
        assert!(!throttle.request(start + 101 * MS));
        let due = start + KEYFRAME_MIN_INTERVAL;
        assert_eq!(throttle.next_timeout(), Some(due));
        assert!(!throttle.poll(due - MS));
        assert!(throttle.poll(due));
        assert!(!throttle.poll(due));
    }

    #[test]
    fn a_request_is_repeated_until_the_keyframe_comes_or_nobody_waits() {
        let mut throttle = KeyframeThrottle::new();
        let start = Instant::now();
        assert!(throttle.request(start));
        let mut sent = 0;
        for at in 1..=5000 {
            sent += u32::from(throttle.poll(start + at * MS));
        }
        assert_eq!(sent, 5);
        throttle.cancel();
        assert!(!throttle.poll(start + 60_000 * MS));
        assert!(throttle.request(start + 60_000 * MS));
    }

    #[test]
    fn requests_never_come_closer_than_the_interval() {
        let mut throttle = KeyframeThrottle::new();
        let start = Instant::now();
        let mut last = None;
        for at in 0..20_000u32 {
            let now = start + at * MS;
            if at % 97 == 0 {
                throttle.keyframe_seen();
            }
            if throttle.poll(now) | (at % 13 == 0 && throttle.request(now)) {
                assert!(last.is_none_or(|last| now - last >= KEYFRAME_MIN_INTERVAL));
                last = Some(now);
            }
        }
        assert!(last.is_some());
    }
}

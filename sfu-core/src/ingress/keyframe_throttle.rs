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

/// How often that time doubles while nothing at all comes of the encoding: its publisher is away, or
/// has turned it off and not been found out. Raising it asks less of who cannot answer; lowering it
/// asks more. What comes ends it, so that nobody waits longer for it.
const MAX_DOUBLINGS: u32 = 3;

/// When to ask one encoding for a keyframe.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyframeThrottle {
    last_sent: Option<Instant>,
    /// When the next request is due; `None`: none is wanted.
    due: Option<Instant>,
    /// The last request is not met yet.
    is_open: bool,
    /// Requests since the encoding's last packet.
    unheard: u32,
    /// The encoding is turned off.
    paused: bool,
}

impl KeyframeThrottle {
    /// Nothing wanted, nothing asked.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            last_sent: None,
            due: None,
            is_open: false,
            unheard: 0,
            paused: false,
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
        // What was asked for is still to come, and serves this wish too.
        let is_asked = self.is_open && self.due.is_some();
        if self.paused || is_asked {
            return;
        }
        let earliest = self.last_sent.map_or(now, |at| at + KEYFRAME_MIN_INTERVAL);
        self.due = Some(self.due.map_or(earliest, |due| due.min(earliest)));
    }

    /// True: send a request now, a wish that waited or a repeated one.
    pub fn poll(&mut self, now: Instant) -> bool {
        let send = self.due.is_some_and(|due| due <= now);
        if send {
            self.last_sent = Some(now);
            self.is_open = true;
            let doublings = self.unheard.min(MAX_DOUBLINGS);
            self.due = Some(now + KEYFRAME_RETRY_INTERVAL * (1 << doublings));
            self.unheard = self.unheard.saturating_add(1);
        }
        send
    }

    /// Something of the encoding came: a request can be answered again.
    pub fn media_seen(&mut self) {
        if std::mem::take(&mut self.unheard) > 1
            && let (Some(due), Some(sent)) = (&mut self.due, self.last_sent)
        {
            *due = (*due).min(sent + KEYFRAME_RETRY_INTERVAL);
        }
    }

    /// A keyframe started to arrive: every wish so far is met.
    pub fn keyframe_seen(&mut self) {
        self.cancel();
    }

    /// Nobody waits any longer: nothing is repeated.
    pub fn cancel(&mut self) {
        self.due = None;
        self.is_open = false;
    }

    /// The encoding is turned off, or lives: while it is off nothing is asked of it, and wishes are
    /// forgotten.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        if paused {
            self.cancel();
        }
    }

    /// When a request was last sent that is not met yet.
    #[must_use]
    pub fn asked(&self) -> Option<Instant> {
        self.last_sent.filter(|_| self.is_open)
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
            throttle.media_seen();
            sent += u32::from(throttle.poll(start + at * MS));
        }
        assert_eq!(sent, 5);
        throttle.cancel();
        assert!(!throttle.poll(start + 60_000 * MS));
        assert!(throttle.request(start + 60_000 * MS));
    }

    #[test]
    fn who_sends_nothing_is_asked_ever_less_and_at_once_when_it_is_back() {
        let mut throttle = KeyframeThrottle::new();
        let start = Instant::now();
        assert!(throttle.request(start));
        let sent: Vec<u32> = (1..40_000)
            .filter(|at| throttle.poll(start + *at * MS))
            .collect();
        assert_eq!(sent, [1000, 3000, 7000, 15_000, 23_000, 31_000, 39_000]);
        throttle.media_seen();
        assert_eq!(throttle.next_timeout(), Some(start + 40_000 * MS));
        throttle.keyframe_seen();
        assert_eq!(throttle.next_timeout(), None);
    }

    #[test]
    fn wishes_that_go_on_ask_no_more_often_than_one() {
        let start = Instant::now();
        let sent = |heard: bool| -> Vec<u32> {
            let mut throttle = KeyframeThrottle::new();
            let wishes = (0..8000).step_by(20);
            wishes
                .filter(|at| {
                    if heard {
                        throttle.media_seen();
                    }
                    throttle.request(start + *at * MS)
                })
                .collect()
        };
        assert_eq!(sent(true), [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000]);
        assert_eq!(sent(false), [0, 1000, 3000, 7000]);
    }

    #[test]
    fn nothing_is_asked_of_an_encoding_that_is_turned_off() {
        let mut throttle = KeyframeThrottle::new();
        let start = Instant::now();
        assert!(throttle.request(start));
        throttle.set_paused(true);
        throttle.want(start + 1000 * MS);
        assert!(!throttle.request(start + 2000 * MS));
        assert_eq!(throttle.next_timeout(), None);
        throttle.set_paused(false);
        assert!(throttle.request(start + 3000 * MS));
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
            match at % 31 {
                0 => throttle.media_seen(),
                1 => throttle.set_paused(at % 5 == 0),
                _ => {}
            }
            if throttle.poll(now) | (at % 13 == 0 && throttle.request(now)) {
                assert!(last.is_none_or(|last| now - last >= KEYFRAME_MIN_INTERVAL));
                last = Some(now);
            }
        }
        assert!(last.is_some());
    }
}

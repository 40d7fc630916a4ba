//! Header extensions that tell of time: when a packet was sent, when its media was captured, how
//! long a receiver is to hold it.

use std::time::Duration;

use crate::wire::be16;

/// Reads an absolute send time: 24 bits, seconds in 6.18 fixed point, wrapping every 64 s. `None`
/// unless the element has 3 bytes.
#[must_use]
pub const fn abs_send_time(value: &[u8]) -> Option<u32> {
    let &[high, middle, low] = value else {
        return None;
    };
    Some(u32::from_be_bytes([0, high, middle, low]))
}

/// The three bytes of an absolute send time; what is above 24 bits is cut off.
#[must_use]
pub const fn abs_send_time_bytes(time: u32) -> [u8; 3] {
    let [_, high, middle, low] = time.to_be_bytes();
    [high, middle, low]
}

/// The absolute send time of an instant, given as the span since any whole number of 64 s.
#[must_use]
pub const fn abs_send_time_at(span: Duration) -> u32 {
    let fraction = ((span.subsec_nanos() as u64) << 18) / 1_000_000_000;
    ((span.as_secs() % 64) << 18) as u32 | fraction as u32
}

/// When the media of a packet was captured
/// (<http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsCaptureTime {
    /// On the wall clock of whoever captured it: seconds since 1900 in 32.32 fixed point.
    pub captured: u64,
    /// What to add to the wall clock of the stream's sender reports for the capturer's: seconds in
    /// 32.32 fixed point. `None`: not told.
    pub clock_offset: Option<i64>,
}

impl AbsCaptureTime {
    /// Bytes with the offset.
    pub const LEN: usize = 16;

    /// Reads either form. `None` unless there are 8 bytes, or 16.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (captured, offset) = value.split_first_chunk()?;
        let clock_offset = match offset {
            [] => None,
            offset => Some(i64::from_be_bytes(offset.try_into().ok()?)),
        };
        Some(Self {
            captured: u64::from_be_bytes(*captured),
            clock_offset,
        })
    }

    /// The long form, with `clock_offset` for the offset.
    #[must_use]
    pub fn bytes(captured: u64, clock_offset: i64) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&captured.to_be_bytes());
        bytes[8..].copy_from_slice(&clock_offset.to_be_bytes());
        bytes
    }
}

/// Whether `value` is a playout delay (<http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>):
/// the least and the greatest delay, 12 bits of 10 ms each, and the least no greater.
#[must_use]
pub fn is_playout_delay(value: &[u8; 3]) -> bool {
    let least = be16(value, 0).map(|bits| bits >> 4);
    let greatest = be16(value, 1).map(|bits| bits & 0xfff);
    least <= greatest
}

/// A playout delay: both are rounded down to 10 ms, and bounded by 40.95 s.
#[must_use]
pub fn playout_delay(least: Duration, greatest: Duration) -> [u8; 3] {
    let bits =
        |time: Duration| u32::try_from(time.as_millis() / 10).map_or(0xfff, |t| t.min(0xfff));
    let [_, bytes @ ..] = (bits(least) << 12 | bits(greatest)).to_be_bytes();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_time_has_six_bits_of_seconds_and_eighteen_below() {
        let at = |nanos| abs_send_time_at(Duration::from_nanos(nanos));
        assert_eq!(at(0), 0);
        assert_eq!(at(1_000_000_000), 1 << 18);
        assert_eq!(at(500_000_000), 1 << 17);
        assert_eq!(at(63_999_999_999), (1 << 24) - 1);
        assert_eq!(at(64_000_000_000), 0);
        assert_eq!(
            abs_send_time_at(Duration::new(u64::MAX, 999_999_999)),
            (1 << 24) - 1
        );
        let bytes = abs_send_time_bytes(at(1_500_000_000));
        assert_eq!(bytes, [0x06, 0, 0]);
        assert_eq!(abs_send_time(&bytes), Some(3 << 17));
    }

    #[test]
    fn a_capture_time_in_both_forms() {
        let long = AbsCaptureTime::bytes(0x0102_0304_0506_0708, -2);
        let offset = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];
        assert_eq!(long[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(long[8..], offset);
        let mut time = AbsCaptureTime {
            captured: 0x0102_0304_0506_0708,
            clock_offset: Some(-2),
        };
        assert_eq!(AbsCaptureTime::parse(&long), Some(time));
        time.clock_offset = None;
        assert_eq!(AbsCaptureTime::parse(&long[..8]), Some(time));
        for len in (0..8).chain(9..16) {
            assert_eq!(AbsCaptureTime::parse(&long[..len]), None, "{len}");
        }
        assert_eq!(AbsCaptureTime::parse(&[0; 17]), None);
    }

    #[test]
    fn a_playout_delay_has_twelve_bits_of_ten_milliseconds_each() {
        let ms = Duration::from_millis;
        assert_eq!(playout_delay(ms(0), ms(0)), [0, 0, 0]);
        assert_eq!(playout_delay(ms(19), ms(40)), [0x00, 0x10, 0x04]);
        assert_eq!(playout_delay(ms(40_950), Duration::MAX), [0xff, 0xff, 0xff]);
        assert!(is_playout_delay(&playout_delay(ms(250), Duration::MAX)));
    }

    #[test]
    fn a_delay_whose_least_is_greater_is_none() {
        assert!(is_playout_delay(&[0, 0, 0]));
        assert!(is_playout_delay(&[0xff, 0xff, 0xff]));
        assert!(is_playout_delay(&[0x00, 0x10, 0x02]));
        assert!(!is_playout_delay(&[0x00, 0x20, 0x01]));
        assert!(!is_playout_delay(&[0xff, 0xf0, 0x00]));
    }
}

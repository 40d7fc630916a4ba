//! What a forwarder can tell of an Opus packet without decoding it (RFC 6716 section 3, RFC 7587).

/// Ticks of the RTP clock in a second, whatever the coded bandwidth (RFC 7587 section 4.1).
pub const CLOCK_RATE: u32 = 48_000;

/// Longest audio in one packet, in ticks: 120 ms (RFC 6716 section 3.2.5).
pub const MAX_DURATION: u32 = CLOCK_RATE / 1000 * 120;

/// Whether the packet only keeps a silent stream alive: one that discontinuous transmission would
/// leave out. Its frames carry no audio, as its at most two bytes have no room for any (RFC 6716
/// section 3.1: the first is the TOC).
#[must_use]
pub const fn is_dtx(payload: &[u8]) -> bool {
    matches!(payload.len(), 1 | 2)
}

/// How much audio the packet holds, in ticks of [`CLOCK_RATE`]: 120..=[`MAX_DURATION`].
///
/// `None` for a packet that is empty, or whose frame count is missing, 0 or over 120 ms (RFC 6716
/// section 3.4, requirements R1 and R5).
#[must_use]
pub fn duration(payload: &[u8]) -> Option<u32> {
    let toc = *payload.first()?;
    let ticks = frame_duration(toc);
    // RFC 6716 section 3.1: the code c in the TOC's low two bits.
    let frames = match toc & 0x03 {
        0 => 1,
        1 | 2 => 2,
        // Section 3.2.5: M, in the low six bits of the next byte.
        _ => u32::from(payload.get(1)? & 0x3f),
    };
    let total = ticks * frames;
    (total > 0 && total <= MAX_DURATION).then_some(total)
}

/// Ticks of one frame, by the configuration in the TOC's top five bits (RFC 6716 table 2).
const fn frame_duration(toc: u8) -> u32 {
    let config = toc >> 3;
    let millis = CLOCK_RATE / 1000;
    match config {
        // SILK: 10, 20, 40, 60 ms.
        0..=11 => [10, 20, 40, 60][(config % 4) as usize] * millis,
        // Hybrid: 10, 20 ms.
        12..=15 => [10, 20][(config % 2) as usize] * millis,
        // CELT: 2.5, 5, 10, 20 ms.
        _ => (millis * 5 / 2) << (config % 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frames_duration_follows_table_2() {
        let want = [
            480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 480, 960,
            120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960,
        ];
        for (config, want) in want.into_iter().enumerate() {
            let toc = (config as u8) << 3;
            assert_eq!(duration(&[toc]), Some(want), "configuration {config}");
            assert_eq!(duration(&[toc | 1]), Some(2 * want));
            assert_eq!(duration(&[toc | 2]), Some(2 * want));
        }
    }

    #[test]
    fn a_counted_packet_lasts_at_most_120_ms() {
        // CELT, 2.5 ms, code 3.
        for count in 0..=255 {
            let frames = u32::from(count) & 0x3f;
            let want = (1..=48).contains(&frames).then_some(frames * 120);
            assert_eq!(duration(&[0x83, count]), want);
        }
        // SILK, 60 ms, three frames.
        assert_eq!(duration(&[0x1b, 3]), None);
        assert_eq!(duration(&[0x1b]), None);
        assert_eq!(duration(&[]), None);
    }

    #[test]
    fn one_or_two_bytes_are_dtx() {
        assert!(!is_dtx(&[]));
        assert!(is_dtx(&[0x78]));
        assert!(is_dtx(&[0x78, 0]));
        assert!(!is_dtx(&[0x78, 0, 0]));
    }
}

//! Which rollover counter a received sequence number belongs to.

use super::MAX_RTP_INDEX;

/// The packet index nearest to `highest`, the highest authentic one so far, that ends in
/// `sequence`. `None` when it lies past the last index of these keys.
pub(super) fn estimate(highest: u64, sequence: u16) -> Option<u64> {
    let rollover = highest >> 16;
    let last = i32::from(highest as u16);
    let sequence = i32::from(sequence);
    // RFC 3711 section 3.3.1 and appendix A. No index lies before zero: there a sequence number far
    // above the last can only be a leap forward, which its tag proves or disproves.
    let rollover = if last < 0x8000 && sequence - last > 0x8000 {
        rollover.saturating_sub(1)
    } else if last >= 0x8000 && last - 0x8000 > sequence {
        rollover + 1
    } else {
        rollover
    };
    let index = (rollover << 16) | u64::from(sequence as u16);
    (index <= MAX_RTP_INDEX).then_some(index)
}

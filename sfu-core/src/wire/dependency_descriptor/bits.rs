//! Bits in the order of the wire: the highest of a byte first.

/// Reads numbers of a few bits.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'b> {
    bytes: &'b [u8],
    /// Bits read so far.
    at: usize,
}

impl<'b> BitReader<'b> {
    pub(super) const fn new(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The next `count` bits, at most 32, as a number; `None` past the end.
    pub(super) fn bits(&mut self, count: usize) -> Option<u32> {
        let end = self.at.checked_add(count)?;
        if end > 8 * self.bytes.len() {
            return None;
        }
        let mut value = 0;
        while self.at < end {
            let left_in_byte = 8 - self.at % 8;
            let take = left_in_byte.min(end - self.at);
            let byte = u32::from(self.bytes[self.at / 8]) & ((1 << left_in_byte) - 1);
            value = value << take | byte >> (left_in_byte - take);
            self.at += take;
        }
        Some(value)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        Some(self.bits(1)? != 0)
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        let end = self.at.checked_add(count)?;
        self.at = (end <= 8 * self.bytes.len()).then_some(end)?;
        Some(())
    }

    /// A number below `bound`, which is 1..=64, in as few bits as it needs: `ns(n)` (Appendix
    /// A).
    pub(super) fn below(&mut self, bound: u32) -> Option<u32> {
        let width = 32 - bound.leading_zeros();
        let short = (1 << width) - bound;
        let value = self.bits(width as usize - 1)?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.bits(1)?)
    }
}

/// Writes numbers of a few bits over zeros.
#[derive(Debug)]
pub(super) struct BitWriter<'b> {
    bytes: &'b mut [u8],
    at: usize,
}

impl<'b> BitWriter<'b> {
    pub(super) fn new(bytes: &'b mut [u8]) -> Self {
        bytes.fill(0);
        Self { bytes, at: 0 }
    }

    /// Appends the low `count` bits of `value`, at most 32; `None` past the end.
    pub(super) fn bits(&mut self, value: u32, count: usize) -> Option<()> {
        let end = self.at.checked_add(count)?;
        if end > 8 * self.bytes.len() {
            return None;
        }
        while self.at < end {
            let room = 8 - self.at % 8;
            let take = room.min(end - self.at);
            let left = end - self.at - take;
            let part = (u64::from(value) >> left) as u32 & ((1 << take) - 1);
            // At most eight bits, at their place in the byte.
            self.bytes[self.at / 8] |= (part << (room - take)) as u8;
            self.at += take;
        }
        Some(())
    }

    /// Appends the bits of `source` from bit `from` to bit `to`.
    pub(super) fn copy(&mut self, source: &[u8], from: usize, to: usize) -> Option<()> {
        let mut reader = BitReader::new(source, from);
        while reader.at() < to {
            let count = (to - reader.at()).min(32);
            self.bits(reader.bits(count)?, count)?;
        }
        Some(())
    }

    /// Bytes that hold what was written; the last is filled up with zeros.
    pub(super) const fn len(&self) -> usize {
        self.at.div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_as_they_were_written() {
        let fields = [(1, 1), (0, 2), (0x2a5, 10), (u32::MAX, 32), (5, 3), (0, 0)];
        let mut bytes = [0xff; 6];
        let mut writer = BitWriter::new(&mut bytes);
        for (value, count) in fields {
            writer.bits(value, count).unwrap();
        }
        assert_eq!(writer.bits(1, 1), None, "full");
        assert_eq!(writer.len(), 6);
        let mut reader = BitReader::new(&bytes, 0);
        for (value, count) in fields {
            assert_eq!(reader.bits(count), Some(value));
        }
        assert_eq!(
            (reader.at(), reader.bits(1), reader.skip(1)),
            (48, None, None)
        );
    }

    #[test]
    fn copied_bits_are_the_same_wherever_they_land() {
        let source: Vec<u8> = (0..40u8).map(|at| at.wrapping_mul(73)).collect();
        for from in 0..9 {
            let mut bytes = [0; 48];
            let mut writer = BitWriter::new(&mut bytes);
            writer.bits(1, 3).unwrap();
            writer.copy(&source, from, 300).unwrap();
            let mut copied = BitReader::new(&bytes, 3);
            let mut original = BitReader::new(&source, from);
            for _ in from..300 {
                assert_eq!(copied.bits(1), original.bits(1));
            }
        }
    }

    #[test]
    fn a_bounded_number_takes_as_few_bits_as_it_needs() {
        // AV1 specification section 4.10.7's own table for n = 5: 00, 01, 10, 110, 111.
        for (bits, len, value) in [
            (0b00, 2, 0),
            (0b01, 2, 1),
            (0b10, 2, 2),
            (0b110, 3, 3),
            (0b111, 3, 4),
        ] {
            let byte = [bits << (8 - len)];
            let mut reader = BitReader::new(&byte, 0);
            assert_eq!((reader.below(5), reader.at()), (Some(value), len));
        }
        let mut reader = BitReader::new(&[], 0);
        assert_eq!(reader.below(1), Some(0), "no choice, no bits");
        assert_eq!(reader.below(2), None);
    }
}

//! A recording as a file: what it begins with, and its chunks.

use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// What a recording begins with.
pub const MAGIC: [u8; 7] = *b"SFUADPT";

/// The version of what follows. Another one has other records; what an estimator remembers changes
/// more often, which the version of the crate inside tells.
pub const FORMAT: u8 = 5;

/// Most bytes of records in a chunk: a chunk may wait until its participant is looked at, and the
/// first one holds all that the estimator remembers of packets.
///
/// Higher: a reader takes more memory for a file that says so. Lower: a recording of who is sent
/// much may end when its worker is busy.
pub(super) const MAX_CHUNK: usize = 256 * 1024;

pub(super) static CHECK: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// Why a file cannot be run again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It is something else.
    #[error("this is no recording of an adaptation")]
    NotARecording,
    /// Its format is not known here.
    #[error("the recording has format {0}; this program reads {FORMAT}")]
    OtherFormat(u8),
    /// Bytes were changed.
    #[error("the chunk at byte {at} is damaged: its {what}")]
    Damaged {
        /// Where its chunk begins.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// It holds nothing.
    #[error("the recording breaks off before it begins")]
    Empty,
    /// What the estimator remembered cannot be read.
    #[error(
        "the recording's estimator (version {0}) remembers other things than this program's: run \
         it with one built from the same sources"
    )]
    OtherState(String),
    /// A record cannot be read.
    #[error("record {number} is not one that version {version} writes")]
    Record {
        /// Counted from 1.
        number: u64,
        /// What the file says that it was made by.
        version: String,
    },
    /// What the estimator remembered is impossible.
    #[error("what the recording says of its beginning does not hold together")]
    Impossible,
}

/// What a file begins with.
pub(super) fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.push(FORMAT);
}

/// One chunk.
pub(super) fn write_chunk(out: &mut Vec<u8>, records: &[u8]) {
    // None is as large as 32 bits can say.
    out.extend_from_slice(&(records.len() as u32).to_le_bytes());
    out.extend_from_slice(&CHECK.checksum(records).to_le_bytes());
    out.extend_from_slice(records);
}

/// The records of all whole chunks, and whether there is a beginning of another.
pub(super) fn joined(file: &[u8]) -> Result<(Vec<u8>, bool), ReplayError> {
    let rest = file.strip_prefix(&MAGIC);
    let (&format, mut rest) = rest
        .and_then(<[u8]>::split_first)
        .ok_or(ReplayError::NotARecording)?;
    if format != FORMAT {
        return Err(ReplayError::OtherFormat(format));
    }
    let mut records = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let at = file.len() - rest.len();
        let damaged = |what| ReplayError::Damaged { at, what };
        let Some((head, behind)) = rest.split_first_chunk::<8>() else {
            return Ok((records, true));
        };
        let [a, b, c, d, e, f, g, h] = *head;
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        // The record that made it full is in it, and may be as long as a request for all tracks.
        if len > 2 * MAX_CHUNK {
            return Err(damaged("length"));
        }
        let Some((chunk, behind)) = behind.split_at_checked(len) else {
            return Ok((records, true));
        };
        if CHECK.checksum(chunk) != u32::from_le_bytes([e, f, g, h]) {
            return Err(damaged("checksum"));
        }
        records.extend_from_slice(chunk);
        rest = behind;
    }
    Ok((records, false))
}

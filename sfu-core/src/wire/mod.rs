//! Bytes and values: stateless parsers and writers, each fuzzed.
//!
//! Every parser is total: any bytes give a value or `None`, never a panic, at a cost bounded by the
//! bytes it was given. A parser that copies nothing hands out ranges or slices of its input.

pub mod codec;
pub mod dcep;
pub mod demux;
pub mod dependency_descriptor;
pub mod extensions;
pub mod layers_allocation;
pub mod rtcp;
pub mod rtp;
pub mod sctp;
pub mod seq;

/// The big-endian 16-bit number at byte `at`; `None` past the end.
fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let raw = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*raw))
}

/// The big-endian 32-bit number at byte `at`; `None` past the end.
fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let raw = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*raw))
}

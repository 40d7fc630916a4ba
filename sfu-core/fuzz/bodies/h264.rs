//! Any bytes as an H.264 payload, and as a profile.

use sfu_core::wire::codec::h264::{self, Profile};

/// Reads `data`, and as the one unit of an aggregate, which must say the same.
pub(crate) fn check(data: &[u8]) {
    if let &[idc, iop, ..] = data
        && let Some(profile) = Profile::of(idc, iop)
    {
        assert!(profile.decodes(profile) && profile.decodes(Profile::ConstrainedBaseline));
    }
    let packet = h264::parse(data);
    let Some(&first) = data.first() else {
        return assert_eq!(packet, None);
    };
    // RFC 6184 table 3: what packetization mode 1 has.
    let known = matches!(first & 0x9f, 1..=24 | 28);
    assert!(known || packet.is_none());
    if matches!(first & 0x9f, 1..=23) {
        assert!(packet.is_some());
        let mut aggregate = vec![0x78];
        aggregate.extend((data.len() as u16).to_be_bytes());
        aggregate.extend(data);
        assert_eq!(h264::parse(&aggregate), packet);
        aggregate.truncate(aggregate.len() - 1);
        assert_eq!(h264::parse(&aggregate), None);
    }
}

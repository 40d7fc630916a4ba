//! Any bytes as an H.265 payload.

use sfu_core::wire::codec::h265;

/// Reads `data`, and as the one unit of an aggregate, which must say the same.
pub(crate) fn check(data: &[u8]) {
    let packet = h265::parse(data);
    if let Some(packet) = packet {
        assert!(data.len() >= 2 && packet.temporal_id <= 6);
        let nal_type = data[0] >> 1;
        if nal_type < 48 {
            let mut aggregate = vec![48 << 1, 1];
            aggregate.extend((data.len() as u16).to_be_bytes());
            aggregate.extend(data);
            let again = h265::parse(&aggregate).expect("whole");
            assert_eq!(
                (again.frame_start, again.is_keyframe),
                (packet.frame_start, packet.is_keyframe)
            );
            aggregate.truncate(aggregate.len() - 1);
            assert_eq!(h265::parse(&aggregate), None);
        }
    }
}

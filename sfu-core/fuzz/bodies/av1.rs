//! Any bytes as an AV1 payload, and as a dependency descriptor's number.

use sfu_core::wire::codec::av1;
use sfu_core::wire::dependency_descriptor;

/// Reads `data`; the descriptor's number is rewritten and back.
pub(crate) fn check(data: &[u8]) {
    if let Some(packet) = av1::parse(data) {
        assert!(data.len() >= 2);
        assert_eq!(packet.frame_start, data[0] & 0x80 == 0);
        assert!(packet.is_keyframe || data[0] & 0x08 == 0);
        assert!(packet.temporal_id < 8 && packet.spatial_id < 4);
    }
    let mut patched = data.to_vec();
    let number = dependency_descriptor::frame_number(data);
    let done = dependency_descriptor::set_frame_number(&mut patched, 0xabcd);
    assert_eq!(done.is_some(), number.is_some());
    if let Some(number) = number {
        assert_eq!(dependency_descriptor::frame_number(&patched), Some(0xabcd));
        let back = dependency_descriptor::set_frame_number(&mut patched, number);
        assert_eq!(back, Some(()));
    }
    assert_eq!(patched, data);
}

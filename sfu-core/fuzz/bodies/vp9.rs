//! Any bytes as a VP9 payload.

use sfu_core::wire::codec::vp9;

/// Reads and rewrites `data`, and checks that only the named fields change.
pub(crate) fn check(data: &[u8]) {
    let number = data.iter().fold(7u16, |sum, &byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let [high, _] = number.to_be_bytes();
    let mut patched = data.to_vec();
    let done = vp9::patch(&mut patched, Some(number), Some(high));
    let Some(before) = vp9::parse(data) else {
        // A descriptor with nothing behind it can be rewritten, but is no payload.
        assert!(done.is_some() || patched == data);
        return;
    };
    assert_eq!(done, Some(()));
    let len = usize::from(before.descriptor_len);
    assert!((1..data.len()).contains(&len));
    assert_eq!(patched[len..], data[len..]);
    assert!(!before.is_keyframe || before.frame_start && !before.inter_picture);
    assert!(before.temporal_id.is_none_or(|id| id < 8));
    assert!(before.spatial_id.is_none_or(|id| id < 8));
    assert!(before.flexible || before.references == [0; 3]);
    assert!(
        before
            .spatial_layers
            .is_none_or(|layers| (1..=8).contains(&layers))
    );
    let mut after = vp9::parse(&patched).expect("a patched payload reads back");
    if let Some(id) = &mut after.picture_id {
        let mask = if id.wide { 0x7fff } else { 0x7f };
        assert_eq!(id.value, number & mask);
    }
    assert!(after.tl0_picture_index.is_none_or(|index| index == high));
    after.picture_id = before.picture_id;
    after.tl0_picture_index = before.tl0_picture_index;
    assert_eq!(after, before);
    // Patched back, it is what it was.
    let id = before.picture_id.map(|id| id.value);
    let back = vp9::patch(&mut patched, id, before.tl0_picture_index);
    assert_eq!(back, Some(()));
    assert_eq!(patched, data);
}

//! Any bytes as a VP8 payload, and as an Opus one.

use sfu_core::wire::codec::{opus, vp8};

/// Reads and rewrites `data`, and checks that only the named fields change.
pub(crate) fn check(data: &[u8]) {
    if let Some(duration) = opus::duration(data) {
        assert!((120..=opus::MAX_DURATION).contains(&duration));
    }
    assert!(!opus::is_dtx(data) || data.len() <= 2);

    let number = data.iter().fold(7u16, |sum, &byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let [high, _] = number.to_be_bytes();
    let mut patched = data.to_vec();
    let done = vp8::patch(&mut patched, Some(number), Some(high));
    let Some(before) = vp8::parse(data) else {
        // A descriptor with nothing behind it can be rewritten, but is no payload.
        assert!(done.is_some() || patched == data);
        return;
    };
    assert_eq!(done, Some(()));
    let len = usize::from(before.descriptor_len);
    assert!((1..=vp8::MAX_DESCRIPTOR_LEN).contains(&len) && len < data.len());
    assert_eq!(patched.len(), data.len());
    assert_eq!(patched[len..], data[len..]);
    let mut after = vp8::parse(&patched).expect("a patched payload reads back");
    if let Some(id) = &mut after.picture_id {
        let mask = if id.wide { 0x7fff } else { 0x7f };
        assert_eq!(id.value, number & mask);
    }
    assert!(after.tl0_picture_index.is_none_or(|index| index == high));
    let width = |id: Option<vp8::PictureId>| id.map(|id| id.wide);
    assert_eq!(width(after.picture_id), width(before.picture_id));
    after.picture_id = before.picture_id;
    assert_eq!(
        after.tl0_picture_index.is_some(),
        before.tl0_picture_index.is_some()
    );
    after.tl0_picture_index = before.tl0_picture_index;
    assert_eq!(after, before);
    // Patched back, it is what it was.
    let id = before.picture_id.map(|id| id.value);
    assert_eq!(
        vp8::patch(&mut patched, id, before.tl0_picture_index),
        Some(())
    );
    assert_eq!(patched, data);
}

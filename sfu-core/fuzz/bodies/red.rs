//! Any bytes as redundant audio.

use sfu_core::id::PayloadType;
use sfu_core::wire::codec::red;

/// Reads and rewrites `data`, and checks that only the payload types change.
pub(crate) fn check(data: &[u8]) {
    let before = red::parse(data);
    let mut patched = data.to_vec();
    let done = red::patch(&mut patched, PayloadType(0x2a));
    assert_eq!(done.is_some(), before.is_some());
    let Some(before) = before else {
        return assert_eq!(patched, data);
    };
    assert!(usize::from(before.redundant) < red::MAX_BLOCKS);
    let start = usize::from(before.primary_start);
    assert!(start > 4 * usize::from(before.redundant) && start < data.len());
    assert_eq!(patched[start..], data[start..]);
    let after = red::parse(&patched).expect("a patched payload reads back");
    assert_eq!(after.payload_type, PayloadType(0x2a));
    assert_eq!(after.primary_start, before.primary_start);
    red::patch(&mut patched, before.payload_type).expect("as before");
    assert_eq!(patched, data);
}

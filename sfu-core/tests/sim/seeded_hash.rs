//! The keys of the standard library's hash maps, the same in every run.
//!
//! The same seed is to give the same trace, and `str0m` keeps its streams in such maps and walks
//! them: which stream pads, and whose packet of two leaves first, would follow from keys that the
//! standard library asks the system for, once for each thread. It asks through the C library's
//! `getrandom`, which a program may define itself. So this does, for these tests and the laboratory's
//! command alone: each thread draws the same numbers from its start on, and a meeting that is to
//! repeat begins on a thread of its own.
//!
//! Keys and certificates are not from here: `aws-lc` asks the kernel without the C library.

use std::cell::Cell;

thread_local! {
    static DRAWN: Cell<u64> = const { Cell::new(0) };
}

/// Fills `len` bytes from `buffer` on (getrandom(2)), and never fewer.
#[allow(unsafe_code, reason = "the only way to the keys; see above")]
#[unsafe(no_mangle)]
extern "C" fn getrandom(buffer: *mut u8, len: usize, _flags: u32) -> isize {
    // SAFETY: getrandom(2) asks of its caller that `buffer` has room for `len` bytes that nobody else
    // uses meanwhile, as for any C function that fills a buffer; every byte is valid as a `u8`, and
    // `MaybeUninit` is taken for those that were never written.
    let bytes =
        unsafe { std::slice::from_raw_parts_mut(buffer.cast::<std::mem::MaybeUninit<u8>>(), len) };
    for chunk in bytes.chunks_mut(8) {
        for (byte, drawn) in chunk.iter_mut().zip(draw().to_le_bytes()) {
            byte.write(drawn);
        }
    }
    isize::try_from(len).expect("the system gives no more either")
}

/// SplitMix64.
fn draw() -> u64 {
    let count = DRAWN.get().wrapping_add(1);
    DRAWN.set(count);
    let mut mixed = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[test]
fn a_hash_map_is_walked_in_the_same_order_on_every_thread() {
    let walked = || {
        let map: std::collections::HashMap<u32, u32> = (0..100).map(|n| (n, n)).collect();
        map.into_keys().collect::<Vec<_>>()
    };
    let on_a_thread = || std::thread::scope(|scope| scope.spawn(walked).join().unwrap());
    let first = on_a_thread();
    assert_eq!(first, on_a_thread());
    assert!(!first.is_sorted(), "it hashes");
}

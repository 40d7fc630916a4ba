//! Our ICE credentials: random, and the ufrag names the worker that made it.

use arrayvec::ArrayString;
use rand_chacha::ChaCha12Rng;
use rand_core::Rng;

use crate::id::WorkerId;
use crate::media::session::IceCredentials;

/// Characters of the ufrag that carry the worker's number: 16 bits at 6 bits each.
const WORKER_CHARS: usize = 3;

/// Random characters of a ufrag: 54 bits. RFC 8445 section 5.3 wants 24 at least. Fewer and two
/// transports of a worker could share one; more and every check grows.
const RANDOM_CHARS: usize = 9;

/// Characters of our ufrag.
pub const LOCAL_UFRAG_LEN: usize = WORKER_CHARS + RANDOM_CHARS;

/// Characters of our password: 192 bits. RFC 8445 section 5.3 wants 128 at least.
const PWD_CHARS: usize = 32;

/// RFC 8839 section 5.4, ice-char: 64 of them, so that each carries 6 bits without bias.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// New credentials of a transport on `worker`.
pub(super) fn generate(worker: WorkerId, rng: &mut ChaCha12Rng) -> IceCredentials {
    let mut ufrag = ArrayString::new();
    for shift in [12, 6, 0] {
        ufrag.push(ice_char(u32::from(worker.0) >> shift));
    }
    for _ in 0..RANDOM_CHARS {
        ufrag.push(ice_char(rng.next_u32()));
    }
    let mut pwd = ArrayString::new();
    for _ in 0..PWD_CHARS {
        pwd.push(ice_char(rng.next_u32()));
    }
    IceCredentials { ufrag, pwd }
}

/// The worker that made `ufrag`, so that a datagram on a shared port can find its way there.
///
/// `None` when no worker made it: another length, characters out of RFC 8839's set, or a number
/// past 65,535. Anybody can forge one: it says where to ask, never who asks.
#[must_use]
pub fn worker_of_ufrag(ufrag: &str) -> Option<WorkerId> {
    let bytes = ufrag.as_bytes();
    if bytes.len() != LOCAL_UFRAG_LEN || !bytes.iter().all(|&byte| ice_value(byte).is_some()) {
        return None;
    }
    let number = bytes[..WORKER_CHARS].iter().try_fold(0, |number, &byte| {
        Some(number << 6 | u32::from(ice_value(byte)?))
    })?;
    u16::try_from(number).ok().map(WorkerId)
}

/// The ice-char of the low 6 bits.
fn ice_char(bits: u32) -> char {
    char::from(ICE_CHARS[(bits & 0x3f) as usize])
}

/// The 6 bits of an ice-char.
const fn ice_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn a_ufrag_names_its_worker() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        for number in [0, 1, 63, 64, 4095, 4096, u16::MAX] {
            let credentials = generate(WorkerId(number), &mut rng);
            assert_eq!(
                worker_of_ufrag(&credentials.ufrag),
                Some(WorkerId(number)),
                "{credentials:?}"
            );
        }
    }

    #[test]
    fn credentials_are_within_rfc_8839_and_never_repeat() {
        let mut rng = ChaCha12Rng::seed_from_u64(2);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let credentials = generate(WorkerId(7), &mut rng);
            assert_eq!(credentials.ufrag.len(), LOCAL_UFRAG_LEN);
            assert_eq!(credentials.pwd.len(), PWD_CHARS);
            for byte in credentials.ufrag.bytes().chain(credentials.pwd.bytes()) {
                assert!(byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
            }
            assert!(seen.insert(credentials.ufrag));
            assert!(seen.insert(ArrayString::from(&credentials.pwd[..12]).unwrap()));
        }
    }

    #[test]
    fn what_no_worker_made_names_none() {
        for ufrag in [
            "",
            "AAA",
            "AAAxxxxxxxx",
            "AAAxxxxxxxxxx",
            // 65,536: one past the last worker.
            "QAAxxxxxxxxx",
            "////////////",
            "AA-xxxxxxxxx",
            "AAAxxxxxxxx:",
            "AAAxxxxxxx\u{e9}",
        ] {
            assert_eq!(worker_of_ufrag(ufrag), None, "{ufrag:?}");
        }
        assert_eq!(worker_of_ufrag("P//xxxxxxxxx"), Some(WorkerId(u16::MAX)));
    }
}

//! No packet allocates: sealing and opening, in every profile, once keyed.
//!
//! Counted is what goes through Rust's allocator on this thread. The cryptographic library is C and
//! has its own door to the heap, which this test does not see.

use sfu_core::drop_reason::DropReason;
use sfu_core::id::Ssrc;
use sfu_core::transport::srtp::{Keys, SrtpProfile, SrtpReceiver, SrtpSender};

const SSRC: Ssrc = Ssrc(0x1122_3344);
const HEADER_LEN: usize = 12;
const PAYLOAD: [u8; 1200] = [0x5a; 1200];
const RTCP_LEN: usize = 64;

fn pair(profile: SrtpProfile) -> (SrtpSender, SrtpReceiver) {
    let keys = Keys::new(
        profile,
        &vec![1; profile.key_len()],
        &vec![2; profile.salt_len()],
    )
    .expect("keys of the profile's lengths");
    (
        SrtpSender::new(profile, &keys).expect("a sender"),
        SrtpReceiver::new(profile, &keys).expect("a receiver"),
    )
}

/// Seals, opens and forgets one packet of each kind.
fn exchange(sender: &mut SrtpSender, receiver: &mut SrtpReceiver, index: u64, out: &mut [u8]) {
    let sequence = index as u16;
    let write_header = |out: &mut [u8]| {
        out[..HEADER_LEN].fill(0);
        out[0] = 0x80;
        out[2..4].copy_from_slice(&sequence.to_be_bytes());
        out[8..12].copy_from_slice(&SSRC.0.to_be_bytes());
    };

    write_header(out);
    let afar = sender.seal_rtp(index, SSRC, HEADER_LEN, &PAYLOAD, out);
    let len = afar.expect("room for the packet");
    let opened = receiver.open_rtp(&mut out[..len], HEADER_LEN, SSRC, sequence);
    assert_eq!(opened, Ok((HEADER_LEN + PAYLOAD.len(), index)));

    write_header(out);
    let in_place = sender.seal_rtp_in_place(index, SSRC, out, HEADER_LEN, PAYLOAD.len());
    let len = in_place.expect("room for the packet");
    // A replay and a forgery cost no more than an honest packet.
    assert_eq!(
        receiver.open_rtp(&mut out[..len], HEADER_LEN, SSRC, sequence),
        Err(DropReason::SrtpReplayed)
    );
    let forged = sequence.wrapping_add(1);
    out[2..4].copy_from_slice(&forged.to_be_bytes());
    assert_eq!(
        receiver.open_rtp(&mut out[..len], HEADER_LEN, SSRC, forged),
        Err(DropReason::SrtpAuthFailed)
    );

    out[..RTCP_LEN].fill(0);
    let len = sender
        .seal_rtcp(out, RTCP_LEN)
        .expect("room for the report");
    assert_eq!(receiver.open_rtcp(&mut out[..len]), Ok(RTCP_LEN));
}

#[test]
fn sealing_and_opening_allocate_nothing() {
    for profile in [
        SrtpProfile::AeadAes128Gcm,
        SrtpProfile::AeadAes256Gcm,
        SrtpProfile::AesCm128HmacSha1_80,
    ] {
        let (mut sender, mut receiver) = pair(profile);
        let mut out = [0; 1500];
        // The first packet of a stream makes its entry: the one allocation there is.
        let first = allocation_counter::measure(|| {
            exchange(&mut sender, &mut receiver, 0, &mut out);
        });
        assert!(first.count_total > 0, "the counter counts");
        let later = allocation_counter::measure(|| {
            for index in 1..200 {
                exchange(&mut sender, &mut receiver, index, &mut out);
            }
        });
        assert_eq!(later.count_total, 0, "{}", profile.name());
    }
}

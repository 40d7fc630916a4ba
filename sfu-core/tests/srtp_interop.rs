//! Our SRTP against another implementation's, in both directions and every profile.

use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;
use sfu_core::drop_reason::DropReason;
use sfu_core::id::Ssrc;
use sfu_core::transport::srtp::{SrtpProfile, SrtpReceiver, SrtpSender, split_keying_material};

const SSRC: Ssrc = Ssrc(0xcafe_babe);

const PROFILES: [(SrtpProfile, ProtectionProfile); 3] = [
    (SrtpProfile::AeadAes128Gcm, ProtectionProfile::AeadAes128Gcm),
    (SrtpProfile::AeadAes256Gcm, ProtectionProfile::AeadAes256Gcm),
    (
        SrtpProfile::AesCm128HmacSha1_80,
        ProtectionProfile::Aes128CmHmacSha1_80,
    ),
];

/// Our two halves, keyed as the client, and the other's context with the same keys.
fn parties(profile: SrtpProfile, theirs: ProtectionProfile) -> (SrtpSender, SrtpReceiver, Context) {
    let material: Vec<u8> = (0..profile.keying_material_len())
        .map(|at| (at * 37 + 11) as u8)
        .collect();
    let (client, _) = split_keying_material(profile, &material).expect("material of its length");
    let (key, salt) = (profile.key_len(), profile.salt_len());
    let provider = rtc_srtp::crypto::default_provider().expect("a provider");
    let context = Context::new(
        &material[..key],
        &material[2 * key..2 * key + salt],
        theirs,
        Some(srtp_replay_protection(64)),
        Some(srtcp_replay_protection(64)),
        provider.crypto(),
    )
    .expect("their context");
    (
        SrtpSender::new(profile, &client).expect("our sender"),
        SrtpReceiver::new(profile, &client).expect("our receiver"),
        context,
    )
}

/// A packet with a CSRC and a one-byte header extension (RFC 8285), and its header's length. The
/// payload's length varies with the sequence number, from nothing.
fn rtp(sequence: u16) -> (Vec<u8>, usize) {
    let mut packet = vec![0x91, 0xe0];
    packet.extend(sequence.to_be_bytes());
    packet.extend(0x0102_0304_u32.to_be_bytes());
    packet.extend(SSRC.0.to_be_bytes());
    packet.extend(0x0a0b_0c0d_u32.to_be_bytes());
    packet.extend([0xbe, 0xde, 0, 1, 0x32, 1, 2, 3]);
    let header_len = packet.len();
    packet.extend((0..sequence % 67).map(|at| at as u8));
    (packet, header_len)
}

/// A receiver report of `SSRC` about another stream (RFC 3550 section 6.4.2).
fn rtcp(round: u8) -> Vec<u8> {
    let mut packet = vec![0x81, 201, 0, 7];
    packet.extend(SSRC.0.to_be_bytes());
    packet.extend([round; 24]);
    packet
}

/// Six packets before a wrap of the sequence number to a hundred and one after it.
fn indices() -> impl Iterator<Item = u64> {
    0xfffa..0x1_0065
}

#[test]
fn they_open_what_we_seal() {
    for (profile, theirs) in PROFILES {
        let (mut sender, _, mut context) = parties(profile, theirs);
        for index in indices() {
            let (plain, header_len) = rtp(index as u16);
            let mut out = vec![0; plain.len() + profile.rtp_overhead()];
            out[..header_len].copy_from_slice(&plain[..header_len]);
            let len = sender.seal_rtp(index, SSRC, header_len, &plain[header_len..], &mut out);
            assert_eq!(len, Some(out.len()));
            let opened = context.decrypt_rtp(&out).expect("authentic to them");
            assert_eq!(opened, plain, "{} {index:#x}", profile.name());
        }
        for round in 0..100 {
            let plain = rtcp(round);
            let mut out = plain.clone();
            out.resize(plain.len() + profile.rtcp_overhead(), 0);
            assert_eq!(sender.seal_rtcp(&mut out, plain.len()), Some(out.len()));
            let opened = context.decrypt_rtcp(&out).expect("authentic to them");
            assert_eq!(opened, plain, "{} {round}", profile.name());
        }
    }
}

#[test]
fn we_open_what_they_seal_in_any_order_and_once() {
    for (profile, theirs) in PROFILES {
        let (_, mut receiver, mut context) = parties(profile, theirs);
        let mut packets: Vec<_> = indices()
            .map(|index| {
                let (plain, header_len) = rtp(index as u16);
                let sealed = context.encrypt_rtp(&plain).expect("their packet");
                (index, header_len, plain, sealed)
            })
            .collect();
        // Neighbours arrive in reverse, also those on both sides of the wrap.
        packets.chunks_mut(4).for_each(<[_]>::reverse);
        for (index, header_len, plain, sealed) in &packets {
            let mut packet = sealed.to_vec();
            let opened = receiver.open_rtp(&mut packet, *header_len, SSRC, *index as u16);
            assert_eq!(opened, Ok((plain.len(), *index)), "{}", profile.name());
            assert_eq!(packet[..plain.len()], plain[..]);
        }
        for (index, header_len, _, sealed) in &packets {
            let again = receiver.open_rtp(&mut sealed.to_vec(), *header_len, SSRC, *index as u16);
            assert_eq!(again, Err(DropReason::SrtpReplayed));
        }

        let mut reports: Vec<_> = (0..100)
            .map(|round| {
                let plain = rtcp(round);
                let sealed = context.encrypt_rtcp(&plain).expect("their report");
                (plain, sealed)
            })
            .collect();
        reports.reverse();
        for (plain, sealed) in &reports {
            let mut packet = sealed.to_vec();
            assert_eq!(receiver.open_rtcp(&mut packet), Ok(plain.len()));
            assert_eq!(packet[..plain.len()], plain[..]);
        }
    }
}

//! Vectors of the RFCs, and the edges of the state that packets move.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::aes_cm::CmCipher;
use super::aes_gcm::GcmCipher;
use super::cipher::Cipher;
use super::derivation::{Label, derive};
use super::replay::ReplayWindow;
use super::rollover::estimate;
use super::streams::{SILENT_RTCP, SILENT_RTP};
use super::*;
use crate::drop_reason::DropReason;
use crate::id::Ssrc;

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::AesCm128HmacSha1_80,
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(byte).to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

mod vectors {
    use super::*;

    /// RFC 7714 sections 16 and 17 give session keys, not master keys.
    const KEY: &str = "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f";
    const SALT: &str = "517569642070726f2071756f";

    const RTP: &str = "8040f17b 8041f8d3 5501a0b2
        47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573";
    /// Section 16.1.1.
    const SRTP_128: &str = "8040f17b 8041f8d3 5501a0b2
        f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833
        899d 7f27beb1 6a9152cf 765ee439 0cce";
    /// Section 16.2.1.
    const SRTP_256: &str = "8040f17b 8041f8d3 5501a0b2
        32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b
        7aa3 db36dfff d6b0f9bb 7878d7a7 6c13";

    const RTCP: &str = "81c8000d 4d617273
        4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
        deadbeef deadbeef deadbeef deadbeef deadbeef";
    const RTCP_INDEX: u32 = 0x5d4;
    /// Section 17.1.
    const SRTCP_128: &str = "81c8000d 4d617273
        63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
        c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b
        c84aa458 96cf4d2f c5abf872 45d9eade 800005d4";
    /// Section 17.2.
    const SRTCP_256: &str = "81c8000d 4d617273
        d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
        a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad
        1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4";
    /// Section 17.3: tagged, not encrypted.
    const SRTCP_128_TAG_ONLY: &str = "81c8000d 4d617273
        4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
        deadbeef deadbeef deadbeef deadbeef deadbeef
        841dd968 3dd78ec9 2ae58790 125f62b3 000005d4";

    fn gcm(profile: SrtpProfile) -> Cipher {
        let key = &hex(KEY)[..profile.key_len()];
        Cipher::Gcm(GcmCipher::new(key, &hex(SALT).try_into().unwrap()).unwrap())
    }

    fn gcm_sender(profile: SrtpProfile) -> SrtpSender {
        SrtpSender::from_ciphers(profile, gcm(profile), gcm(profile), RTCP_INDEX)
    }

    fn gcm_receiver(profile: SrtpProfile) -> SrtpReceiver {
        SrtpReceiver::from_ciphers(profile, gcm(profile), gcm(profile))
    }

    #[test]
    fn rfc7714_section_8_1_nonce() {
        let cipher = GcmCipher::new(&hex(KEY)[..16], &hex(SALT).try_into().unwrap()).unwrap();
        // Printed in section 16.1.1 as the IV.
        assert_eq!(
            cipher.nonce(Ssrc(0x5501_a0b2), 0xf17b).to_vec(),
            hex("51753c6580c2726f20718414")
        );
    }

    #[test]
    fn rfc7714_section_16() {
        for (profile, sealed) in [
            (SrtpProfile::AeadAes128Gcm, hex(SRTP_128)),
            (SrtpProfile::AeadAes256Gcm, hex(SRTP_256)),
        ] {
            let plain = hex(RTP);
            let ssrc = Ssrc(0x5501_a0b2);

            let mut out = [0; 128];
            out[..12].copy_from_slice(&plain[..12]);
            let sender = gcm_sender(profile);
            let len = sender.seal_rtp(0xf17b, ssrc, 12, &plain[12..], &mut out);
            assert_eq!(len, Some(sealed.len()));
            assert_eq!(out[..sealed.len()], sealed);

            let mut out = [0; 128];
            out[..plain.len()].copy_from_slice(&plain);
            let len = sender.seal_rtp_in_place(0xf17b, ssrc, &mut out, 12, plain.len() - 12);
            assert_eq!(len, Some(sealed.len()));
            assert_eq!(out[..sealed.len()], sealed);

            let mut packet = sealed.clone();
            let opened = gcm_receiver(profile).open_rtp(&mut packet, 12, ssrc, 0xf17b);
            assert_eq!(opened, Ok((plain.len(), 0xf17b)));
            assert_eq!(packet[..plain.len()], plain);
        }
    }

    #[test]
    fn rfc7714_section_17() {
        for (profile, sealed) in [
            (SrtpProfile::AeadAes128Gcm, hex(SRTCP_128)),
            (SrtpProfile::AeadAes256Gcm, hex(SRTCP_256)),
        ] {
            let plain = hex(RTCP);

            let mut out = [0; 128];
            out[..plain.len()].copy_from_slice(&plain);
            let len = gcm_sender(profile).seal_rtcp(&mut out, plain.len());
            assert_eq!(len, Some(sealed.len()));
            assert_eq!(out[..sealed.len()], sealed);

            let mut packet = sealed.clone();
            let opened = gcm_receiver(profile).open_rtcp(&mut packet);
            assert_eq!(opened, Ok(plain.len()));
            assert_eq!(packet[..plain.len()], plain);
        }
    }

    #[test]
    fn rfc7714_section_17_3_is_refused_for_want_of_encryption() {
        let mut receiver = gcm_receiver(SrtpProfile::AeadAes128Gcm);
        assert_eq!(
            receiver.open_rtcp(&mut hex(SRTCP_128_TAG_ONLY)),
            Err(DropReason::SrtpAuthFailed)
        );
        assert!(receiver.open_rtcp(&mut hex(SRTCP_128)).is_ok());
    }

    #[test]
    fn rfc3711_appendix_b_2() {
        let cipher = CmCipher::new(
            &hex("2B7E151628AED2A6ABF7158809CF4F3C"),
            &hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap(),
            &[0; 20],
        )
        .unwrap();
        assert_eq!(
            cipher.counter(Ssrc(0), 0).to_vec(),
            hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")
        );
        let mut keystream = vec![0; 1_044_512];
        cipher.apply((Ssrc(0), 0), &mut keystream).unwrap();
        assert_eq!(
            keystream[..48],
            hex("E03EAD0935C95E80E166B16DD92B4EB4
                 D23513162B02D0F72A43A2FE4A5F97AB
                 41E95B3BB0A2E8DD477901E4FCA894C0")
        );
        assert_eq!(
            keystream[keystream.len() - 48..],
            hex("EC8CDF7398607CB0F2D21675EA9EA1E4
                 362B7C3C6773516318A077D7FC5073AE
                 6A2CC3787889374FBEB4C81B17BA6C44")
        );
    }

    #[test]
    fn rfc3711_section_4_1_1_counter() {
        let cipher = CmCipher::new(&[0; 16], &[0; 14], &[0; 20]).unwrap();
        assert_eq!(
            cipher.counter(Ssrc(0x0102_0304), 0x0a0b_0c0d_0e0f).to_vec(),
            hex("00000000 01020304 0a0b0c0d0e0f 0000")
        );
    }

    fn assert_derives(key: &str, salt: &str, label: Label, expected: &str) {
        let expected = hex(expected);
        let mut out = vec![0xff; expected.len()];
        derive(&hex(key), &hex(salt).try_into().unwrap(), label, &mut out).unwrap();
        assert_eq!(out, expected, "{label:?}");
    }

    #[test]
    fn rfc3711_appendix_b_3() {
        let key = "E1F97A0D3E018BE0D64FA32C06DE4139";
        let salt = "0EC675AD498AFEEBB6960B3AABE6";
        for (label, expected) in [
            (Label::RtpEncryption, "C61E7A93744F39EE10734AFE3FF7A087"),
            (Label::RtpSalt, "30CBBC08863D8C85D49DB34A9AE1"),
            (
                Label::RtpAuthentication,
                "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
                 E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
                 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2",
            ),
        ] {
            assert_derives(key, salt, label, expected);
        }
    }

    #[test]
    fn rfc6188_section_7_2() {
        let key = "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6";
        let salt = "3b04803de51ee7c96423ab5b78d2";
        for (label, expected) in [
            (
                Label::RtpEncryption,
                "5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4",
            ),
            (
                Label::RtpAuthentication,
                "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
            ),
            (Label::RtpSalt, "fa31791685ca444a9e07c6c64e93"),
        ] {
            assert_derives(key, salt, label, expected);
        }
    }

    /// The packet by which libsrtp checks its own AES-CM and HMAC-SHA1: RFC 3711 prints none.
    #[test]
    fn a_packet_of_aes_cm_and_hmac_sha1() {
        let profile = SrtpProfile::AesCm128HmacSha1_80;
        let keys = Keys::new(
            profile,
            &hex("e1f97a0d3e018be0d64fa32c06de4139"),
            &hex("0ec675ad498afeebb6960b3aabe6"),
        )
        .unwrap();
        let mut out = [0; 38];
        out[..12].copy_from_slice(&hex("800f1234decafbadcafebabe"));
        let sender = SrtpSender::new(profile, &keys).unwrap();
        let len = sender.seal_rtp(0x1234, Ssrc(0xcafe_babe), 12, &[0xab; 16], &mut out);
        assert_eq!(len, Some(38));
        assert_eq!(
            out[12..].to_vec(),
            hex("4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb")
        );
    }
}

mod keys {
    use super::*;

    #[test]
    fn the_exporter_gives_both_keys_then_both_salts() {
        // RFC 5764 section 4.2.
        for profile in PROFILES {
            let (key, salt) = (profile.key_len(), profile.salt_len());
            let material = [vec![1; key], vec![2; key], vec![3; salt], vec![4; salt]].concat();
            let (client, server) = split_keying_material(profile, &material).unwrap();
            assert_eq!(client.key(), vec![1; key]);
            assert_eq!(server.key(), vec![2; key]);
            assert_eq!(client.padded_salt()[..salt], vec![3; salt]);
            assert_eq!(server.padded_salt()[..salt], vec![4; salt]);
            // RFC 7714 section 11: a 12-byte salt is padded on the right.
            assert!(client.padded_salt()[salt..].iter().all(|byte| *byte == 0));

            assert!(split_keying_material(profile, &material[1..]).is_none());
            assert!(split_keying_material(profile, &[material, vec![0]].concat()).is_none());
        }
    }

    #[test]
    fn keys_of_another_profile_are_refused() {
        let keys = Keys::new(SrtpProfile::AeadAes128Gcm, &[0; 16], &[0; 12]).unwrap();
        let error = SrtpSender::new(SrtpProfile::AeadAes256Gcm, &keys).err();
        assert_eq!(
            error,
            Some(SrtpError::KeyLength {
                expected: 32,
                actual: 16
            })
        );
        let error = SrtpReceiver::new(SrtpProfile::AesCm128HmacSha1_80, &keys).err();
        assert_eq!(
            error,
            Some(SrtpError::SaltLength {
                expected: 14,
                actual: 12
            })
        );
    }

    #[test]
    fn keys_are_not_printed() {
        let keys = Keys::new(SrtpProfile::AeadAes128Gcm, &[171; 16], &[205; 12]).unwrap();
        assert_eq!(format!("{keys:?}"), "Keys { .. }");
    }
}

mod rollover_counter {
    use super::*;

    #[test]
    fn the_nearest_index_is_taken() {
        let at = |rollover: u64, sequence: u64| rollover << 16 | sequence;
        for (highest, sequence, expected) in [
            (at(5, 0x1000), 0x1001, at(5, 0x1001)),
            (at(5, 0x1000), 0x0fff, at(5, 0x0fff)),
            (at(5, 0xffff), 0x0000, at(6, 0x0000)),
            (at(6, 0x0000), 0xffff, at(5, 0xffff)),
            // RFC 3711 appendix A: at exactly half the space the counter stays.
            (at(5, 0x7fff), 0xffff, at(5, 0xffff)),
            (at(5, 0x7ffe), 0xffff, at(4, 0xffff)),
            (at(5, 0x8000), 0x0000, at(5, 0x0000)),
            (at(5, 0x8001), 0x0000, at(6, 0x0000)),
            // No index lies before zero.
            (at(0, 0x0001), 0xffff, at(0, 0xffff)),
        ] {
            assert_eq!(estimate(highest, sequence), Some(expected), "{highest:#x}");
        }
    }

    #[test]
    fn used_up_keys_give_no_index() {
        assert_eq!(estimate(MAX_RTP_INDEX, 0xfffe), Some(MAX_RTP_INDEX - 1));
        assert_eq!(estimate(MAX_RTP_INDEX, 0), None);
    }
}

mod replay_list {
    use super::*;

    #[test]
    fn the_window_has_exact_edges() {
        let mut window = ReplayWindow::new(5000);
        assert!(!window.accepts(5000));
        assert!(window.accepts(5001));
        assert!(window.accepts(5000 - REPLAY_WINDOW + 1));
        assert!(!window.accepts(5000 - REPLAY_WINDOW));
        window.accept(5000 - REPLAY_WINDOW + 1);
        assert!(!window.accepts(5000 - REPLAY_WINDOW + 1));
        assert!(window.accepts(5000 - REPLAY_WINDOW + 2));
    }

    #[test]
    fn a_window_near_zero_accepts_what_came_before() {
        let window = ReplayWindow::new(3);
        for (index, accepted) in [(0, true), (2, true), (3, false), (4, true)] {
            assert_eq!(window.accepts(index), accepted, "{index}");
        }
    }

    #[test]
    fn a_leap_forgets_everything_below_it() {
        let mut window = ReplayWindow::new(0);
        for index in 1..REPLAY_WINDOW {
            window.accept(index);
        }
        window.accept(1 << 40);
        for index in (1 << 40) - REPLAY_WINDOW + 1..1 << 40 {
            assert!(window.accepts(index), "{index}");
        }
        assert!(!window.accepts(REPLAY_WINDOW - 1));
    }

    /// Against a set that keeps every index: walks, leaps and stragglers.
    #[test]
    fn it_agrees_with_a_set_of_every_index() {
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut highest = u64::from(rng.next_u32() % 5000);
            let mut window = ReplayWindow::new(highest);
            let mut seen = BTreeSet::from([highest]);
            for _ in 0..5000 {
                let draw = u64::from(rng.next_u32());
                let index = match draw % 8 {
                    0 => highest + draw % 3000,
                    1..=3 => highest + 1,
                    _ => highest.saturating_sub(draw % (REPLAY_WINDOW + 20)),
                };
                let expected = !seen.contains(&index) && index + REPLAY_WINDOW > highest;
                assert_eq!(
                    window.accepts(index),
                    expected,
                    "seed {seed}, index {index}"
                );
                if expected {
                    window.accept(index);
                    seen.insert(index);
                    highest = highest.max(index);
                    assert_eq!(window.highest(), highest);
                }
            }
        }
    }
}

mod session {
    use super::*;

    const SSRC: Ssrc = Ssrc(0x1122_3344);

    fn pair(profile: SrtpProfile) -> (SrtpSender, SrtpReceiver) {
        let keys = Keys::new(
            profile,
            &(0..profile.key_len() as u8).collect::<Vec<_>>(),
            &(100..100 + profile.salt_len() as u8).collect::<Vec<_>>(),
        )
        .unwrap();
        (
            SrtpSender::new(profile, &keys).unwrap(),
            SrtpReceiver::new(profile, &keys).unwrap(),
        )
    }

    fn header(ssrc: Ssrc, sequence: u16) -> [u8; 12] {
        let mut header = [0; 12];
        header[0] = 0x80;
        header[1] = 96;
        header[2..4].copy_from_slice(&sequence.to_be_bytes());
        header[8..].copy_from_slice(&ssrc.0.to_be_bytes());
        header
    }

    fn sealed(sender: &SrtpSender, ssrc: Ssrc, index: u64) -> Vec<u8> {
        let payload = format!("payload {index}");
        let mut out = vec![0; 12 + payload.len() + sender.profile().rtp_overhead()];
        out[..12].copy_from_slice(&header(ssrc, index as u16));
        let len = sender.seal_rtp(index, ssrc, 12, payload.as_bytes(), &mut out);
        assert_eq!(len, Some(out.len()));
        out
    }

    fn sealed_rtcp(sender: &mut SrtpSender, ssrc: Ssrc) -> Vec<u8> {
        let mut out = vec![0x5a; 32 + sender.profile().rtcp_overhead()];
        out[..8].copy_from_slice(&hex("80c80007 00000000"));
        out[4..8].copy_from_slice(&ssrc.0.to_be_bytes());
        assert_eq!(sender.seal_rtcp(&mut out, 32), Some(out.len()));
        out
    }

    fn open(receiver: &mut SrtpReceiver, packet: &[u8]) -> Result<u64, DropReason> {
        let mut packet = packet.to_vec();
        let sequence = u16::from_be_bytes(packet[2..4].try_into().unwrap());
        let ssrc = Ssrc(u32::from_be_bytes(packet[8..12].try_into().unwrap()));
        let (len, index) = receiver.open_rtp(&mut packet, 12, ssrc, sequence)?;
        assert_eq!(packet[12..len], *format!("payload {index}").as_bytes());
        Ok(index)
    }

    #[test]
    fn sealing_in_place_and_from_afar_give_the_same_bytes() {
        for profile in PROFILES {
            let (sender, _) = pair(profile);
            for payload_len in [0, 1, 15, 16, 17, 1200] {
                let payload: Vec<u8> = (0..payload_len).map(|byte| byte as u8).collect();
                let mut afar = vec![0; 12 + payload_len + profile.rtp_overhead()];
                afar[..12].copy_from_slice(&header(SSRC, 7));
                let mut in_place = afar.clone();
                in_place[12..12 + payload_len].copy_from_slice(&payload);

                let index = 3 << 16 | 7;
                let len = sender.seal_rtp(index, SSRC, 12, &payload, &mut afar);
                assert_eq!(len, Some(afar.len()));
                let len = sender.seal_rtp_in_place(index, SSRC, &mut in_place, 12, payload_len);
                assert_eq!(len, Some(in_place.len()));
                assert_eq!(afar, in_place);
            }
        }
    }

    #[test]
    fn a_stream_is_followed_over_wraps_out_of_order_and_once() {
        for profile in PROFILES {
            let (sender, mut receiver) = pair(profile);
            let leaps = [
                0x1_5000, 0x1_5001, 0x1_9000, 0x1_9001, 0x1_ffff, 0x2_0001, 0x2_0000, 0x2_0002,
            ];
            let indices = (0xfff0..0x1_0010).chain(leaps);
            let packets: Vec<_> = indices.map(|at| (at, sealed(&sender, SSRC, at))).collect();
            // Pairs change places: the first packet is the second's elder.
            let mut shuffled = packets.clone();
            shuffled.chunks_mut(2).for_each(<[_]>::reverse);
            for (index, packet) in &shuffled {
                assert_eq!(open(&mut receiver, packet), Ok(*index), "{profile:?}");
            }
            let recent = shuffled.iter().filter(|(index, _)| *index >= 0x1_ffff);
            for (index, packet) in recent {
                let again = open(&mut receiver, packet);
                assert_eq!(again, Err(DropReason::SrtpReplayed), "{index:#x}");
            }
        }
    }

    #[test]
    fn the_window_counts_packets_on_the_wire() {
        let (sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
        let top = 0x1_0100;
        // Begins in rollover 0, so that the receiver can follow to `top`.
        for index in [0xff00, top] {
            assert_eq!(
                open(&mut receiver, &sealed(&sender, SSRC, index)),
                Ok(index)
            );
        }
        let oldest = top - REPLAY_WINDOW + 1;
        assert_eq!(
            open(&mut receiver, &sealed(&sender, SSRC, oldest - 1)),
            Err(DropReason::SrtpReplayed)
        );
        let packet = sealed(&sender, SSRC, oldest);
        assert_eq!(open(&mut receiver, &packet), Ok(oldest));
        assert_eq!(open(&mut receiver, &packet), Err(DropReason::SrtpReplayed));
    }

    /// Every byte of an RTP packet, on a known stream and on a new one. A wrong sequence number or
    /// SSRC makes another packet of it, which fails like the rest.
    #[test]
    fn a_changed_byte_is_refused_and_changes_nothing() {
        for profile in PROFILES {
            for known in [false, true] {
                let (sender, mut receiver) = pair(profile);
                if known {
                    assert_eq!(open(&mut receiver, &sealed(&sender, SSRC, 100)), Ok(100));
                }
                let packet = sealed(&sender, SSRC, 101);
                for position in 0..packet.len() {
                    let mut changed = packet.clone();
                    changed[position] ^= 0x01;
                    assert_ne!(open(&mut receiver, &changed), Ok(101));
                    let refused = open(&mut receiver, &changed).unwrap_err();
                    // A changed sequence number may name packet 100 again.
                    let replayed = known && position == 3;
                    let expected = if replayed {
                        DropReason::SrtpReplayed
                    } else {
                        DropReason::SrtpAuthFailed
                    };
                    assert_eq!(refused, expected, "{profile:?} byte {position}");
                }
                assert_eq!(open(&mut receiver, &packet), Ok(101), "{profile:?}");
            }
        }
    }

    #[test]
    fn a_changed_byte_of_rtcp_is_refused_and_changes_nothing() {
        for profile in PROFILES {
            let (mut sender, mut receiver) = pair(profile);
            let packet = sealed_rtcp(&mut sender, SSRC);
            for position in 0..packet.len() {
                for bit in [0x01, 0x80] {
                    let mut changed = packet.clone();
                    changed[position] ^= bit;
                    assert_eq!(
                        receiver.open_rtcp(&mut changed),
                        Err(DropReason::SrtpAuthFailed),
                        "{profile:?} byte {position}"
                    );
                }
            }
            let mut opened = packet.clone();
            assert_eq!(receiver.open_rtcp(&mut opened), Ok(32));
            assert_eq!(opened[8..32], [0x5a; 24]);
            assert_eq!(
                receiver.open_rtcp(&mut packet.clone()),
                Err(DropReason::SrtpReplayed)
            );
        }
    }

    #[test]
    fn rtcp_arrives_out_of_order_and_from_several_senders() {
        for profile in PROFILES {
            let (mut sender, mut receiver) = pair(profile);
            let mut packets: Vec<_> = (0..40)
                .map(|at| sealed_rtcp(&mut sender, Ssrc(at % 3)))
                .collect();
            packets.reverse();
            for packet in &mut packets {
                assert_eq!(receiver.open_rtcp(packet), Ok(32));
            }
        }
    }

    #[test]
    fn a_truncated_packet_is_refused_at_every_length() {
        for profile in PROFILES {
            let (mut sender, mut receiver) = pair(profile);
            let rtp = sealed(&sender, SSRC, 9);
            for len in 0..rtp.len() {
                let refused = receiver.open_rtp(&mut rtp[..len].to_vec(), 12, SSRC, 9);
                assert_eq!(refused, Err(DropReason::SrtpAuthFailed), "{len}");
            }
            let tail = rtp.len() - profile.rtp_overhead();
            for header_len in (0..12).chain(tail + 1..rtp.len() + 2).chain([usize::MAX]) {
                let refused = receiver.open_rtp(&mut rtp.clone(), header_len, SSRC, 9);
                assert_eq!(refused, Err(DropReason::SrtpAuthFailed), "{header_len}");
            }
            assert_eq!(open(&mut receiver, &rtp), Ok(9));

            let rtcp = sealed_rtcp(&mut sender, SSRC);
            for len in 0..rtcp.len() {
                let refused = receiver.open_rtcp(&mut rtcp[..len].to_vec());
                assert_eq!(refused, Err(DropReason::SrtpAuthFailed), "{len}");
            }
            assert_eq!(receiver.open_rtcp(&mut rtcp.clone()), Ok(32));
        }
    }

    #[test]
    fn only_authentic_streams_take_a_place_and_places_are_bounded() {
        let (mut sender, mut receiver) = pair(SrtpProfile::AeadAes128Gcm);
        for forged in 0..1000 {
            let mut packet = sealed(&sender, Ssrc(0x8000_0000 | forged), 1);
            *packet.last_mut().unwrap() ^= 1;
            assert_eq!(
                open(&mut receiver, &packet),
                Err(DropReason::SrtpAuthFailed)
            );
        }
        let limit = MAX_RECEIVE_STREAMS as u32;
        // Each stream stands at another index, so that their windows are told apart.
        let first = |ssrc: u32| u64::from(ssrc) + 1;
        for ssrc in 0..limit {
            let packet = sealed(&sender, Ssrc(ssrc), first(ssrc));
            assert_eq!(open(&mut receiver, &packet), Ok(first(ssrc)));
            let mut rtcp = sealed_rtcp(&mut sender, Ssrc(ssrc));
            assert_eq!(receiver.open_rtcp(&mut rtcp), Ok(32));
        }
        let one_more = sealed(&sender, Ssrc(limit), 1);
        assert_eq!(open(&mut receiver, &one_more), Err(DropReason::StreamLimit));
        let mut rtcp = sealed_rtcp(&mut sender, Ssrc(limit));
        let refused = receiver.open_rtcp(&mut rtcp.clone());
        assert_eq!(refused, Err(DropReason::StreamLimit));

        // All others go on, and the one that is silent gives its place up.
        let mut next: Vec<_> = (0..limit).map(first).collect();
        for round in 0..SILENT_RTP {
            let ssrc = (round % u64::from(limit)) as u32;
            if ssrc != 7 {
                next[ssrc as usize] += 1;
                let packet = sealed(&sender, Ssrc(ssrc), next[ssrc as usize]);
                assert!(open(&mut receiver, &packet).is_ok());
            }
        }
        assert_eq!(open(&mut receiver, &one_more), Err(DropReason::StreamLimit));
        for sequence in 0..200 {
            let packet = sealed(&sender, Ssrc(0), 60_000 + sequence);
            let _ = open(&mut receiver, &packet);
        }
        assert_eq!(open(&mut receiver, &one_more), Ok(1));
        for _ in 0..SILENT_RTCP {
            let mut rtcp = sealed_rtcp(&mut sender, Ssrc(1));
            assert_eq!(receiver.open_rtcp(&mut rtcp), Ok(32));
        }
        assert_eq!(receiver.open_rtcp(&mut rtcp), Ok(32));
        let first = |ssrc: u32| next[ssrc as usize];
        // The others kept their place and their state.
        for ssrc in (1..limit).filter(|ssrc| *ssrc != 7) {
            let packet = sealed(&sender, Ssrc(ssrc), first(ssrc));
            let again = open(&mut receiver, &packet);
            assert_eq!(again, Err(DropReason::SrtpReplayed), "{ssrc}");
            let packet = sealed(&sender, Ssrc(ssrc), first(ssrc) + 1);
            assert_eq!(open(&mut receiver, &packet), Ok(first(ssrc) + 1));
        }
    }

    /// Authentic in every other way: only the E bit is missing.
    #[test]
    fn authentic_rtcp_that_says_it_is_not_encrypted_is_refused() {
        for (e_bit, expected) in [
            (RTCP_ENCRYPTED, Ok(32)),
            (0, Err(DropReason::SrtpAuthFailed)),
        ] {
            let cipher = || CmCipher::new(&[1; 16], &[2; 14], &[3; 20]).unwrap();
            let profile = SrtpProfile::AesCm128HmacSha1_80;
            let mut packet = vec![0; 32 + profile.rtcp_overhead()];
            let word = (e_bit | 5).to_be_bytes();
            cipher()
                .seal_rtcp((Ssrc(0), 5), &mut packet, 32, word)
                .unwrap();
            let [rtp, rtcp] = [cipher(), cipher()].map(|cipher| Cipher::Cm(Box::new(cipher)));
            let mut receiver = SrtpReceiver::from_ciphers(profile, rtp, rtcp);
            assert_eq!(receiver.open_rtcp(&mut packet), expected);
        }
    }

    #[test]
    fn the_sender_refuses_what_does_not_fit() {
        for profile in PROFILES {
            let (mut sender, _) = pair(profile);
            let exact = 12 + 20 + profile.rtp_overhead();
            for (len, fits) in [(exact, true), (exact - 1, false), (12, false), (0, false)] {
                let mut out = vec![0; len];
                if let Some(head) = out.get_mut(..12) {
                    head.copy_from_slice(&header(SSRC, 1));
                }
                let sent = sender.seal_rtp(1, SSRC, 12, &[0; 20], &mut out);
                assert_eq!(sent, fits.then_some(exact), "{len}");
                let sent = sender.seal_rtp_in_place(1, SSRC, &mut out, 12, 20);
                assert_eq!(sent, fits.then_some(exact), "{len}");
            }
            let mut out = [0; 100];
            assert_eq!(sender.seal_rtp(1, SSRC, 11, &[0; 20], &mut out), None);
            let huge = usize::MAX;
            assert_eq!(sender.seal_rtp_in_place(1, SSRC, &mut out, 12, huge), None);
            assert_eq!(sender.seal_rtcp(&mut out, huge), None);
            assert_eq!(sender.seal_rtcp(&mut out, 7), None);
            assert_eq!(sender.seal_rtcp(&mut out[..20], 10), None);
        }
    }

    #[test]
    fn indices_end_and_never_wrap() {
        for profile in PROFILES {
            let keys = Keys::new(
                profile,
                &vec![1; profile.key_len()],
                &vec![2; profile.salt_len()],
            )
            .unwrap();
            let (rtp, rtcp) = Cipher::pair(profile, &keys).unwrap();
            let mut sender = SrtpSender::from_ciphers(profile, rtp, rtcp, MAX_RTCP_INDEX);
            let mut out = [0; 100];
            assert!(sender.seal_rtcp(&mut out, 32).is_some());
            assert_eq!(sender.seal_rtcp(&mut out, 32), None);
            assert_eq!(sender.seal_rtcp(&mut out, 32), None);

            out[..12].copy_from_slice(&header(SSRC, 0xffff));
            assert!(
                sender
                    .seal_rtp(MAX_RTP_INDEX, SSRC, 12, &[0; 20], &mut out)
                    .is_some()
            );
            out[..12].copy_from_slice(&header(SSRC, 0));
            let past = sender.seal_rtp(MAX_RTP_INDEX + 1, SSRC, 12, &[0; 20], &mut out);
            assert_eq!(past, None);
        }
    }
}

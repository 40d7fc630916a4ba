//! Any bytes as a stream of packets with dependency descriptors and VP9 payloads: what an encoding
//! remembers of some is what it reads others by.

use std::time::Instant;

use sfu_core::id::{PayloadType, Ssrc};
use sfu_core::ingress::{Incoming, Ingress, IngressSettings};
use sfu_core::media::codec::Codec;
use sfu_core::media::format::{FormatParameters, PayloadMapping};
use sfu_core::media::packet::CarriedExtensions;
use sfu_core::wire::rtp::RtpHeader;

const VP9: PayloadMapping = PayloadMapping {
    codec: Codec::Vp9,
    parameters: FormatParameters::None,
    payload_type: PayloadType(96),
    rtx: None,
    nack: true,
    pli: true,
    fir: false,
    transport_cc: true,
};

/// Each packet: a byte that moves its sequence number, one with the lengths of its descriptor (five
/// bits) and of its payload (three), and then both.
pub(crate) fn check(data: &[u8]) {
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    let now = Instant::now();
    let settings = IngressSettings {
        formats: [VP9].into_iter().collect(),
        payload_type: VP9.payload_type,
        media_ssrc: Ssrc(1),
    };
    let mut ingress = Ingress::new(settings, now).expect("a format");
    let mut rest = data;
    let mut sequence = 7_u16;
    while let [step, lengths, after @ ..] = rest {
        sequence = sequence.wrapping_add_signed(i16::from(step.cast_signed() >> 2));
        let (descriptor, after) = after.split_at(after.len().min(usize::from(lengths >> 3) * 2));
        let (payload, after) = after.split_at(after.len().min(usize::from(lengths & 7)));
        rest = after;
        let mut packet = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[6..8].copy_from_slice(&(sequence / 3).to_be_bytes());
        let header = RtpHeader::parse(&packet).expect("a header");
        let received = ingress.receive(
            now,
            &Incoming {
                header,
                padding_len: 0,
                payload,
                extensions: CarriedExtensions::default(),
                descriptor: (!descriptor.is_empty()).then_some(descriptor),
                repaired: false,
            },
        );
        let Ok(facts) = received else {
            continue;
        };
        let targets = ingress.decode_targets();
        if let Some(dependencies) = facts.video.dependencies {
            let targets = targets.expect("what it was read by");
            assert_eq!(dependencies.structure, targets.structure);
            let all = u32::MAX >> (32 - targets.tops.len());
            assert_eq!((dependencies.present | dependencies.active) & !all, 0);
            assert_eq!(ingress.active_decode_targets(), Some(dependencies.active));
        }
        let layer = facts.video.layer;
        assert!(!facts.video.temporal_switch || layer.temporal > 0);
        assert!(layer.spatial < 8 && layer.temporal < 8);
    }
}

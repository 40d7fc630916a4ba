//! What the engine reads of Chromium's packets (`recordings/`): by the dependency descriptor, and by
//! the payload beside it, which must tell the same.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at what it did not expect; a base for virtual time"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use sfu_core::id::Ssrc;
use sfu_core::ingress::{Incoming, Ingress, IngressSettings};
use sfu_core::media::codec::Codec;
use sfu_core::media::format::{FormatParameters, PayloadMapping};
use sfu_core::media::layer::{FrameDependencies, Layer};
use sfu_core::media::packet::{CarriedExtensions, DescriptorPlace, PacketFacts};
use sfu_core::wire::dependency_descriptor::{self, Head, MAX_LEN, Structure};
use sfu_core::wire::extensions;
use sfu_core::wire::rtp::RtpHeader;

/// The dependency descriptor's number in the recordings.
const DESCRIPTOR: u8 = 13;

/// One recorded packet.
struct Packet {
    at: Duration,
    bytes: Vec<u8>,
}

impl Packet {
    fn header(&self) -> RtpHeader {
        RtpHeader::parse_decrypted(&self.bytes).unwrap()
    }

    fn descriptor(&self) -> Option<&[u8]> {
        let header = self.header();
        let data = header.extension(&self.bytes);
        extensions::find(header.extension_profile, data, DESCRIPTOR)
    }
}

/// The packets of a recording that have a payload, stream by stream.
fn recorded(name: &str) -> BTreeMap<Ssrc, Vec<Packet>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let dump = std::fs::read(folder.join(name).with_extension("rtpdump")).unwrap();
    let line = dump.iter().position(|&byte| byte == b'\n').unwrap();
    let mut rest = &dump[line + 1 + 16..];
    let mut streams: BTreeMap<Ssrc, Vec<Packet>> = BTreeMap::new();
    while let [a, b, _, _, t0, t1, t2, t3, ..] = *rest {
        let len = usize::from(u16::from_be_bytes([a, b]));
        let (record, after) = rest.split_at(len);
        rest = after;
        let packet = Packet {
            at: Duration::from_millis(u32::from_be_bytes([t0, t1, t2, t3]).into()),
            bytes: record[8..].to_vec(),
        };
        let header = packet.header();
        if header.payload_range(packet.bytes.len()).is_empty() {
            continue;
        }
        streams.entry(header.ssrc).or_default().push(packet);
    }
    streams
}

fn codec(name: &str) -> Codec {
    match name.split('_').next() {
        Some("vp8") => Codec::Vp8,
        Some("vp9") => Codec::Vp9,
        Some("av1") => Codec::Av1,
        Some("h264") => Codec::H264,
        _ => Codec::Opus,
    }
}

/// All facts of one stream, in the order of arrival; with what its descriptors say, or without.
fn facts(codec: Codec, packets: &[Packet], described: bool) -> (Ingress, Vec<PacketFacts>) {
    let (mut ingress, base) = ingress(codec, packets);
    let receive = |packet| receive(&mut ingress, base, packet, described);
    let all = packets.iter().map(receive).collect();
    (ingress, all)
}

/// The encoding that a stream's packets are of, and when it began.
fn ingress(codec: Codec, packets: &[Packet]) -> (Ingress, Instant) {
    let base = Instant::now();
    let first = packets[0].header();
    let format = PayloadMapping {
        codec,
        parameters: FormatParameters::None,
        payload_type: first.payload_type,
        rtx: None,
        nack: false,
        pli: true,
        fir: true,
        transport_cc: true,
    };
    let settings = IngressSettings {
        formats: [format].into_iter().collect(),
        payload_type: first.payload_type,
        media_ssrc: first.ssrc,
    };
    (Ingress::new(settings, base).unwrap(), base)
}

fn receive(ingress: &mut Ingress, base: Instant, packet: &Packet, described: bool) -> PacketFacts {
    let header = packet.header();
    let descriptor = packet.descriptor().filter(|_| described);
    let place = descriptor.map(|descriptor| DescriptorPlace {
        start: 0,
        len: descriptor.len() as u8,
        frame_number: dependency_descriptor::frame_number(descriptor).unwrap(),
        mask: None,
    });
    let incoming = Incoming {
        header,
        padding_len: header.padding_len,
        payload: &packet.bytes[header.payload_range(packet.bytes.len())],
        extensions: CarriedExtensions {
            descriptor: place,
            ..CarriedExtensions::default()
        },
        descriptor,
        repaired: false,
    };
    ingress.receive(base + packet.at, &incoming).unwrap()
}

/// One frame of a stream.
#[derive(Clone, Copy, Debug)]
struct Frame {
    layer: Layer,
    dependencies: FrameDependencies,
}

impl Frame {
    fn references(&self) -> impl Iterator<Item = u16> + '_ {
        let of = self.dependencies.references.iter().copied();
        of.take_while(|&it| it != 0)
            .map(|it| self.dependencies.number.wrapping_sub(it))
    }

    fn is_of(&self, target: usize) -> bool {
        self.dependencies.present >> target & 1 != 0
    }

    fn switches_to(&self, target: usize) -> bool {
        self.dependencies.switch >> target & 1 != 0
    }
}

/// The frames from the first keyframe on, each put together of its packets.
fn frames(name: &str, all: &[PacketFacts]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut open = false;
    for facts in all {
        let video = facts.video;
        if frames.is_empty() && !video.keyframe_start {
            continue;
        }
        let Some(dependencies) = video.dependencies else {
            panic!("{name}: {facts:?}")
        };
        assert_eq!(video.frame_start, !open, "frames are whole and in order");
        if video.frame_start {
            frames.push(Frame {
                layer: video.layer,
                dependencies,
            });
        }
        let frame = frames.last().unwrap();
        assert_eq!(frame.layer, video.layer);
        assert_eq!(frame.dependencies.number, dependencies.number);
        assert_eq!(frame.dependencies.references, dependencies.references);
        open = !video.frame_end;
    }
    frames
}

/// The recordings with descriptors, and the decode targets of each: spatial and temporal layers.
const DESCRIBED: &[(&str, &[(u8, u8)])] = &[
    ("av1_l1t2", L1T2),
    ("av1_l1t3", L1T3),
    ("av1_l2t1", L2T1),
    ("av1_l2t2", L2T2),
    ("av1_l2t2_key", L2T2),
    ("av1_l3t3", L3T3),
    ("av1_l3t3_key", L3T3),
    ("av1_l3t3_key_shrinks", L3T3),
    ("av1_s2t1", L2T1),
    ("av1_s2t3", L2T3),
    ("av1_s3t3", L3T3),
    ("av1_simulcast_l1t3", L1T3),
    ("h264_l1t3", L1T3),
    ("h264_simulcast_l1t3", L1T3),
    ("vp8_l1t2", L1T2),
    ("vp8_l1t3", L1T3),
    ("vp8_simulcast_l1t3", L1T3),
    ("vp9_l1t2", L1T2),
    ("vp9_l2t2_key", L2T2),
    ("vp9_l3t3", L3T3),
    ("vp9_l3t3_key", L3T3),
    ("vp9_l3t3_key_shrinks", L3T3),
    ("vp9_s2t1", L2T1),
    ("vp9_s3t3", L3T3),
    ("vp9_simulcast_l1t3", L1T3),
];

const L1T2: &[(u8, u8)] = &[(0, 0), (0, 1)];
const L1T3: &[(u8, u8)] = &[(0, 0), (0, 1), (0, 2)];
const L2T1: &[(u8, u8)] = &[(0, 0), (1, 0)];
const L2T2: &[(u8, u8)] = &[(0, 0), (0, 1), (1, 0), (1, 1)];
const L2T3: &[(u8, u8)] = &[(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)];
const L3T3: &[(u8, u8)] = &[
    (0, 0),
    (0, 1),
    (0, 2),
    (1, 0),
    (1, 1),
    (1, 2),
    (2, 0),
    (2, 1),
    (2, 2),
];

fn each_described(mut check: impl FnMut(&str, &[(u8, u8)], &[Packet])) {
    for (name, tops) in DESCRIBED {
        for packets in recorded(name).into_values() {
            check(name, tops, &packets);
        }
    }
}

#[test]
fn every_mode_has_the_decode_targets_of_its_name() {
    each_described(|name, tops, packets| {
        let (ingress, all) = facts(codec(name), packets, true);
        let targets = ingress.decode_targets().unwrap();
        let read: Vec<_> = targets
            .tops
            .iter()
            .map(|it| (it.spatial, it.temporal))
            .collect();
        assert_eq!(read, *tops, "{name}");
        assert_eq!(targets.structure, 1, "{name}: the same with each keyframe");
        let starts = all
            .iter()
            .filter(|facts| facts.video.keyframe_start)
            .count();
        assert!(
            starts >= 2 || name.ends_with("shrinks"),
            "{name}: asked for twice"
        );
        assert!(frames(name, &all).len() > 20, "{name}");
    });
}

#[test]
fn what_a_frame_needs_is_in_every_decode_target_that_it_is_in() {
    each_described(|name, tops, packets| {
        let (_, all) = facts(codec(name), packets, true);
        let frames = frames(name, &all);
        let mut seen: BTreeMap<u16, Frame> = BTreeMap::new();
        for frame in &frames {
            let of = &frame.dependencies;
            assert_eq!(of.switch & !of.present, 0, "{name}");
            assert_eq!(of.discardable & !of.present, 0, "{name}");
            assert_eq!(of.switch & of.discardable, 0, "{name}");
            // What nobody could want is not sent.
            assert_ne!(of.present & of.active, 0, "{name}: {frame:?}");
            for number in frame.references() {
                let needed = seen
                    .get(&number)
                    .unwrap_or_else(|| panic!("{name}: {frame:?}"));
                assert_eq!(
                    of.present & !needed.dependencies.present,
                    0,
                    "{name}: {frame:?}"
                );
                assert_eq!(of.present & needed.dependencies.discardable, 0, "{name}");
                assert!(needed.layer.temporal <= frame.layer.temporal, "{name}");
                assert!(needed.layer.spatial <= frame.layer.spatial, "{name}");
            }
            for (target, top) in tops.iter().enumerate().filter(|(at, _)| frame.is_of(*at)) {
                assert!(frame.layer.spatial <= top.0, "{name} {target}");
                assert!(frame.layer.temporal <= top.1, "{name} {target}");
            }
            seen.insert(of.number, *frame);
        }
    });
}

/// All that a frame rests on, itself included.
fn closure(of: &Frame, frames: &BTreeMap<u16, Frame>) -> BTreeSet<u16> {
    let mut all = BTreeSet::new();
    let mut open = vec![of.dependencies.number];
    while let Some(number) = open.pop() {
        if all.insert(number) {
            open.extend(frames[&number].references());
        }
    }
    all
}

#[test]
fn behind_a_switch_indication_all_of_the_decode_target_is_decodable() {
    let mut switches = 0;
    each_described(|name, tops, packets| {
        let (_, all) = facts(codec(name), packets, true);
        let frames = frames(name, &all);
        let by_number = frames
            .iter()
            .map(|frame| (frame.dependencies.number, *frame))
            .collect();
        for (at, frame) in frames.iter().enumerate() {
            for target in (0..tops.len()).filter(|&target| frame.switches_to(target)) {
                switches += 1;
                let mut had = closure(frame, &by_number);
                for later in frames[at + 1..].iter().filter(|later| later.is_of(target)) {
                    for number in later.references() {
                        assert!(
                            had.contains(&number),
                            "{name}: {frame:?} {target} {later:?}"
                        );
                    }
                    had.insert(later.dependencies.number);
                }
            }
        }
    });
    assert!(switches > 1000);
}

#[test]
fn the_payloads_tell_the_same_as_the_descriptors() {
    let mut temporal = 0;
    each_described(|name, tops, packets| {
        let codec = codec(name);
        if !matches!(codec, Codec::Vp8 | Codec::Vp9) {
            return;
        }
        let (_, described) = facts(codec, packets, true);
        let (_, shown) = facts(codec, packets, false);
        let started = described
            .iter()
            .position(|facts| facts.video.keyframe_start)
            .unwrap();
        for (by_descriptor, facts) in described.iter().zip(&shown).skip(started) {
            let (told, shown) = (by_descriptor.video, facts.video);
            let Some(dependencies) = told.dependencies else {
                panic!("{name}: {told:?} {by_descriptor:?}")
            };
            // With a descriptor, Chromium leaves VP8's layers out of the payload.
            assert!(codec == Codec::Vp8 || told.layer == shown.layer, "{name}");
            assert_eq!(told.frame_start, shown.frame_start, "{name}");
            assert_eq!(told.frame_end, shown.frame_end, "{name}");
            assert_eq!(by_descriptor.payload, facts.payload);
            // In S modes each layer has a start of its own.
            let base = told.keyframe_start && told.layer.spatial == 0;
            assert_eq!(base, shown.keyframe_start, "{name}");
            let own = tops.iter().position(|&(spatial, temporal)| {
                (spatial, temporal) == (told.layer.spatial, told.layer.temporal)
            });
            let is_switch = dependencies.switch >> own.unwrap() & 1 != 0;
            if shown.temporal_switch {
                temporal += 1;
                let allowed = is_switch || dependencies.discardable >> own.unwrap() & 1 != 0;
                assert!(allowed, "{name}: {told:?}");
            }
        }
    });
    assert!(temporal > 200, "{temporal}");
}

#[test]
fn behind_vp9s_temporal_switches_all_of_the_layer_is_decodable() {
    let mut switches = 0;
    each_described(|name, _, packets| {
        if codec(name) != Codec::Vp9 {
            return;
        }
        let (_, all) = facts(Codec::Vp9, packets, true);
        let (_, shown) = facts(Codec::Vp9, packets, false);
        let frames = frames(name, &all);
        let started = all
            .iter()
            .position(|facts| facts.video.keyframe_start)
            .unwrap();
        let starts = shown[started..]
            .iter()
            .filter(|facts| facts.video.frame_start);
        let starts: Vec<_> = starts.collect();
        assert_eq!(starts.len(), frames.len());
        for (at, start) in starts.iter().enumerate() {
            if !start.video.temporal_switch {
                continue;
            }
            switches += 1;
            let temporal = frames[at].layer.temporal;
            // What a receiver of the layers below was sent, and from this picture on of this one.
            let picture = starts
                .iter()
                .position(|it| it.timestamp == start.timestamp)
                .unwrap();
            let mut had = BTreeSet::new();
            for (place, frame) in frames.iter().enumerate() {
                if place >= picture && frame.layer.temporal <= temporal {
                    for number in frame.references() {
                        assert!(had.contains(&number), "{name}: {:?} {frame:?}", frames[at]);
                    }
                }
                if frame.layer.temporal < temporal
                    || place >= picture && frame.layer.temporal == temporal
                {
                    had.insert(frame.dependencies.number);
                }
            }
        }
    });
    assert!(switches > 200, "{switches}");
}

#[test]
fn a_descriptor_written_anew_reads_as_it_was_but_for_number_and_mask() {
    each_described(|name, _, packets| {
        let mut structure: Option<Structure> = None;
        for packet in packets {
            let Some(source) = packet.descriptor() else {
                continue;
            };
            let head = Head::read(source).unwrap();
            if head.has_structure {
                structure = Some(Structure::read(source).unwrap());
            }
            let Some(structure) = &structure else {
                continue;
            };
            let before = structure.frame(source).unwrap();
            for mask in [0, 1, structure.all_targets()] {
                let mut out = [0; MAX_LEN];
                let len =
                    dependency_descriptor::write(source, 77, Some((mask, before.mask)), &mut out);
                let written = &out[..len.unwrap()];
                let after = structure.frame(written).unwrap();
                assert_eq!(
                    (after.kind, after.active),
                    (before.kind, Some(mask)),
                    "{name}"
                );
                let again = Head::read(written).unwrap();
                let expected = Head {
                    frame_number: 77,
                    ..head
                };
                assert_eq!(again, expected, "{name}");
                if head.has_structure {
                    assert_eq!(Structure::read(written).as_ref(), Some(structure));
                }
            }
            // As it was: the writer adds nothing, and its padding is the sender's.
            if let Some(active) = before.active {
                let mut out = [0; MAX_LEN];
                let place = Some((active, before.mask));
                let len = dependency_descriptor::write(source, head.frame_number, place, &mut out);
                assert_eq!(&out[..len.unwrap()], source, "{name}");
            }
        }
    });
}

#[test]
fn an_encoder_that_leaves_layers_out_says_so() {
    for name in ["av1_l3t3_key_shrinks", "vp9_l3t3_key_shrinks"] {
        for packets in recorded(name).into_values() {
            let (ingress, all) = facts(codec(name), &packets, true);
            let masks: BTreeSet<u32> = frames(name, &all)
                .iter()
                .map(|it| it.dependencies.active)
                .collect();
            assert!(masks.len() > 1, "{name}: {masks:?}");
            // The base layer stays.
            assert!(masks.iter().all(|mask| mask & 1 == 1), "{name}: {masks:?}");
            let last = all.last().unwrap().video.dependencies.unwrap();
            assert_eq!(ingress.active_decode_targets(), Some(last.active));
        }
    }
}

#[test]
fn an_encrypted_payload_is_told_by_its_descriptor() {
    for name in ["vp8_l1t3", "vp9_l3t3_key", "h264_l1t3", "av1_l2t2_key"] {
        for mut packets in recorded(name).into_values() {
            let (_, clear) = facts(codec(name), &packets, true);
            for packet in &mut packets {
                let range = packet.header().payload_range(packet.bytes.len());
                // The payload formats' own fields stay: six bytes are as long as any here.
                let kept = if codec(name) == Codec::Vp9 { 6 } else { 0 };
                packet.bytes[range]
                    .iter_mut()
                    .skip(kept)
                    .for_each(|byte| *byte = 0xff);
            }
            let (_, sealed) = facts(codec(name), &packets, true);
            for (clear, sealed) in clear.iter().zip(&sealed) {
                assert_eq!(clear.video.dependencies, sealed.video.dependencies);
                assert_eq!(clear.video.layer, sealed.video.layer);
                assert_eq!(clear.video.keyframe_start, sealed.video.keyframe_start);
            }
        }
    }
}

#[test]
fn structures_are_read_into_the_place_of_the_first() {
    each_described(|name, _, packets| {
        let (mut ingress, base) = ingress(codec(name), packets);
        let mut allocations = 0;
        for packet in packets {
            let had = ingress.structure().is_some();
            let measured = allocation_counter::measure(|| {
                receive(&mut ingress, base, packet, true);
            });
            assert!(!had || measured.count_total == 0, "{name}");
            allocations += measured.count_total;
        }
        assert!(allocations > 0, "the counter counts");
    });
}

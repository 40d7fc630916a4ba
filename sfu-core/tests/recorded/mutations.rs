//! The decoder can fail: what is done to a good stream is called by its name.

use crate::model::{Arrived, Fault};
use crate::recording::{self, Recording};
use crate::recordings::{as_sent, decode};
use crate::wire;

/// What the decoder says of the first stream of a recording after `change`.
fn verdict(
    name: &str,
    descriptor: bool,
    change: impl FnOnce(&mut Vec<Arrived>, &Recording),
) -> Option<Fault> {
    let recording = recording::load(name);
    let stream = &recording.streams[0];
    let mut packets = as_sent(stream);
    change(&mut packets, &recording);
    let verdict = decode(&recording, stream, descriptor, &packets);
    verdict.err().map(|(fault, _)| fault)
}

/// Takes packets out, and closes the gap that they leave.
fn leave_out(packets: &mut Vec<Arrived>, out: impl Fn(&Arrived) -> bool) {
    packets.retain(|packet| !out(packet));
    for (packet, sequence) in packets.iter_mut().zip(1000..) {
        packet.sequence = sequence;
    }
}

/// Where a packet of the middle is that has `like`.
fn find(packets: &[Arrived], like: impl Fn(&Arrived) -> bool) -> usize {
    let found = (20..packets.len()).find(|at| like(&packets[*at]));
    found.expect("one like that")
}

/// A packet with one after it of the same picture.
fn first_of_two(packets: &[Arrived]) -> usize {
    (20..packets.len() - 1)
        .find(|at| {
            let next = packets[at + 1].timestamp;
            packets[*at].timestamp == next && packets[at - 1].timestamp != next
        })
        .expect("a picture of several packets")
}

const PLAIN: [&str; 3] = ["vp8_l1t3_plain", "vp9_l1t3_plain", "h264_l1t1_plain"];

#[test]
fn a_missing_number_is_a_gap() {
    for name in PLAIN {
        let fault = verdict(name, false, |packets, _| drop(packets.remove(30)));
        assert_eq!(fault, Some(Fault::Gap), "{name}");
    }
}

#[test]
fn a_number_again_is_no_stream() {
    let fault = verdict("vp8_l1t1", false, |packets, _| packets.swap(30, 31));
    assert_eq!(fault, Some(Fault::Gap));
    let fault = verdict("vp8_l1t1", false, |packets, _| {
        let again = packets[30].clone();
        packets.insert(31, again);
    });
    assert_eq!(fault, Some(Fault::SequenceBack));
}

#[test]
fn a_packet_left_out_of_a_frame_is_named() {
    let cases = [
        ("vp8_l1t3_plain", false, Fault::FrameWithoutStart),
        ("vp9_l1t3_plain", false, Fault::FrameWithoutStart),
        ("h264_l1t1_plain", false, Fault::FrameWithoutStart),
        ("av1_l1t3", true, Fault::MixedFrame),
    ];
    for (name, descriptor, wanted) in cases {
        let fault = verdict(name, descriptor, |packets, _| {
            let at = packets[first_of_two(packets)].sequence;
            leave_out(packets, |packet| packet.sequence == at);
        });
        assert_eq!(fault, Some(wanted), "{name}");
    }
}

#[test]
fn the_packets_of_two_frames_do_not_mix() {
    for name in PLAIN {
        let fault = verdict(name, false, |packets, _| {
            // The end of a frame behind the start of another.
            let at = first_of_two(packets);
            let end = find(packets, |packet| {
                packet.timestamp == packets[at].timestamp && packet.marker
            });
            let mut other = (end + 1..packets.len()).filter(|at| packets[*at].marker);
            let other = other.next().expect("another frame");
            let (timestamp, sequence) = (packets[end].timestamp, packets[end].sequence);
            packets[end] = Arrived {
                timestamp,
                sequence,
                ..packets[other].clone()
            };
            if name.starts_with("h264") {
                packets[end].payload = vec![0x7c, 0x81, 0x88, 0];
            }
        });
        let named = [Fault::MixedFrame, Fault::FrameCut];
        assert!(
            fault.is_some_and(|fault| named.contains(&fault)),
            "{name}: {fault:?}"
        );
    }
}

#[test]
fn markers_stand_at_the_ends_of_pictures() {
    for name in ["vp9_l3t3", "av1_l3t3_key"] {
        let fault = verdict(name, true, |packets, _| {
            let at = find(packets, |packet| packet.marker);
            packets[at].marker = false;
        });
        assert_eq!(fault, Some(Fault::MarkerMissing), "{name}");
        let fault = verdict(name, true, |packets, _| {
            let ends_frame = |packet: &Arrived| packet.descriptor.as_ref().unwrap()[0] & 0x40 != 0;
            let at = find(packets, |packet| !packet.marker && ends_frame(packet));
            packets[at].marker = true;
        });
        assert_eq!(fault, Some(Fault::MarkerInside), "{name}");
    }
    let fault = verdict("vp8_l1t1", false, |packets, _| {
        let at = find(packets, |packet| packet.marker);
        packets[at].marker = false;
    });
    assert_eq!(fault, Some(Fault::FrameCut));
}

#[test]
fn time_goes_forward() {
    let fault = verdict("vp8_l1t1", false, |packets, _| {
        let at = first_of_two(packets);
        let timestamp = packets[at].timestamp;
        for packet in packets
            .iter_mut()
            .filter(|packet| packet.timestamp == timestamp)
        {
            packet.timestamp = timestamp.wrapping_sub(90_000);
        }
    });
    assert_eq!(fault, Some(Fault::TimestampBack));
}

#[test]
fn a_stream_begins_with_a_keyframe() {
    for (name, descriptor) in [
        ("vp8_l1t3_plain", false),
        ("vp9_l3t3", false),
        ("vp9_l3t3", true),
        ("h264_l1t1_plain", false),
        ("av1_l1t1", false),
        ("av1_l3t3", true),
    ] {
        let fault = verdict(name, descriptor, |packets, _| {
            let key = packets[0].timestamp;
            leave_out(packets, |packet| packet.timestamp == key);
        });
        assert_eq!(
            fault,
            Some(Fault::StartsWithoutKeyframe),
            "{name} {descriptor}"
        );
    }
}

/// Leaves out all frames of a layer: from the picture after `from` on.
fn without(name: &str, descriptor: bool, out: impl Fn(&Arrived) -> bool) -> Option<Fault> {
    verdict(name, descriptor, |packets, _| {
        let key = packets[0].timestamp;
        leave_out(packets, |packet| packet.timestamp != key && out(packet));
    })
}

#[test]
fn what_a_frame_rests_on_is_there() {
    let vp8 = |packet: &Arrived| wire::vp8(&packet.payload).unwrap();
    // Picture ids count frames: whoever leaves some out must count anew.
    let fault = without("vp8_l1t3_plain", false, |packet| {
        vp8(packet).temporal == Some(2)
    });
    assert_eq!(fault, Some(Fault::NumberJump));
    let vp9 = |packet: &Arrived| wire::vp9(&packet.payload).unwrap();
    let fault = without("vp9_l1t3_plain", false, |packet| vp9(packet).temporal == 0);
    assert_eq!(fault, Some(Fault::MissingReference));
    let fault = without("vp9_l3t3_plain", false, |packet| vp9(packet).spatial == 0);
    assert_eq!(fault, Some(Fault::MissingReference));
    let number = |packet: &Arrived| wire::be16(&packet.descriptor.as_ref().unwrap()[1..]);
    for name in ["av1_l3t3", "vp9_l3t3", "vp8_l1t3", "h264_l1t3"] {
        let first = number(&as_sent(&recording::load(name).streams[0])[0]);
        // Base frames of all spatial layers, a cycle behind the keyframe.
        let layers = if name.contains("l3") { 3 } else { 1 };
        let base = 4 * layers..5 * layers;
        let fault = without(name, true, |packet| {
            base.contains(&number(packet).wrapping_sub(first))
        });
        assert_eq!(fault, Some(Fault::MissingReference), "{name}");
    }
}

#[test]
fn a_layer_left_out_is_said_to_be() {
    // The top spatial layer goes, and the descriptor still promises it.
    let spatial = |packet: &Arrived| wire::vp9(&packet.payload).unwrap().spatial;
    for name in ["vp9_l3t3", "vp9_s3t3"] {
        let fault = verdict(name, true, |packets, _| {
            leave_out(packets, |packet| spatial(packet) < 2);
        });
        let wanted = if name == "vp9_s3t3" {
            None
        } else {
            Some(Fault::StartsWithoutKeyframe)
        };
        assert_eq!(fault, wanted, "{name}");
    }
    let fault = verdict("vp9_l3t3_key", true, |packets, _| {
        // Only S0 is said to be active, and all go.
        for packet in packets.iter_mut().filter(|packet| packet.timestamp != 0) {
            let bytes = packet.descriptor.as_mut().unwrap();
            if bytes.len() == 3 && spatial(packet) == 0 {
                let bytes = packet.descriptor.as_mut().unwrap();
                bytes.extend([0b0100_0000, 0b0011_1000]);
            }
        }
    });
    assert_eq!(fault, Some(Fault::InactiveFrame));
}

#[test]
fn numbers_are_not_to_be_made_up() {
    let fault = verdict("vp8_l1t3_plain", false, |packets, _| {
        let at = first_of_two(packets);
        let timestamp = packets[at].timestamp;
        for packet in packets
            .iter_mut()
            .filter(|packet| packet.timestamp == timestamp)
        {
            packet.payload[4] = packet.payload[4].wrapping_add(1);
        }
    });
    assert_eq!(fault, Some(Fault::BaseIndexJump));
    let fault = verdict("vp9_l1t3_plain", false, |packets, _| {
        for packet in &mut packets[40..] {
            packet.payload[1] ^= 0x40;
        }
    });
    assert!(
        matches!(fault, Some(Fault::NumberJump | Fault::MixedFrame)),
        "{fault:?}"
    );
    let fault = verdict("av1_l3t3", true, |packets, _| {
        for packet in &mut packets[60..] {
            let bytes = packet.descriptor.as_mut().unwrap();
            let number = wire::be16(&bytes[1..]).wrapping_sub(100);
            bytes[1..3].copy_from_slice(&number.to_be_bytes());
        }
    });
    assert!(
        matches!(fault, Some(Fault::NumberJump | Fault::MixedFrame)),
        "{fault:?}"
    );
}

#[test]
fn an_unknown_template_cannot_be_read() {
    let fault = verdict("av1_l3t3", true, |packets, _| {
        let at = find(packets, |packet| {
            packet.descriptor.as_ref().unwrap()[0] & 0xc0 == 0xc0
        });
        packets[at].descriptor.as_mut().unwrap()[0] = 0xc0 | 60;
    });
    assert_eq!(fault, Some(Fault::Unreadable));
}

#[test]
fn padding_stands_between_frames_only() {
    let padded = |inside: bool| {
        verdict("vp8_l1t3_plain", false, |packets, _| {
            let at = first_of_two(packets) + usize::from(inside);
            let padding = Arrived {
                payload: Vec::new(),
                marker: false,
                ..packets[at].clone()
            };
            packets.insert(at, padding);
            leave_out(packets, |_| false);
        })
    };
    assert_eq!(padded(false), None);
    assert_eq!(padded(true), Some(Fault::PaddingInside));
}

#[test]
fn a_keyframe_tells_its_decoder_what_it_must_know() {
    let fault = verdict("h264_l1t3", true, |packets, _| packets[0].payload[0] = 0x7c);
    assert!(fault.is_some());
    let fault = verdict("av1_l3t3", true, |packets, _| {
        packets[0].payload[0] &= !0x08;
    });
    assert_eq!(fault, Some(Fault::KeyframeWithoutHeader));
}

#[test]
fn what_is_lost_on_the_way_is_harm_and_no_fault() {
    for name in recording::names()
        .iter()
        .filter(|name| !name.contains("opus"))
    {
        let recording = recording::load(name);
        let stream = &recording.streams[0];
        let packets = as_sent(stream);
        for descriptor in crate::recordings::readings(stream) {
            let mut decoder = crate::recordings::decoder(&recording, stream, descriptor);
            for (packet, at) in packets.iter().zip(0u32..) {
                if at % 23 == 11 {
                    decoder.lost(packet.sequence).unwrap();
                } else {
                    decoder.push(packet).unwrap();
                }
            }
            let harmed = decoder
                .frames
                .iter()
                .filter(|frame| !frame.decodable)
                .count();
            assert!(harmed > 0, "{name} {descriptor}");
        }
    }
}

//! The bodies of the fuzz targets under the stable compiler: valid packets cut short, with every
//! byte replaced by every other, and mutated by a seeded generator.

use sfu_core::id::{PayloadType, Ssrc};
use sfu_core::wire::extensions::ExtensionWriter;
use sfu_core::wire::rtcp::congestion_feedback::PacketArrival;
use sfu_core::wire::rtcp::{self, FeedbackHeader, ReportBlock, SenderInfo};
use sfu_core::wire::rtp::RtpWriter;

#[path = "../fuzz/bodies/av1.rs"]
mod av1_body;
#[path = "../fuzz/bodies/data.rs"]
mod data_body;
#[path = "../fuzz/bodies/descriptor.rs"]
mod descriptor_body;
#[path = "../fuzz/bodies/frames.rs"]
mod frames_body;
#[path = "../fuzz/bodies/h264.rs"]
mod h264_body;
#[path = "../fuzz/bodies/h265.rs"]
mod h265_body;
#[path = "../fuzz/bodies/layers_allocation.rs"]
mod layers_allocation_body;
#[path = "../fuzz/bodies/red.rs"]
mod red_body;
#[path = "../fuzz/bodies/rtcp.rs"]
mod rtcp_body;
#[path = "../fuzz/bodies/rtp.rs"]
mod rtp_body;
#[path = "../fuzz/bodies/sounds.rs"]
mod sounds_body;
#[path = "../fuzz/bodies/vp8.rs"]
mod vp8_body;
#[path = "../fuzz/bodies/vp9.rs"]
mod vp9_body;

/// Mutants of each seed packet: a second or so in a debug build.
const MUTANTS: usize = 20_000;

/// SplitMix64: the same mutants in every run.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("below a usize")
    }

    /// A byte, more often than chance one at the edges of a field.
    fn byte(&mut self) -> u8 {
        match self.next() % 4 {
            0 => 0,
            1 => 0xff,
            2 => 1 << self.below(8),
            _ => self.next() as u8,
        }
    }

    fn mutate(&mut self, packet: &mut Vec<u8>, donor: &[u8]) {
        for _ in 0..=self.below(4) {
            let at = self.below(packet.len());
            match self.next() % 5 {
                0 => packet.truncate(at),
                1 => packet.insert(at, self.byte()),
                2 => {
                    let from = self.below(donor.len());
                    packet.extend_from_slice(&donor[from..]);
                }
                3 if !packet.is_empty() => {
                    packet.remove(at);
                }
                _ => {
                    let byte = self.byte();
                    if let Some(old) = packet.get_mut(at) {
                        *old = byte;
                    }
                }
            }
        }
    }
}

fn sweep(seeds: &[Vec<u8>], check: fn(&[u8])) {
    for seed in seeds {
        for len in 0..=seed.len() {
            check(&seed[..len]);
        }
        for at in 0..seed.len().min(128) {
            let mut packet = seed.clone();
            for byte in 0..=255 {
                packet[at] = byte;
                check(&packet);
            }
        }
    }
    mutants(seeds, MUTANTS, check);
}

/// So many mutants of each seed.
fn mutants(seeds: &[Vec<u8>], count: usize, check: fn(&[u8])) {
    let mut generator = Generator(0x5eed);
    for seed in seeds {
        for _ in 0..count {
            let mut packet = seed.clone();
            let donor = generator.below(seeds.len());
            generator.mutate(&mut packet, &seeds[donor]);
            check(&packet);
        }
    }
}

#[test]
fn rtp_and_its_extensions_hold_under_mutation() {
    let writer = RtpWriter {
        marker: true,
        payload_type: PayloadType(96),
        sequence: 65_535,
        timestamp: 1,
        ssrc: Ssrc(0xdead_beef),
        padding: true,
    };
    let lists: [&[(u8, &[u8])]; 5] = [
        &[],
        &[(1, b"0"), (2, &[0x85]), (3, &[0, 1]), (4, &[1, 2, 3])],
        &[(1, b"mid"), (20, b"rid"), (3, &[]), (4, &[9; 40])],
        &[(14, &[7; 16]), (1, b"0")],
        &[(5, &[6; 8]), (6, &[0, 0x10, 0x20])],
    ];
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for list in lists {
        let mut extensions = ExtensionWriter::new();
        for &(id, value) in list {
            assert!(extensions.push(id, value));
        }
        let mut out = [0; 200];
        let len = writer.write_header(&mut out, &extensions).unwrap();
        out[len + 20] = 5;
        seeds.push(out[..=len + 20].to_vec());
    }
    // CSRCs, and an extension of a profile that is neither form.
    let mut with_csrcs = vec![0x93; 24];
    with_csrcs.extend([0x12, 0x34, 0, 1, 1, 2, 3, 4, 5, 6]);
    seeds.push(with_csrcs);
    sweep(&seeds, rtp_body::check);
}

#[test]
fn rtcp_holds_under_mutation() {
    let block = ReportBlock {
        ssrc: Ssrc(1),
        fraction_lost: 2,
        cumulative_lost: -3,
        extended_highest: 4,
        jitter: 5,
        last_sr: 6,
        delay_since_last_sr: 7,
    };
    let sender = SenderInfo {
        ssrc: Ssrc(1),
        ntp: 2,
        rtp_timestamp: 3,
        packets: 4,
        octets: 5,
    };
    let header = FeedbackHeader {
        sender: Ssrc(1),
        media: Ssrc(2),
        base_sequence: 65_530,
        reference_time: 77,
        feedback_count: 8,
    };
    let mut deltas = vec![None; 9];
    deltas.extend([Some(1), Some(300), None, Some(-4)]);
    deltas.extend([Some(10); 30]);
    type Writer<'w> = &'w dyn Fn(&mut [u8]) -> Option<usize>;
    let arrival = Some(PacketArrival {
        ecn: 1,
        before: Some(2),
    });
    let congestion = [
        (Ssrc(1), 3, &[arrival, None, arrival][..]),
        (Ssrc(2), 4, &[]),
    ];
    let writers: [Writer<'_>; 8] = [
        &|out| rtcp::sender_report(out, sender, &[block], Some("name")),
        &|out| rtcp::receiver_report(out, Ssrc(1), &[block; 3]),
        &|out| rtcp::nack(out, Ssrc(1), Ssrc(2), &[65_535, 0, 7, 100]),
        &|out| rtcp::transport_feedback(out, header, &deltas),
        &|out| rtcp::congestion_feedback(out, (Ssrc(1), 2), congestion),
        &|out| rtcp::fir(out, Ssrc(1), Ssrc(2), 3),
        &|out| rtcp::pli(out, Ssrc(1), Ssrc(2)),
        &|out| rtcp::bye(out, &[Ssrc(1), Ssrc(2)]),
    ];
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let mut compound = Vec::new();
    for write in writers {
        let mut out = [0; 400];
        let len = write(&mut out).unwrap();
        seeds.push(out[..len].to_vec());
        compound.extend_from_slice(&out[..len]);
    }
    seeds.push(compound);
    let mut remb = vec![0x8f, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0];
    remb.extend(b"REMB\x02\x12\x34\x56\0\0\0\x07\0\0\0\x08");
    seeds.push(remb);
    // A NACK with padding.
    seeds.push(vec![
        0xa1, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0xff, 0xff, 0, 0, 0, 4,
    ]);
    sweep(&seeds, rtcp_body::check);
}

#[test]
fn vp8_and_opus_hold_under_mutation() {
    let keyframe = [0x50, 0x3c, 1, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1, 9, 9];
    let descriptors: [&[u8]; 5] = [
        &[0x10],
        &[0x90, 0xf0, 0x92, 0x34, 0x56, 0x67],
        &[0x90, 0xc0, 0x12, 0x34],
        &[0x80, 0x30, 0xe5],
        &[0x90, 0x80, 0xff, 0xff],
    ];
    let mut seeds: Vec<Vec<u8>> = descriptors
        .iter()
        .map(|descriptor| [descriptor, &keyframe[..]].concat())
        .collect();
    // Every flag byte in front of every width, without a sweep.
    for flags in 0..=0xffffu16 {
        let [first, second] = flags.to_be_bytes();
        vp8_body::check(&[first, second, 0x80, 1, 2, 3, 4]);
        vp8_body::check(&[first, second, 0x00, 1, 2, 3, 4]);
    }
    seeds.push(vec![0x83, 48]);
    sweep(&seeds, vp8_body::check);
}

#[test]
fn dcep_and_sctp_hold_under_mutation() {
    let header = [0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 5, 6, 7, 8];
    let data = [0, 3, 0, 17, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 53, 7, 0, 0, 0];
    let forward_tsn = [192, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 2, 0, 255, 0, 3];
    let sack = [3, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0, 0];
    let seeds = vec![
        b"\x03\x81\x01\x00\x00\x00\x00\x00\x00\x06\x00\x00_lossy".to_vec(),
        b"\x03\x02\0\0\0\0\x03\xe8\0\x01\0\x02abc".to_vec(),
        vec![2],
        [&header[..], &data, &sack, &data].concat(),
        [&header[..], &forward_tsn, &data].concat(),
    ];
    sweep(&seeds, data_body::check);
}

#[test]
fn vp9_holds_under_mutation() {
    let structure = [
        0x58, 0, 160, 0, 90, 1, 64, 0, 180, 2, 128, 1, 104, 2, 4, 1, 8, 1, 2,
    ];
    let seeds = vec![
        vec![0x08, 1],
        [&[0xaa, 0x92, 0x34, 0, 0x56][..], &structure, &[0x82]].concat(),
        vec![0xe8, 0x05, 0x20, 0x77, 1, 2],
        vec![0xf8, 0x85, 0x05, 0x20, 0x03, 0x04, 1],
    ];
    // Every flag byte in front of every next byte, without a sweep.
    for flags in 0..=0xffffu16 {
        let [first, second] = flags.to_be_bytes();
        vp9_body::check(&[first, second, 0x80, 1, 2, 3, 4]);
    }
    sweep(&seeds, vp9_body::check);
}

#[test]
fn h264_holds_under_mutation() {
    let seeds = vec![
        vec![0x65, 0xb8, 0, 4],
        vec![
            0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 2, 0x68, 0xce, 0, 2, 0x65, 0xb8,
        ],
        vec![0x7c, 0x85, 0xb8, 0, 4],
        vec![0x7c, 0x45, 0xb8, 0, 4],
        vec![0x42, 0xe0, 0x1f],
    ];
    sweep(&seeds, h264_body::check);
}

#[test]
fn h265_holds_under_mutation() {
    let seeds = vec![
        vec![0x26, 0x01, 0xaf, 7],
        vec![
            0x60, 1, 0, 4, 0x40, 1, 0x0c, 1, 0, 3, 0x42, 1, 1, 0, 3, 0x44, 1, 0xc0,
        ],
        vec![0x62, 0x01, 0x93, 0xaf, 7],
        vec![0x62, 0x02, 0x41, 0xaf, 7],
    ];
    sweep(&seeds, h265_body::check);
}

#[test]
fn av1_and_its_descriptor_hold_under_mutation() {
    let seeds = vec![
        vec![0x28, 4, 0x08, 0, 0, 0, 0x30, 0x10, 0x20],
        vec![0x00, 2, 0x12, 0, 0x84, 0x00, 0x34, 0x48, 1, 1],
        vec![0xd0, 0x34, 0x48, 1],
        vec![0xc5, 0x12, 0x34, 0x80, 0x01],
    ];
    sweep(&seeds, av1_body::check);
}

/// What Chromium sends for AV1 in L1T2 and VP8 in L1T3: keyframes with their structures.
const L1T2_KEY: &[u8] = &[
    0x80, 0x00, 0x2f, 0x80, 0x01, 0x04, 0xea, 0xac, 0x85, 0x14, 0x50, 0x46, 0x04, 0x04, 0xfc, 0x02,
    0xcc,
];
const L1T3_KEY: &[u8] = &[
    0x80, 0x00, 0x94, 0x80, 0x02, 0x04, 0x4e, 0xaa, 0xaf, 0x28, 0x60, 0x41, 0x4d, 0x34, 0x53, 0x8a,
    0x09, 0x40, 0x40, 0xef, 0xc0, 0x86, 0xc0,
];

#[test]
fn descriptors_hold_under_mutation() {
    let pair = |first: &[u8], second: &[u8]| {
        let len = [first.len() as u8];
        [&len, first, second].concat()
    };
    let seeds = vec![
        pair(L1T2_KEY, &[0x83, 0x00, 0x30]),
        pair(
            L1T3_KEY,
            &[0x45, 0x00, 0x33, 0x57, 0x48, 0x40, 0x12, 0x34, 0x56],
        ),
        // No chains, and a frame of all things its own.
        pair(
            &[0x82, 0x00, 0x10, 0x80, 0x41, 0x1e, 0xac, 0x51, 0x40, 0x00],
            &[0x83, 0x00, 0x11, 0x7c, 0x5d, 0x12, 0x3f, 0xff, 0x00],
        ),
    ];
    sweep(&seeds, descriptor_body::check);
}

#[test]
fn layers_allocations_hold_under_mutation() {
    let seeds = vec![
        vec![0],
        vec![
            0x61, 0x90, 50, 75, 100, 0x80, 2, 0xac, 2, 0xdc, 0x0b, 0, 159, 0, 89, 15, 1, 63, 0,
            179, 30, 4, 255, 2, 207, 60,
        ],
        vec![0x20, 0x03, 0x40, 0x00, 10, 20, 30],
        [&[0xff][..], &[0xff; 4], &[0x7f; 64]].concat(),
    ];
    sweep(&seeds, layers_allocation_body::check);
}

#[test]
fn streams_of_frames_hold_under_mutation() {
    let packet = |step: u8, descriptor: &[u8], payload: &[u8]| {
        let mut descriptor = descriptor.to_vec();
        descriptor.resize(descriptor.len().next_multiple_of(2), 0);
        let lengths = (descriptor.len() as u8 / 2) << 3 | payload.len() as u8;
        [&[step << 2, lengths], &descriptor[..], payload].concat()
    };
    let seeds = vec![
        [
            packet(1, L1T2_KEY, &[0x88, 5, 0x82]),
            packet(1, &[0x83, 0, 0x30, 0], &[0xc8, 6, 0x86]),
            packet(3, L1T3_KEY, &[0x88, 5, 0x82]),
            packet(0xff, &[0x45, 0, 0x33, 0x50], &[0xc8, 6, 0x86]),
            packet(2, &[0x82, 0, 0x30, 0x48], &[0xc8, 6, 0x86]),
        ]
        .concat(),
        [
            packet(3, &[], &[0xae, 0x81, 2, 0x10, 3, 1]),
            packet(3, &[], &[0xfd, 0x81, 3, 0x50, 2, 0x87]),
            packet(3, &[], &[0xfd, 0x81, 4, 0x30, 4, 0x87]),
            packet(3, &[], &[0xec, 0x81, 5, 0x50, 7, 1]),
        ]
        .concat(),
    ];
    sweep(&seeds, frames_body::check);
}

#[test]
fn red_holds_under_mutation() {
    let redundant = [0xef, 0x0f, 0x00, 2, 0xef, 0x07, 0x80, 3, 111];
    let seeds = vec![
        [&redundant[..], b"ab", b"cde", b"own"].concat(),
        vec![111, 0x78, 1],
        [0x80; 4 * 16].to_vec(),
    ];
    sweep(&seeds, red_body::check);
}

#[test]
fn who_speaks_holds_under_any_sounds() {
    // Steps of five bytes: which sound and what with it, level, pause, step of the timestamp.
    let speech = |sound: u8, frames: usize, level: u8| {
        let voice = [30 + sound, level, 160, 3, 0xc0];
        voice.repeat(frames)
    };
    let quiet = [32, 70, 160, 3, 0xc0].repeat(10);
    let odd = [
        [0, 0, 0, 0, 0],
        [7, 1, 255, 0, 0],
        [12, 0, 80, 0, 0],
        [17, 0, 0, 0, 0],
        [22, 9, 160, 0xff, 0xff],
        [27, 9, 160, 0, 0],
    ];
    let mut seeds = vec![odd.concat()];
    for limit in 0..4 {
        let some = [
            vec![limit],
            speech(0, 16, 20),
            speech(1, 16, 12),
            quiet.clone(),
        ];
        seeds.push(some.concat());
    }
    // All bytes by all others takes long with seeds of this length: mutants only.
    mutants(&seeds, MUTANTS / 10, sounds_body::check);
    let mut generator = Generator(11);
    for _ in 0..300 {
        let steps = generator.below(2000);
        let noise: Vec<u8> = (0..steps).map(|_| generator.next() as u8).collect();
        sounds_body::check(&noise);
    }
}

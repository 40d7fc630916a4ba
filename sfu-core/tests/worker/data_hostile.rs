//! Bytes inside DTLS that nobody well-meaning sends: they cost their sender, and nobody else.

use sfu_core::config::{DATA_BURST, MAX_DATA_CHANNELS};
use sfu_core::drop_reason::DropReason;
use sfu_core::media::codec::MediaKind;

use crate::client::MS;
use crate::data_client::{BINARY, DataClient, heard, opened, tell};
use crate::meeting::{Meeting, video, vp8};

fn drops(meeting: &Meeting, reason: DropReason) -> u64 {
    meeting.worker.stats().drops.get(reason)
}

/// SplitMix64: the same bytes in every run.
struct Generator(u64);

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ z >> 31) % bound.max(1) as u64).unwrap()
    }
}

/// Gives a packet the checksum that belongs to it (RFC 9260 section 6.8).
fn with_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    if packet.len() >= 12 {
        packet[8..12].fill(0);
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&packet);
        packet[8..12].copy_from_slice(&crc.to_le_bytes());
    }
    packet
}

/// Ports and verification tag of a packet, in front of other chunks.
fn packet(like: &[u8], chunks: &[u8]) -> Vec<u8> {
    with_checksum([&like[..8], &[0; 4], chunks].concat())
}

#[test]
fn more_channels_than_allowed_and_endless_labels_are_refused() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::connected(&mut meeting);
    client.open(&mut meeting, 200, (0, 0), &"x".repeat(33));
    for stream in 0..100 {
        client.open(&mut meeting, stream, (0, 0), &format!("channel {stream}"));
    }
    // A stream that has a channel already.
    client.open(&mut meeting, 3, (0, 0), "again");
    assert_eq!(opened(&meeting).len(), MAX_DATA_CHANNELS);
    let refused = 1 + 100 - MAX_DATA_CHANNELS as u64 + 1;
    assert_eq!(drops(&meeting, DropReason::DataChannelRefused), refused);
    // RFC 8832 section 6: what is refused is closed.
    assert!(client.reset.contains(&200) && client.reset.contains(&99));
    assert!(!client.reset.contains(&3));
    client.send(&mut meeting, 3, BINARY, b"still open");
    assert_eq!(heard(&meeting).len(), 1);
}

#[test]
fn a_flood_is_cut_to_its_rate() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::talking(&mut meeting, "chat");
    let like = client.sent.last().unwrap().clone();
    meeting.pass(2000 * MS);
    // A HEARTBEAT (RFC 9260 section 3.3.5) asks for an answer.
    let heartbeat = packet(&like, &[4, 0, 0, 12, 0, 1, 0, 8, 1, 2, 3, 4]);
    for _ in 0..4 * DATA_BURST {
        meeting.clients[client.client].send_sctp(&heartbeat);
    }
    meeting.drain();
    let over = drops(&meeting, DropReason::DataRateExceeded);
    assert_eq!(over, u64::from(3 * DATA_BURST));
    meeting.pass(2000 * MS);
    assert!(meeting.clients[client.client].sctp.len() <= DATA_BURST as usize + 10);
    client.settle(&mut meeting);
    client.send(&mut meeting, 1, BINARY, b"later");
    assert_eq!(heard(&meeting).len(), 1);
}

#[test]
fn crowds_of_chunks_are_not_answered() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::talking(&mut meeting, "chat");
    let like = client.sent.last().unwrap().clone();
    meeting.clients[client.client].sctp.clear();
    // Chunks that ask to be reported (RFC 9260 section 3.2), 250 of them.
    let crowd = packet(&like, &[0xc5, 0, 0, 4].repeat(250));
    meeting.clients[client.client].send_sctp(&crowd);
    meeting.drain();
    assert_eq!(meeting.clients[client.client].sctp.len(), 0);
    assert_eq!(drops(&meeting, DropReason::DataMalformed), 1);
    client.settle(&mut meeting);
}

#[test]
fn altered_sctp_leaves_the_media_of_all_alone() {
    let mut meeting = Meeting::new();
    let mut other = DataClient::talking(&mut meeting, "chat");
    let viewer = meeting.viewer(1, MediaKind::Video);
    // It publishes, too, and its own media goes on as the others' does.
    let mut hostile = DataClient::talking(&mut meeting, "chat");
    let camera = hostile.client;
    meeting.announce(camera, 1, MediaKind::Video, "cid");
    let section = meeting.clients[camera].section(MediaKind::Video, Some("cid"), &[]);
    meeting.offer(camera);
    let mid = section.to_string();
    meeting.subscribe(viewer, 1);
    meeting.offer(viewer);
    hostile.send(&mut meeting, 1, BINARY, &[7; 5000]);
    tell(&mut meeting, &[camera], "chat", &[7; 5000]);
    hostile.settle(&mut meeting);

    let mut generator = Generator(7);
    let mut frames = 0;
    for round in 0..12 {
        // A new association each round: the last one may have been talked out of existence.
        hostile.restart();
        hostile.settle(&mut meeting);
        hostile.open(&mut meeting, 1, (0, 0), "chat");
        hostile.open(&mut meeting, 2, (0x81, 0), "lossy");
        hostile.send(&mut meeting, 1, BINARY, &vec![7; 3000]);
        tell(&mut meeting, &[camera], "chat", &[7; 5000]);
        let ends = [dcsctp::api::StreamId(2)];
        hostile.sctp.reset_streams(&ends).unwrap();
        hostile.settle(&mut meeting);
        let mut seeds: Vec<_> = hostile.sent.iter().rev().take(40).cloned().collect();
        let data = seeds.iter().find(|seed| seed[12] == 0).unwrap().clone();
        // FORWARD-TSN (RFC 3758 section 3.2) from where the data is, with a skipped stream.
        let skips = [&[192, 0, 0, 12][..], &data[16..20], &[0, 1, 0, 9]].concat();
        seeds.push(packet(&data, &skips));
        let tag = seeds[0][4..8].to_vec();
        for _ in 0..400 {
            let mut packet = seeds[generator.below(seeds.len())].clone();
            packet[4..8].copy_from_slice(&tag);
            for _ in 0..=generator.below(3) {
                let at = 12 + generator.below(packet.len() - 12);
                let edges = [0, 1, 0x7f, 0x80, 0xff, generator.below(256) as u8];
                packet[at] = edges[generator.below(edges.len())];
            }
            if generator.below(8) == 0 {
                packet.truncate(12 + generator.below(packet.len() - 12));
            }
            meeting.clients[camera].send_sctp(&with_checksum(packet));
            meeting.drain();
        }
        meeting.clients[camera].sctp.clear();
        let payload = vp8(frames == 0, frames as u16);
        let mut frame = video(frames, &payload);
        frame.mid = &mid;
        meeting.send(camera, &frame);
        frames += 1;
        assert_eq!(
            meeting.clients[viewer].rtp.len() as u64,
            frames,
            "round {round}"
        );
        tell(&mut meeting, &[other.client], "chat", &[round]);
        other.settle(&mut meeting);
        assert_eq!(other.got().last(), Some(&(1, BINARY, vec![round])));
        meeting.pass(1000 * MS);
    }
    assert_eq!(meeting.worker.stats().rooms_failed, 0);
    let failed = drops(&meeting, DropReason::DataFailed);
    assert_eq!(failed, 0, "no panic of the library had to be contained");
    assert!(drops(&meeting, DropReason::DataMalformed) > 100);
}

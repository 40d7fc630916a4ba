//! Recorded sound reaches its subscribers whole: Opus with its silences, and redundant, which those
//! get without redundancy that did not agree on it.

use sfu_core::id::PayloadType;
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::format::{FormatParameters, PayloadMapping};

use crate::client::{Got, MS, OPUS, Packet, format};
use crate::meeting::Meeting;
use crate::recording::{self, Recording, Stream};

const RED: u8 = 63;

fn formats(red: bool) -> Vec<PayloadMapping> {
    let blocks = PayloadType(OPUS);
    let redundant = PayloadMapping {
        parameters: FormatParameters::Red { blocks },
        ..format(Codec::OpusRed, RED)
    };
    let all = [redundant, format(Codec::Opus, OPUS)];
    all[usize::from(!red)..].to_vec()
}

/// What two subscribers get of a recording: one that agrees on redundancy, and one that does not.
fn played(recording: &Recording) -> [Vec<Got>; 2] {
    let mut meeting = Meeting::new();
    let publisher = meeting.join();
    meeting.announce(publisher, 1, MediaKind::Audio, "cid");
    meeting.clients[publisher].section(MediaKind::Audio, Some("cid"), &[]);
    meeting.clients[publisher].sections[0].payloads = formats(true).into_iter().collect();
    meeting.connect(publisher);
    let viewers = [true, false].map(|red| {
        let client = meeting.join();
        meeting.clients[client].section(MediaKind::Audio, None, &[]);
        meeting.clients[client].sections[0].payloads = formats(red).into_iter().collect();
        meeting.subscribe(client, 1);
        meeting.connect(client);
        client
    });
    let packets: Vec<_> = recording.streams.iter().flat_map(Stream::packets).collect();
    let mut last = packets[0].rtp.timestamp;
    for (packet, sequence) in packets.iter().zip(1000..) {
        meeting.pass((packet.rtp.timestamp - last) / 48 * MS);
        last = packet.rtp.timestamp;
        let packet = Packet {
            ssrc: 0x2000,
            sequence,
            payload_type: packet.rtp.payload_type,
            timestamp: last,
            mid: "0",
            rid: None,
            level: Some(20),
            payload: &packet.payload,
        };
        meeting.send(publisher, &packet);
    }
    meeting.pass(100 * MS);
    viewers.map(|client| std::mem::take(&mut meeting.clients[client].rtp))
}

/// All arrived, in order, as far apart in time as they were sent.
fn check_numbers(recording: &Recording, got: &[Got]) {
    let packets: Vec<_> = recording.streams.iter().flat_map(Stream::packets).collect();
    assert_eq!(got.len(), packets.len());
    for (pair, sent) in got.windows(2).zip(packets.windows(2)) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(
            pair[1].timestamp.wrapping_sub(pair[0].timestamp),
            sent[1].rtp.timestamp.wrapping_sub(sent[0].rtp.timestamp)
        );
    }
}

#[test]
fn sound_comes_as_it_was_sent_with_its_silences() {
    for name in ["opus", "opus_dtx"] {
        let recording = recording::load(name);
        for got in played(&recording) {
            check_numbers(&recording, &got);
            for (got, sent) in got.iter().zip(recording.streams[0].packets()) {
                assert_eq!((got.payload_type, &got.payload), (OPUS, &sent.payload));
            }
        }
    }
    let silent = recording::load("opus_dtx");
    let times: Vec<u32> = silent.streams[0]
        .packets()
        .map(|packet| packet.rtp.timestamp)
        .collect();
    assert!(
        times.windows(2).any(|pair| pair[1] - pair[0] > 960),
        "silence is left out"
    );
}

/// RFC 2198 section 3: headers of four bytes for the blocks before, of one for the primary's.
fn primary(payload: &[u8]) -> &[u8] {
    let (mut at, mut before) = (0, 0);
    while payload[at] & 0x80 != 0 {
        before += usize::from(payload[at + 2] & 0x03) << 8 | usize::from(payload[at + 3]);
        at += 4;
    }
    &payload[at + 1 + before..]
}

#[test]
fn redundant_sound_is_passed_on_or_stripped() {
    let recording = recording::load("opus_red");
    let [passed, stripped] = played(&recording);
    check_numbers(&recording, &passed);
    check_numbers(&recording, &stripped);
    let sent: Vec<_> = recording.streams[0].packets().collect();
    let redundant = sent.iter().filter(|packet| packet.payload[0] & 0x80 != 0);
    assert!(redundant.count() > 100);
    for (at, sent) in sent.iter().enumerate() {
        assert_eq!(
            (passed[at].payload_type, &passed[at].payload),
            (RED, &sent.payload)
        );
        assert_eq!(stripped[at].payload_type, OPUS);
        assert_eq!(stripped[at].payload, primary(&sent.payload), "packet {at}");
    }
}

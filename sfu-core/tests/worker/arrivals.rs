//! What a publisher is told of when its packets arrived.

use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::{self, RtcpItem};

use crate::client::{Client, MS, TRANSPORT_CC};
use crate::meeting::{Meeting, audio};

/// The numbers that a publisher was told of, each with its time after the one before in 250 us.
fn told(client: &Client) -> Vec<(u16, Option<i32>)> {
    let mut told = Vec::new();
    for (_, compound) in &client.rtcp {
        rtcp::read(compound, |item| {
            if let RtcpItem::TransportFeedback(feedback) = item {
                let arrivals = feedback.arrivals();
                told.extend(arrivals.map(|one| (one.sequence, one.delta)));
            }
        })
        .unwrap();
    }
    told
}

fn number(client: &mut Client, number: u16) {
    client.more_extensions = vec![(TRANSPORT_CC, number.to_be_bytes().to_vec())];
}

#[test]
fn a_probe_is_told_of_before_its_stream_is_known() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    // Padding alone, on an SSRC that no line names, and without a name: Chromium's first probes.
    for count in 0..3_u16 {
        let mut bytes = vec![0xb0, 97];
        bytes.extend((500 + count).to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(0x7777_u32.to_be_bytes());
        bytes.extend([0xbe, 0xde, 0, 1, TRANSPORT_CC << 4 | 1, 0, count as u8, 0]);
        let header = bytes.len();
        bytes.extend([&[0; 199][..], &[200]].concat());
        let client = &mut meeting.clients[publisher];
        let sealed = client.seal_written(u64::from(500 + count), bytes, header);
        client.outbox.push(sealed);
    }
    meeting.drain();
    meeting.pass(60 * MS);
    let numbers: Vec<_> = told(&meeting.clients[publisher])
        .into_iter()
        .map(|(number, delta)| (number, delta.is_some()))
        .collect();
    assert_eq!(numbers, [(0, true), (1, true), (2, true)]);
}

#[test]
fn what_waits_for_its_reader_has_arrived_before() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    meeting.pass(100 * MS);
    // What came apart is read at once.
    for (count, before) in [(0_u16, 30), (1, 20), (2, 0)] {
        let client = &mut meeting.clients[publisher];
        number(client, count);
        let packet = audio(count.into());
        let (mut datagram, path) = (client.seal(&packet), client.path);
        let arrived = meeting.now - before * MS;
        meeting
            .worker
            .handle_arrived(meeting.now, arrived, path, &mut datagram);
    }
    meeting.pass(60 * MS);
    let told = told(&meeting.clients[publisher]);
    let [_, second, third] = told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((second, third), ((1, Some(40)), (2, Some(80))));
}

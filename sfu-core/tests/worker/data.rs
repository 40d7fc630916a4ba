//! Data channels from both ends.

use sfu_core::config::{MAX_DATA_PACKETS_PER_MS, MAX_DATA_QUEUED};
use sfu_core::drop_reason::DropReason;
use sfu_core::event::Event;
use sfu_core::media::codec::MediaKind;

use crate::client::MS;
use crate::data_client::{BINARY, DCEP, DataClient, STRING, heard, opened, tell};
use crate::meeting::{Meeting, video, vp8};

fn drops(meeting: &Meeting, reason: DropReason) -> u64 {
    meeting.worker.stats().drops.get(reason)
}

#[test]
fn whoever_opens_the_association_it_comes_up() {
    let mut meeting = Meeting::new();
    let mut waits = DataClient::join(&mut meeting);
    waits.settle(&mut meeting);
    waits.open(&mut meeting, 0, (0, 0), "waits");
    let mut opens = DataClient::connected(&mut meeting);
    opens.open(&mut meeting, 1, (0, 0), "opens");
    // Its first INIT is lost, and comes again.
    let mut late = DataClient::join(&mut meeting);
    meeting.clients[late.client].sctp.clear();
    meeting.pass(5000 * MS);
    late.settle(&mut meeting);
    late.open(&mut meeting, 2, (0, 0), "late");
    assert_eq!(opened(&meeting), ["waits", "opens", "late"]);
    // DATA_CHANNEL_ACK (RFC 8832 section 5.2), on the channel's own stream.
    assert_eq!(waits.got(), [(0, DCEP, vec![2])]);
    assert_eq!(opens.got(), [(1, DCEP, vec![2])]);
}

#[test]
fn messages_of_every_kind_go_both_ways() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::talking(&mut meeting, "chat");
    client.got();
    client.send(&mut meeting, 1, STRING, b"text");
    client.send(&mut meeting, 1, BINARY, &[0, 1, 2]);
    // An empty message is a byte that stands for it (RFC 8831 section 6.6).
    client.send(&mut meeting, 1, 56, &[0]);
    client.send(&mut meeting, 1, 57, &[0]);
    let expected = [&b"text"[..], &[0, 1, 2], &[], &[]];
    let expected = expected.map(|bytes| (client.client, "chat".to_owned(), bytes.to_vec()));
    assert_eq!(heard(&meeting), expected);
    // The partial messages of an old draft.
    client.send(&mut meeting, 1, 54, &[1]);
    assert_eq!(heard(&meeting).len(), 4);
    assert_eq!(drops(&meeting, DropReason::DataMalformed), 1);

    let to = [client.client];
    tell(&mut meeting, &to, "chat", b"hello");
    tell(&mut meeting, &to, "chat", b"");
    client.settle(&mut meeting);
    let got = [(1, BINARY, b"hello".to_vec()), (1, 57, vec![0])];
    assert_eq!(client.got(), got);
}

#[test]
fn messages_without_a_channel_are_counted() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::talking(&mut meeting, "chat");
    client.got();
    client.send(&mut meeting, 7, BINARY, b"never opened");
    assert_eq!(drops(&meeting, DropReason::DataChannelUnknown), 1);
    let without_data = meeting.viewer(9, MediaKind::Video);
    tell(&mut meeting, &[client.client], "other", b"x");
    tell(&mut meeting, &[without_data, 99], "chat", b"x");
    client.settle(&mut meeting);
    assert_eq!(drops(&meeting, DropReason::DataChannelUnknown), 3);
    assert_eq!(client.got(), []);
    assert_eq!(heard(&meeting), []);
}

#[test]
fn a_message_larger_than_its_reader_takes_is_not_sent() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::join_taking(&mut meeting, 1200);
    client.sctp.connect();
    client.settle(&mut meeting);
    client.open(&mut meeting, 1, (0, 0), "chat");
    client.got();
    for len in [1200, 1201] {
        tell(&mut meeting, &[client.client], "chat", &vec![7; len]);
    }
    client.settle(&mut meeting);
    assert_eq!(client.got(), [(1, BINARY, vec![7; 1200])]);
    assert_eq!(drops(&meeting, DropReason::DataTooLarge), 1);
}

#[test]
fn a_closed_channel_is_closed_by_both_and_can_be_opened_again() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::talking(&mut meeting, "chat");
    client.send(&mut meeting, 1, STRING, b"one");
    client
        .sctp
        .reset_streams(&[dcsctp::api::StreamId(1)])
        .unwrap();
    client.settle(&mut meeting);
    // RFC 8831 section 6.7.
    assert_eq!(client.reset, [1]);
    tell(&mut meeting, &[client.client], "chat", b"nobody");
    assert_eq!(drops(&meeting, DropReason::DataChannelUnknown), 1);
    client.open(&mut meeting, 1, (0, 0), "chat");
    client.send(&mut meeting, 1, STRING, b"two");
    client.got();
    tell(&mut meeting, &[client.client], "chat", b"again");
    client.settle(&mut meeting);
    assert_eq!(opened(&meeting), ["chat", "chat"]);
    assert_eq!(client.got(), [(1, BINARY, b"again".to_vec())]);
    let texts: Vec<_> = heard(&meeting)
        .into_iter()
        .map(|(.., bytes)| bytes)
        .collect();
    assert_eq!(texts, [b"one", b"two"]);
}

#[test]
fn an_association_that_ends_or_begins_anew_takes_its_channels_with_it() {
    for says_goodbye in [true, false] {
        let mut meeting = Meeting::new();
        let mut client = DataClient::talking(&mut meeting, "chat");
        if says_goodbye {
            client.sctp.close();
            client.settle(&mut meeting);
            tell(&mut meeting, &[client.client], "chat", b"nobody");
            assert_eq!(drops(&meeting, DropReason::DataChannelUnknown), 1);
        }
        client.restart();
        client.settle(&mut meeting);
        client.got();
        tell(&mut meeting, &[client.client], "chat", b"nobody");
        client.settle(&mut meeting);
        assert_eq!(client.got(), [], "{says_goodbye}");
        client.open(&mut meeting, 4, (0, 0), "chat");
        tell(&mut meeting, &[client.client], "chat", b"somebody");
        client.settle(&mut meeting);
        let somebody = (4, BINARY, b"somebody".to_vec());
        assert_eq!(client.got().last(), Some(&somebody), "{says_goodbye}");
    }
}

#[test]
fn a_section_that_comes_later_or_stops_is_followed() {
    let mut meeting = Meeting::new();
    let client = meeting.viewer(9, MediaKind::Audio);
    meeting.clients[client].data_section(65_536);
    meeting.offer(client);
    meeting.pass(10 * MS);
    // The engine opens its association at once.
    assert!(!meeting.clients[client].sctp.is_empty());
    meeting.clients[client].sctp.clear();
    meeting.clients[client].sections[1].stopped = true;
    meeting.offer(client);
    meeting.pass(5000 * MS);
    assert!(meeting.clients[client].sctp.is_empty());
    assert!(last_answer(&meeting).contains("m=application 0 "));
}

fn last_answer(meeting: &Meeting) -> &str {
    let mut latest = meeting.events.iter().rev();
    let answer = latest.find_map(|event| match event {
        Event::Answer { sdp, .. } => Some(sdp.as_str()),
        _ => None,
    });
    answer.unwrap()
}

#[test]
fn only_the_first_data_section_is_agreed_on() {
    let mut meeting = Meeting::new();
    let client = meeting.join();
    meeting.clients[client].data_section(65_536);
    meeting.clients[client].data_section(65_536);
    meeting.connect(client);
    let sdp = last_answer(&meeting);
    let lines: Vec<_> = sdp.lines().filter(|line| line.starts_with("m=")).collect();
    let expected = [
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn data_takes_turns_and_fits_every_path() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let mut clients: Vec<_> = (0..6)
        .map(|_| DataClient::talking(&mut meeting, "chat"))
        .collect();
    let all: Vec<_> = clients.iter().map(|client| client.client).collect();
    let viewer = meeting.viewer(1, MediaKind::Video);
    let before = meeting.worker.stats().datagrams_out;
    tell(&mut meeting, &all, "chat", &vec![7; 60_000]);
    let data = meeting.worker.stats().datagrams_out - before;
    assert_eq!(data, MAX_DATA_PACKETS_PER_MS as u64, "of 6 windows of 10");
    // Media leaves all the same.
    meeting.send(camera, &video(0, &vp8(true, 0)));
    assert_eq!(meeting.clients[viewer].rtp.len(), 1);
    for _ in 0..2000 {
        for client in &mut clients {
            client.carry(&mut meeting);
        }
        let before = meeting.worker.stats().datagrams_out;
        meeting.now += MS;
        meeting.worker.handle_timeout(meeting.now);
        meeting.drain();
        let sent = meeting.worker.stats().datagrams_out - before;
        assert!(sent <= MAX_DATA_PACKETS_PER_MS as u64 + 2, "{sent}");
    }
    for client in &mut clients {
        let whole = (1, BINARY, vec![7; 60_000]);
        assert!(client.got().contains(&whole), "client {}", client.client);
        let longest = meeting.clients[client.client].longest_dtls;
        assert!((1180..=1200).contains(&longest), "{longest}");
    }
}

#[test]
fn who_does_not_read_is_told_of_once_in_an_episode() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::talking(&mut meeting, "chat");
    let overflows = |meeting: &Meeting| {
        let overflow = |event: &&Event| matches!(event, Event::DataOverflow { .. });
        meeting.events.iter().filter(overflow).count()
    };
    let messages = MAX_DATA_QUEUED / 60_000 + 10;
    for episode in 1..=2 {
        for _ in 0..messages {
            tell(&mut meeting, &[client.client], "chat", &[7; 60_000]);
        }
        assert_eq!(overflows(&meeting), episode);
        for _ in 0..20 {
            client.settle(&mut meeting);
        }
    }
    let given_up = drops(&meeting, DropReason::DataQueueFull) as usize;
    assert!(given_up > 10, "{given_up}");
    let got = client
        .got()
        .iter()
        .filter(|(_, ppid, _)| *ppid == BINARY)
        .count();
    assert_eq!(got + given_up, 2 * messages);
}

#[test]
fn a_lossy_channel_keeps_nothing_for_long() {
    let mut meeting = Meeting::new();
    let mut client = DataClient::connected(&mut meeting);
    client.open(&mut meeting, 1, (0x81, 0), "lossy");
    client.got();
    for _ in 0..500 {
        tell(&mut meeting, &[client.client], "lossy", &[7; 1000]);
    }
    let full = drops(&meeting, DropReason::DataQueueFull);
    assert!((400..500).contains(&full), "{full}");
    for _ in 0..5 {
        client.settle(&mut meeting);
    }
    assert_eq!(client.got().len() as u64 + full, 500);
    tell(
        &mut meeting,
        &[client.client],
        "lossy",
        b"there is room again",
    );
    client.settle(&mut meeting);
    assert_eq!(client.got().len(), 1);
    let overflow = |event: &Event| matches!(event, Event::DataOverflow { .. });
    assert!(!meeting.events.iter().any(overflow), "nothing was promised");
}

use super::*;

const PEER: SctpParameters = SctpParameters {
    port: 5000,
    max_message_size: 65_536,
};

const TERMS: (bool, Reliability) = (true, Reliability::Reliable);

/// Ours, and the peer's association with reliable channels `a` on stream 1 and `b` on stream 2.
fn pair(now: Instant) -> (DataChannels, Association) {
    let mut ours = DataChannels::open(now, PEER, 1);
    let mut theirs = Association::open(now, PEER, 2);
    carry(now, &mut ours, &mut theirs);
    for (stream, label) in [(1, b'a'), (2, b'b')] {
        let open = vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, label];
        theirs
            .send(now, stream, dcep::PPID_DCEP, open, TERMS)
            .unwrap();
    }
    carry(now, &mut ours, &mut theirs);
    assert_eq!(ours.channels.len(), 2);
    (ours, theirs)
}

fn carry(now: Instant, ours: &mut DataChannels, theirs: &mut Association) {
    loop {
        let mut moved = false;
        while let Some(packet) = theirs.poll_packet() {
            ours.receive(now, &packet).unwrap();
            moved = true;
        }
        while let Some(packet) = ours.poll_packet(now) {
            theirs.receive(now, &packet).unwrap();
            moved = true;
        }
        if !moved {
            return;
        }
    }
}

fn label(text: &str) -> DataLabel {
    DataLabel::from(text).unwrap()
}

#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
fn base() -> Instant {
    Instant::now()
}

#[test]
fn what_waits_waits_where_it_is_shared() {
    let now = base();
    let (mut ours, _) = pair(now);
    let payload: Arc<[u8]> = vec![7; 10_000].into();
    for text in ["a", "a", "a", "a", "b", "b"] {
        ours.send(&label(text), &payload).unwrap();
    }
    // Nothing is acknowledged.
    while ours.poll_packet(now).is_some() {}
    let unsent = [1, 2].map(|stream| ours.association.unsent(stream));
    assert!(unsent.iter().all(|bytes| *bytes <= 10_000), "{unsent:?}");
    // One message of each channel is with the association, and a copy of its own.
    assert_eq!((ours.messages, ours.queued), (4, 40_000));
    assert_eq!(Arc::strong_count(&payload), 5);
    assert!(ours.has_something());
}

#[test]
fn channels_take_turns() {
    let now = base();
    let (mut ours, mut theirs) = pair(now);
    let large: Arc<[u8]> = vec![7; 10_000].into();
    for _ in 0..10 {
        ours.send(&label("a"), &large).unwrap();
    }
    ours.send(&label("b"), &Arc::from(&b"short"[..])).unwrap();
    carry(now, &mut ours, &mut theirs);
    let streams: Vec<_> = std::iter::from_fn(|| theirs.poll_fact())
        .filter_map(|fact| match fact {
            SctpFact::Message { stream, ppid, .. } => (ppid == dcep::PPID_BINARY).then_some(stream),
            _ => None,
        })
        .collect();
    assert_eq!(streams.len(), 11);
    let short = streams.iter().position(|stream| *stream == 2).unwrap();
    assert!(short <= 1, "behind {short} large ones");
    assert_eq!((ours.messages, ours.queued), (0, 0));
    assert!(!ours.has_something());
}

#[test]
fn what_waits_on_a_channel_goes_with_it() {
    let now = base();
    let (mut ours, mut theirs) = pair(now);
    let payload: Arc<[u8]> = vec![7; 10_000].into();
    for text in ["a", "a", "b", "b"] {
        ours.send(&label(text), &payload).unwrap();
    }
    theirs.reset(now, 2);
    while let Some(packet) = theirs.poll_packet() {
        ours.receive(now, &packet).unwrap();
    }
    assert_eq!((ours.messages, ours.queued), (2, 20_000));
    theirs.close(now);
    while let Some(packet) = theirs.poll_packet() {
        ours.receive(now, &packet).unwrap();
    }
    assert_eq!((ours.messages, ours.queued), (0, 0));
    assert_eq!(Arc::strong_count(&payload), 1);
}

#[test]
fn a_queue_of_tiny_messages_is_bounded_too() {
    let now = base();
    let (mut ours, _) = pair(now);
    let tiny: Arc<[u8]> = vec![7; 1].into();
    let refused =
        (0..2 * MAX_DATA_QUEUED_MESSAGES).filter(|_| ours.send(&label("a"), &tiny).is_err());
    assert_eq!(refused.count(), MAX_DATA_QUEUED_MESSAGES);
}

#[test]
fn an_overflow_of_tiny_messages_is_told_once_until_half_of_them_have_left() {
    let now = base();
    let (mut ours, mut theirs) = pair(now);
    while ours.poll_event().is_some() {}
    let tiny: Arc<[u8]> = vec![7; 1].into();
    let mut told = 0;
    for _ in 0..3 {
        while ours.send(&label("a"), &tiny).is_ok() {}
        let events = std::iter::from_fn(|| ours.poll_event());
        told += events
            .filter(|event| *event == DataEvent::Overflowed)
            .count();
        // Some of them leave, far from half.
        for _ in 0..10 {
            let packet = ours.poll_packet(now).unwrap();
            theirs.receive(now, &packet).unwrap();
        }
        assert!(ours.messages < MAX_DATA_QUEUED_MESSAGES);
        while let Some(packet) = theirs.poll_packet() {
            ours.receive(now, &packet).unwrap();
        }
    }
    assert_eq!(told, 1);
}

/// Whether an SCTP packet asks for the end of streams (RFC 6525 section 4.1).
fn asks_for_an_end(packet: &[u8]) -> bool {
    let mut rest = &packet[12..];
    while let [130, _, high, low, parameter @ ..] = rest {
        if parameter.starts_with(&[0, 13]) {
            return true;
        }
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    false
}

#[test]
fn a_peer_that_never_ends_our_half_of_a_channel_cannot_fill_our_queue() {
    let (mut now, mut refused) = (base(), 0);
    let (mut ours, mut theirs) = pair(now);
    for _ in 0..100 {
        now += std::time::Duration::from_millis(50);
        let open = vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'c'];
        theirs.send(now, 3, dcep::PPID_DCEP, open, TERMS).unwrap();
        for end in [false, true] {
            if end {
                theirs.reset(now, 3);
            }
            loop {
                while let Some(packet) = theirs.poll_packet() {
                    ours.receive(now, &packet).unwrap();
                }
                let Some(packet) = ours.poll_packet(now) else {
                    break;
                };
                if !asks_for_an_end(&packet) {
                    theirs.receive(now, &packet).unwrap();
                }
            }
        }
        let dropped = DataEvent::Dropped(DropReason::DataChannelRefused);
        let events = std::iter::from_fn(|| ours.poll_event());
        refused += events.filter(|event| *event == dropped).count();
    }
    let waiting = ours.association.unsent(3);
    assert!(waiting <= 1, "{waiting} answers wait for ever");
    assert!(refused > 90, "{refused}");
}

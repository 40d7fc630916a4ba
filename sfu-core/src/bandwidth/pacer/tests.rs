use super::*;
use crate::id::{PayloadType, Ssrc};
use crate::media::outbound::PayloadRewrite;
use crate::media::packet::{
    CarriedExtensions, PacketFacts, PacketPool, PacketRef, PayloadFacts, VideoFacts,
};

const MS: Duration = Duration::from_millis(1);

/// A millisecond for each 1000 bytes.
const RATE: Bitrate = Bitrate::from_bps(8_000_000);

const SIZE: u16 = 1000;

#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
fn base() -> Instant {
    Instant::now()
}

fn stored() -> PacketRef {
    let mut pool = PacketPool::new(1);
    let facts = PacketFacts {
        arrived: base(),
        sequence: 0,
        timestamp: 0,
        marker: false,
        payload_start: 0,
        payload_len: 0,
        payload_type: PayloadType(96),
        extensions: CarriedExtensions::default(),
        video: VideoFacts::default(),
        payload: PayloadFacts::default(),
    };
    pool.insert(0, facts, &[]).expect("room for one")
}

fn packet(sequence: u64) -> OutboundPacket {
    OutboundPacket {
        packet: stored(),
        ssrc: Ssrc(1),
        payload_type: PayloadType(96),
        sequence,
        timestamp: 0,
        marker: false,
        rewrite: PayloadRewrite::Unchanged,
        frame_number: None,
        active_targets: None,
        rtx_original: None,
    }
}

fn push(pacer: &mut Pacer, now: Instant, class: Class, sequence: u64) {
    let pushed = pacer.push(now, class, 0, packet(sequence), SIZE);
    pushed.expect("room for it");
}

/// Lets all leave that may leave at `now`: their numbers.
fn leave(pacer: &mut Pacer, now: Instant) -> Vec<u64> {
    let mut left = Vec::new();
    while let Some(queued) = pacer.front(now) {
        left.push(queued.packet.sequence);
        pacer.pop(now, SIZE);
    }
    left
}

fn pacer(now: Instant) -> Pacer {
    let mut pacer = Pacer::default();
    pacer.set_rate(now, RATE, RATE);
    pacer
}

#[test]
fn a_small_burst_leaves_at_once_and_a_keyframe_is_spread() {
    let start = base();
    let mut pacer = pacer(start);
    for sequence in 0..3 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    assert_eq!(leave(&mut pacer, start), [0, 1, 2]);
    assert_eq!(pacer.next(start), None, "nothing waits: no wake-up");
    let start = start + 33 * MS;
    for sequence in 0..60 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    let mut now = start;
    let mut bursts = Vec::new();
    while let Some(at) = pacer.next(now) {
        now = at;
        bursts.push(leave(&mut pacer, now).len());
    }
    assert_eq!(bursts.iter().sum::<usize>(), 60);
    assert!(bursts.iter().all(|packets| *packets <= 11), "{bursts:?}");
    let took = now - start;
    assert!((45 * MS..60 * MS).contains(&took), "{took:?}");
    assert_eq!(pacer.report().longest_wait, took);
    assert_eq!(pacer.report(), PacerReport::default(), "told once");
}

#[test]
fn what_waits_for_too_long_leaves_faster_than_it_may() {
    let start = base();
    let mut pacer = pacer(start);
    // 300 ms of the rate.
    for sequence in 0..300 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    assert_eq!(pacer.excess(), Bitrate::default(), "that leaves in time");
    for sequence in 300..450 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    let half = pacer.excess().bps();
    assert!((RATE.bps() / 2).abs_diff(half) < 10_000, "{half}");
    let mut now = start;
    while let Some(at) = pacer.next(now).filter(|at| *at <= start + 200 * MS) {
        now = at;
        leave(&mut pacer, now);
    }
    assert_eq!(pacer.excess(), Bitrate::default(), "enough has left");
}

#[test]
fn a_long_burst_slows_down_to_what_lasts() {
    let start = base();
    let mut pacer = Pacer::default();
    let fast = Bitrate::from_bps(RATE.bps() * 4);
    pacer.set_rate(start, fast, RATE);
    for sequence in 0..120 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    let mut left = Vec::new();
    let mut now = start;
    while let Some(at) = pacer.next(now) {
        now = at;
        left.extend(leave(&mut pacer, now).iter().map(|_| now - start));
    }
    let by = |span: Duration| left.iter().filter(|at| **at <= span).count();
    // Until as much has left as is to wait in the network: 4 each ms, of which 1 each ms goes on.
    assert!((22..=34).contains(&by(10 * MS)), "{}", by(10 * MS));
    assert!((42..=54).contains(&by(30 * MS)), "{}", by(30 * MS));
    let took = now - start;
    assert!((94 * MS..105 * MS).contains(&took), "{took:?}");
}

#[test]
fn a_picture_leaves_at_once_while_there_is_room_and_a_keyframe_does_not() {
    let start = base();
    let mut pacer = pacer(start);
    pacer.set_room(true);
    // As much as the rate carries until the next picture.
    for sequence in 0..33 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    assert_eq!(leave(&mut pacer, start).len(), 33);
    let now = start + 33 * MS;
    for sequence in 0..120 {
        push(&mut pacer, now, Class::Video, sequence);
    }
    assert_eq!(leave(&mut pacer, now).len(), 34);
    pacer.set_room(false);
    assert_eq!(leave(&mut pacer, now + 10 * MS).len(), 0, "24 ms are owed");
    let later = leave(&mut pacer, now + 34 * MS).len();
    assert_eq!(later, 11, "no more than a burst");
}

#[test]
fn sound_never_waits_and_counts() {
    let start = base();
    let mut pacer = pacer(start);
    for sequence in 0..20 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    let first = leave(&mut pacer, start).len();
    let closed = pacer.opens(start).expect("spent");
    push(&mut pacer, start + MS, Class::Audio, 100);
    assert_eq!(pacer.next(start + MS), Some(start + MS));
    assert_eq!(leave(&mut pacer, start + MS), [100]);
    assert_eq!(pacer.opens(start + MS), Some(closed + MS), "it counts");
    assert!(first < 20);
}

#[test]
fn repairs_go_before_pictures_and_padding_last_and_each_in_its_order() {
    let now = base();
    let mut pacer = Pacer::default();
    push(&mut pacer, now, Class::Padding, 30);
    push(&mut pacer, now, Class::Video, 20);
    push(&mut pacer, now, Class::Repair, 10);
    push(&mut pacer, now, Class::Video, 21);
    push(&mut pacer, now, Class::Audio, 0);
    push(&mut pacer, now, Class::Repair, 11);
    assert_eq!(leave(&mut pacer, now), [0, 10, 11, 20, 21, 30]);
}

#[test]
fn nothing_waits_for_much_longer_than_is_allowed() {
    let start = base();
    let mut pacer = Pacer::default();
    let rate = Bitrate::from_bps(300_000);
    pacer.set_rate(start, rate, rate);
    // Ten times as much as leaves by the rate, for ten seconds.
    let mut now = start;
    for ms in 0..10_000_u64 {
        now = start + Duration::from_millis(ms);
        if ms.is_multiple_of(8) {
            push(&mut pacer, now, Class::Video, ms);
        }
        leave(&mut pacer, now);
    }
    let longest = pacer.report().longest_wait;
    assert!(longest > MAX_WAIT / 2, "{longest:?}");
    assert!(longest < MAX_WAIT * 3 / 2, "{longest:?}");
    while let Some(at) = pacer.next(now) {
        now = at;
        leave(&mut pacer, now);
    }
}

#[test]
fn the_queue_is_bounded_and_gives_back_what_it_held() {
    let now = base();
    let mut pacer = pacer(now);
    for sequence in 0..MAX_QUEUED as u64 {
        let class = [Class::Repair, Class::Video, Class::Padding][sequence as usize % 3];
        let egress = sequence as usize % 2;
        let pushed = pacer.push(now, class, egress, packet(sequence), SIZE);
        assert_eq!(pushed, Ok(()));
    }
    let refused = pacer.push(now, Class::Audio, 0, packet(0), SIZE);
    assert_eq!(refused, Err(DropReason::SendQueueFull));
    let mut given_up = 0;
    pacer.drain_egress(1, |_| given_up += 1);
    assert_eq!(given_up, MAX_QUEUED / 2);
    assert_eq!(pacer.report().bytes, MAX_QUEUED / 2 * usize::from(SIZE));
    assert_eq!(pacer.drain().count(), MAX_QUEUED / 2);
    assert!(pacer.is_empty());
    assert_eq!(pacer.next(now), None);
}

#[test]
fn a_probe_is_sent_at_its_rate_with_what_waits_and_with_filler() {
    let start = base();
    let mut pacer = pacer(start);
    let probe = Probe {
        id: ProbeId(7),
        rate: Bitrate::from_bps(80_000_000),
        bytes: 100_000,
        packets: 5,
    };
    for sequence in 0..40 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    pacer.start_probe(start, probe);
    let mut now = start;
    let mut sent = 0;
    while pacer.is_probing() {
        now = pacer.next(now).expect("a probe goes on");
        if pacer.filler_wanted(now) > 0 {
            push(&mut pacer, now, Class::Padding, 1000);
        }
        while pacer.is_probing() && pacer.front(now).is_some() {
            let left = pacer.pop(now, SIZE).expect("there is one");
            assert_eq!(left.probe, Some(probe.id));
            let class = if sent < 40 {
                Class::Video
            } else {
                Class::Padding
            };
            assert_eq!(left.class, class);
            sent += 1;
        }
    }
    assert_eq!(sent, 100);
    let took = now - start;
    assert!((9 * MS..11 * MS).contains(&took), "{took:?}");
    push(&mut pacer, now, Class::Video, 40);
    assert!(
        pacer.front(now).is_some(),
        "media does not wait for a probe"
    );
    assert_eq!(pacer.pop(now, SIZE).and_then(|left| left.probe), None);
}

#[test]
fn late_wake_ups_do_not_slow_a_probe_down() {
    let start = base();
    let mut pacer = pacer(start);
    let probe = Probe {
        id: ProbeId(2),
        rate: RATE,
        bytes: 60_000,
        packets: 5,
    };
    for sequence in 0..70 {
        push(&mut pacer, start, Class::Video, sequence);
    }
    pacer.start_probe(start, probe);
    let mut now = start;
    while pacer.is_probing() {
        while pacer.is_probing() && pacer.front(now).is_some() {
            pacer.pop(now, SIZE);
        }
        now += 15 * MS;
    }
    let took = now - 15 * MS - start;
    assert!((50 * MS..=65 * MS).contains(&took), "{took:?}");
}

#[test]
fn a_probe_that_stalls_is_given_up() {
    let start = base();
    let mut pacer = pacer(start);
    let probe = Probe {
        id: ProbeId(1),
        rate: RATE,
        bytes: 10_000,
        packets: 5,
    };
    pacer.start_probe(start, probe);
    let later = start + Duration::from_secs(2);
    push(&mut pacer, later, Class::Video, 1);
    leave(&mut pacer, later);
    assert!(!pacer.is_probing());
    pacer.start_probe(later, probe);
    pacer.give_up_probe();
    assert_eq!(pacer.next(later), None);
}

#![allow(clippy::disallowed_methods, reason = "a base for virtual time")]

mod formats;
mod hostile;
mod layers;
mod random;
mod repair;
mod reports;
mod seams;
mod svc;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::*;
use crate::id::Ssrc;
use crate::media::codec::Codec;
use crate::media::delivery::RedTreatment;
use crate::media::layer::Layers;
use crate::media::outbound::PayloadRewrite;
use crate::media::packet::{CarriedExtensions, FrameNumbers, PacketPool, PayloadFacts, VideoFacts};
use crate::media::source_clock::SourceClock;
use crate::wire::codec::picture_id::PictureId;

const MS: Duration = Duration::from_millis(1);

fn settings(codec: Codec) -> EgressSettings {
    EgressSettings {
        kind: codec.kind(),
        ssrc: Ssrc(1),
        rtx_ssrc: Some(Ssrc(2)),
        first_sequence: 0x7ffe,
        first_timestamp: u32::MAX - 1000,
        first_picture_id: 0x7ffe,
        first_tl0: 254,
        rtx_first_sequence: 0x7fff,
    }
}

/// A format that comes and goes under one payload type; its repairs have the next.
fn delivery(codec: Codec, number: u8) -> Delivery {
    Delivery {
        source: PayloadType(number),
        codec,
        payload_type: PayloadType(number),
        rtx: Some(PayloadType(number + 1)),
        red: RedTreatment::Kept,
    }
}

fn egress_of(codec: Codec) -> Egress {
    Egress::new(settings(codec), [delivery(codec, 96)].into_iter().collect())
}

fn video() -> Egress {
    let mut egress = egress_of(Codec::Vp8);
    egress.set_target(Some(Layers::all_of(0)));
    egress
}

/// Some packet of a pool: egress never looks inside.
fn any_packet() -> PacketRef {
    static PACKET: LazyLock<PacketRef> = LazyLock::new(|| {
        let facts = Source::new(0, 0, Instant::now()).next(false);
        PacketPool::new(1).insert(0, facts, b"x").unwrap()
    });
    *PACKET
}

/// One encoding that sends a frame of one packet every 40 ms, as facts.
#[derive(Clone)]
struct Source {
    start: Instant,
    frame: u64,
    first_sequence: u64,
    first_timestamp: u32,
    first_picture_id: u16,
    first_tl0: u8,
    wide: bool,
    /// Of a frame, on its media clock.
    ticks: u32,
    packets: u64,
}

impl Source {
    fn new(encoding: u8, first_sequence: u64, start: Instant) -> Self {
        let own = u32::from(encoding) + 1;
        Self {
            start,
            frame: 0,
            first_sequence,
            first_timestamp: own.wrapping_mul(0x5123_4567),
            first_picture_id: (own * 9_001) as u16 & 0x7fff,
            first_tl0: (own * 77) as u8,
            wide: true,
            ticks: 3600,
            packets: 0,
        }
    }

    /// When frame `frame` is captured, on this source's media clock.
    fn timestamp(&self, frame: u64) -> u32 {
        self.first_timestamp
            .wrapping_add((frame as u32).wrapping_mul(self.ticks))
    }

    /// The clock that this source's reports give, by a wall clock of 100 s at the start.
    fn clock(&self, arrived: Instant) -> SourceClock {
        let since = arrived - self.start;
        let ticks = since.as_millis() as u32 * 90;
        SourceClock {
            ntp: (100 << 32) + ((since.as_millis() as u64) << 32) / 1000,
            rtp: self.first_timestamp.wrapping_add(ticks),
            arrived,
        }
    }

    /// The next frame, in one packet.
    fn next(&mut self, keyframe: bool) -> PacketFacts {
        let facts = self.part(keyframe, true);
        self.frame += 1;
        facts
    }

    /// The next packet of the frame being sent; its first one says that it is a keyframe.
    fn part(&mut self, keyframe: bool, last: bool) -> PacketFacts {
        let mask = if self.wide { 0x7fff } else { 0x7f };
        let facts = PacketFacts {
            arrived: self.start + self.frame as u32 * 40 * MS,
            sequence: self.first_sequence + self.packets,
            timestamp: self.timestamp(self.frame),
            marker: last,
            payload_start: 12,
            payload_len: 1,
            payload_type: PayloadType(96),
            extensions: CarriedExtensions::default(),
            video: VideoFacts {
                frame_start: true,
                keyframe_start: keyframe,
                ..VideoFacts::default()
            },
            payload: PayloadFacts::Vp8(FrameNumbers {
                picture_id: Some(PictureId {
                    value: self.first_picture_id.wrapping_add(self.frame as u16) & mask,
                    wide: self.wide,
                }),
                tl0_picture_index: Some(self.first_tl0.wrapping_add(self.frame as u8)),
            }),
        };
        self.packets += 1;
        facts
    }
}

/// Forwards one packet at the time of its arrival, without a clock.
fn send(
    egress: &mut Egress,
    encoding: u8,
    facts: &PacketFacts,
) -> Result<OutboundPacket, DropReason> {
    egress.forward(
        facts.arrived,
        encoding,
        any_packet(),
        facts,
        SourceFacts::default(),
    )
}

#[test]
fn nothing_flows_without_a_target() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let mut egress = egress_of(Codec::Vp8);
    let inactive = Err(DropReason::SubscriptionInactive);
    assert_eq!(send(&mut egress, 0, &source.next(true)), inactive);
    assert_eq!(egress.wants_keyframe_of(), None);
    egress.set_target(Some(Layers::all_of(0)));
    assert_eq!(egress.wants_keyframe_of(), Some(0));
    egress.set_enabled(false);
    assert_eq!(egress.wants_keyframe_of(), None);
    assert_eq!(send(&mut egress, 0, &source.next(true)), inactive);
}

#[test]
fn video_starts_at_a_keyframe_with_the_settings_numbers_and_wraps_them_all() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let mut egress = video();
    let waiting = Err(DropReason::AwaitingKeyframe);
    assert_eq!(send(&mut egress, 0, &source.next(false)), waiting);
    assert_eq!(egress.current(), None);
    let first = send(&mut egress, 0, &source.next(true)).unwrap();
    assert_eq!(
        (egress.current(), egress.wants_keyframe_of()),
        (Some(0), None)
    );
    assert_eq!(first.sequence, 0x7ffe);
    assert_eq!(first.timestamp, u32::MAX - 1000);
    assert_eq!(
        (
            first.rewrite.numbers().picture_id,
            first.rewrite.numbers().tl0_picture_index
        ),
        (Some(0x7ffe), Some(254))
    );
    assert_eq!((first.ssrc, first.payload_type), (Ssrc(1), PayloadType(96)));
    assert_eq!(first.rtx_original, None);
    for step in 1..70_000u32 {
        let sent = send(&mut egress, 0, &source.next(false)).unwrap();
        assert_eq!(sent.sequence, 0x7ffe + u64::from(step));
        assert_eq!(sent.timestamp, first.timestamp.wrapping_add(step * 3600));
        assert_eq!(
            sent.rewrite.numbers().picture_id,
            Some((0x7ffe + step) as u16 & 0x7fff)
        );
        assert_eq!(
            sent.rewrite.numbers().tl0_picture_index,
            Some(254u8.wrapping_add(step as u8))
        );
    }
}

#[test]
fn a_start_ignores_the_top_bit_of_first_numbers() {
    let settings = EgressSettings {
        first_sequence: 0xffff,
        first_picture_id: 0xffff,
        ..settings(Codec::Vp8)
    };
    let mut egress = Egress::new(settings, [delivery(Codec::Vp8, 96)].into_iter().collect());
    egress.set_target(Some(Layers::all_of(0)));
    let facts = Source::new(0, 70_000, Instant::now()).next(true);
    let sent = send(&mut egress, 0, &facts).unwrap();
    assert_eq!(
        (sent.sequence, sent.rewrite.numbers().picture_id),
        (0x7fff, Some(0x7fff))
    );
}

#[test]
fn a_narrow_picture_id_stays_narrow_and_counts_on() {
    let start = Instant::now();
    let mut narrow = Source::new(0, 70_000, start);
    narrow.wide = false;
    let mut egress = video();
    let mut last = 0x7ffe & 0x7f;
    assert_eq!(
        send(&mut egress, 0, &narrow.next(true))
            .unwrap()
            .rewrite
            .numbers()
            .picture_id,
        Some(last)
    );
    for _ in 0..300 {
        last = (last + 1) & 0x7f;
        let sent = send(&mut egress, 0, &narrow.next(false)).unwrap();
        assert_eq!(sent.rewrite.numbers().picture_id, Some(last));
    }
    // On to an encoding with the other width, and back.
    let mut wide = Source::new(1, 70_000, start + 301 * 40 * MS);
    egress.set_target(Some(Layers::all_of(1)));
    let sent = send(&mut egress, 1, &wide.next(true)).unwrap();
    assert_eq!(sent.rewrite.numbers().picture_id, Some(last + 1));
    egress.set_target(Some(Layers::all_of(0)));
    let sent = send(&mut egress, 0, &narrow.next(true)).unwrap();
    assert_eq!(sent.rewrite.numbers().picture_id, Some((last + 2) & 0x7f));
}

#[test]
fn an_encoding_without_picture_ids_gets_none() {
    let mut facts = Source::new(0, 70_000, Instant::now()).next(true);
    facts.payload = PayloadFacts::Vp8(FrameNumbers::default());
    let sent = send(&mut video(), 0, &facts).unwrap();
    assert_eq!(sent.rewrite, PayloadRewrite::Unchanged);
}

#[test]
fn losses_and_reordering_stay_visible_and_nothing_is_sent_twice() {
    let start = Instant::now();
    let mut source = Source::new(0, (2 << 16) - 3, start);
    let frames: Vec<_> = (0..8).map(|frame| source.next(frame == 0)).collect();
    let mut egress = video();
    let mut sequences = Vec::new();
    for at in [0, 3, 1, 7, 5, 2] {
        let sent = send(&mut egress, 0, &frames[at]).unwrap();
        assert_eq!(
            sent.timestamp,
            (u32::MAX - 1000).wrapping_add(at as u32 * 3600)
        );
        sequences.push(sent.sequence - 0x7ffe);
    }
    assert_eq!(sequences, [0, 3, 1, 7, 5, 2]);
    for at in [0, 3, 1, 7, 5, 2] {
        let again = send(&mut egress, 0, &frames[at]);
        assert_eq!(again, Err(DropReason::Duplicate));
    }
    assert!(send(&mut egress, 0, &frames[6]).is_ok());
}

#[test]
fn a_number_too_old_to_know_is_not_given() {
    let mut source = Source::new(0, 70_000, Instant::now());
    let mut egress = video();
    let _ = send(&mut egress, 0, &source.next(true));
    let late = source.next(false);
    for _ in 0..511 {
        assert!(send(&mut egress, 0, &source.next(false)).is_ok());
    }
    let just_in_time = send(&mut egress.clone(), 0, &late);
    assert!(just_in_time.is_ok());
    assert!(send(&mut egress, 0, &source.next(false)).is_ok());
    assert_eq!(send(&mut egress, 0, &late), Err(DropReason::TooOld));
}

#[test]
fn audio_flows_at_once_and_keeps_the_marker() {
    let mut egress = egress_of(Codec::Opus);
    egress.set_target(Some(Layers::all_of(0)));
    assert_eq!(egress.wants_keyframe_of(), None);
    let start = Instant::now();
    for at in 0..100u32 {
        let facts = PacketFacts {
            arrived: start + at * 20 * MS,
            sequence: 65_536 + u64::from(at),
            timestamp: at * 960,
            marker: at % 10 == 0,
            payload_start: 12,
            payload_len: 80,
            payload_type: PayloadType(96),
            extensions: CarriedExtensions::default(),
            video: VideoFacts::default(),
            payload: PayloadFacts::Opaque,
        };
        let sent = send(&mut egress, 0, &facts).unwrap();
        assert_eq!(sent.sequence, 0x7ffe + u64::from(at));
        assert_eq!(sent.timestamp, (u32::MAX - 1000).wrapping_add(at * 960));
        assert_eq!(sent.marker, at % 10 == 0);
        assert_eq!(sent.rewrite, PayloadRewrite::Unchanged);
    }
}

#[test]
fn audio_goes_on_after_a_pause_without_a_gap_in_its_numbers() {
    let mut egress = egress_of(Codec::Opus);
    egress.set_target(Some(Layers::all_of(0)));
    let mut source = Source::new(0, 70_000, Instant::now());
    source.ticks = 1920;
    let before = send(&mut egress, 0, &source.next(false)).unwrap();
    egress.set_enabled(false);
    for _ in 0..100 {
        assert!(send(&mut egress, 0, &source.next(false)).is_err());
    }
    egress.set_enabled(true);
    let after = send(&mut egress, 0, &source.next(false)).unwrap();
    assert_eq!(after.sequence, before.sequence + 1);
    // The pause shows in the timestamps as it does in time: 101 times 40 ms.
    assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 101 * 1920);
}

#![allow(clippy::disallowed_methods, reason = "a base for virtual time")]

use super::*;
use crate::id::Ssrc;
use crate::media::codec::Codec;
use crate::media::format::FormatParameters;
use crate::media::format::PayloadMapping;
use crate::media::layer::Layer;
use crate::media::packet::{CarriedExtensions, FrameNumbers, PayloadFacts, VideoFacts};
use crate::wire::codec::picture_id::PictureId;

const MS: Duration = Duration::from_millis(1);

/// A VP8 payload with a wide picture id, TL0PICIDX and a temporal layer.
const KEYFRAME: [u8; 8] = [0x90, 0xe0, 0x92, 0x34, 0x56, 0x40, 0x50, 1];
const INTERFRAME: [u8; 8] = [0x90, 0xe0, 0x92, 0x34, 0x56, 0x40, 0x51, 1];
const REST: [u8; 3] = [0x00, 1, 2];

const PLAIN: CarriedExtensions = CarriedExtensions {
    audio_level: None,
    video_orientation: None,
    capture_time: None,
    playout_delay: None,
    descriptor: None,
};

/// A format under payload type 96 and up; its repairs have the next.
fn format(codec: Codec, number: u8) -> PayloadMapping {
    PayloadMapping {
        codec,
        parameters: FormatParameters::None,
        payload_type: PayloadType(number),
        rtx: Some(PayloadType(number + 1)),
        nack: true,
        pli: true,
        fir: true,
        transport_cc: true,
    }
}

fn of_formats(formats: &[PayloadMapping]) -> (Ingress, Instant) {
    let start = Instant::now();
    let settings = IngressSettings {
        formats: formats.iter().copied().collect(),
        payload_type: formats[0].payload_type,
        media_ssrc: Ssrc(7),
    };
    (Ingress::new(settings, start).unwrap(), start)
}

fn ingress(codec: Codec) -> (Ingress, Instant) {
    of_formats(&[format(codec, 96)])
}

fn header(sequence: u16) -> RtpHeader {
    let mut packet = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(sequence) * 3600).to_be_bytes());
    RtpHeader::parse(&packet).unwrap()
}

fn incoming(header: RtpHeader, payload: &[u8]) -> Incoming<'_> {
    Incoming {
        header,
        padding_len: 0,
        payload,
        extensions: PLAIN,
        descriptor: None,
        repaired: false,
    }
}

fn repair(header: RtpHeader, payload: &[u8]) -> Incoming<'_> {
    Incoming {
        repaired: true,
        ..incoming(header, payload)
    }
}

fn padded(header: RtpHeader, payload: &[u8], padding_len: u8) -> Incoming<'_> {
    Incoming {
        padding_len,
        ..incoming(header, payload)
    }
}

fn receive(
    ingress: &mut Ingress,
    now: Instant,
    sequence: u16,
    payload: &[u8],
) -> Result<PacketFacts, DropReason> {
    ingress.receive(now, &incoming(header(sequence), payload))
}

fn nacks(ingress: &mut Ingress, now: Instant) -> Vec<u16> {
    let mut out = ArrayVec::<u16, 64>::new();
    ingress.poll_nacks(now, &mut out);
    out.to_vec()
}

#[test]
fn a_packet_becomes_its_facts() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    let mut header = header(0xffff);
    header.marker = true;
    let carried = CarriedExtensions {
        audio_level: Some(0x85),
        ..PLAIN
    };
    let facts = ingress
        .receive(
            start,
            &Incoming {
                extensions: carried,
                ..padded(header, &KEYFRAME, 4)
            },
        )
        .unwrap();
    assert_eq!(facts.arrived, start);
    assert_eq!(facts.sequence & 0xffff, 0xffff);
    assert_eq!((facts.timestamp, facts.marker), (0xffff * 3600, true));
    assert_eq!((facts.payload_start, facts.payload_len), (12, 8));
    assert_eq!(facts.extensions, carried);
    assert_eq!(facts.payload_type, PayloadType(96));
    let video = VideoFacts {
        frame_start: true,
        frame_end: true,
        keyframe_start: true,
        layer: Layer {
            spatial: 0,
            temporal: 1,
        },
        ..VideoFacts::default()
    };
    assert_eq!(facts.video, video);
    let numbers = FrameNumbers {
        picture_id: Some(PictureId {
            value: 0x1234,
            wide: true,
        }),
        tl0_picture_index: Some(0x56),
    };
    assert_eq!(facts.payload, PayloadFacts::Vp8(numbers));
    let next = receive(&mut ingress, start, 0, &INTERFRAME).unwrap();
    assert_eq!(next.sequence, facts.sequence + 1);
    assert_eq!(
        (next.video.frame_start, next.video.keyframe_start),
        (true, false)
    );
    let rest = receive(&mut ingress, start, 1, &REST).unwrap();
    assert_eq!(rest.video, VideoFacts::default());
}

#[test]
fn audio_has_no_video_facts_and_any_payload() {
    let (mut ingress, start) = ingress(Codec::Opus);
    let facts = receive(&mut ingress, start, 5, &[0x90]).unwrap();
    assert_eq!(facts.video, VideoFacts::default());
}

#[test]
fn what_is_no_vp8_is_dropped_and_not_asked_for_again() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    receive(&mut ingress, start, 5, &KEYFRAME).unwrap();
    let malformed = Err(DropReason::CodecMalformed);
    assert!(
        matches!(receive(&mut ingress, start, 6, &[0x90, 0x80]), e if e.map(|_| ()) == malformed)
    );
    receive(&mut ingress, start, 7, &INTERFRAME).unwrap();
    assert_eq!(nacks(&mut ingress, start + 100 * MS), []);
}

#[test]
fn what_came_before_is_dropped_by_how_it_came() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    for sequence in 1..=600 {
        receive(&mut ingress, start, sequence, &INTERFRAME).unwrap();
    }
    let again = receive(&mut ingress, start, 600, &INTERFRAME);
    assert_eq!(again.unwrap_err(), DropReason::Duplicate);
    let repair = ingress.receive(start, &repair(header(600), &INTERFRAME));
    assert_eq!(repair.unwrap_err(), DropReason::RtxUseless);
    let old = receive(&mut ingress, start, 88, &INTERFRAME);
    assert_eq!(old.unwrap_err(), DropReason::TooOld);
}

#[test]
fn padding_is_counted_and_leaves_no_gap_behind_it() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    let first = receive(&mut ingress, start, 5, &KEYFRAME).unwrap();
    for sequence in [6, 7] {
        let padding = ingress.receive(start, &padded(header(sequence), &[], 200));
        assert_eq!(padding.unwrap_err(), DropReason::PaddingOnly);
    }
    let next = receive(&mut ingress, start, 8, &INTERFRAME).unwrap();
    assert_eq!(next.sequence, first.sequence + 1);
    let report = ingress.report(start).unwrap();
    assert_eq!((report.ssrc, report.extended_highest), (Ssrc(7), 8));
    assert_eq!((report.fraction_lost, report.cumulative_lost), (0, 0));
    assert_eq!(nacks(&mut ingress, start + 100 * MS), []);
}

#[test]
fn a_repair_fills_its_gap_and_stays_out_of_loss_and_jitter() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    // Each stamped 3600 ticks, 40 ms, after the one before.
    receive(&mut ingress, start, 0, &KEYFRAME).unwrap();
    let third = receive(&mut ingress, start + 80 * MS, 2, &INTERFRAME).unwrap();
    assert_eq!(nacks(&mut ingress, start + 85 * MS), [1]);
    let mut wrapped = vec![0x80, 97, 9, 9, 0, 0, 0x0e, 0x10, 0, 0, 0, 8, 0, 1];
    wrapped.extend(INTERFRAME);
    let rtx = RtpHeader::parse(&wrapped).unwrap();
    let media = (Ssrc(7), PayloadType(96));
    let (original, payload) = rtx::unwrap(&rtx, &wrapped[12..], media).unwrap();
    let now = start + 500 * MS;
    let facts = ingress.receive(now, &repair(original, payload)).unwrap();
    assert_eq!(facts.sequence, third.sequence - 1);
    assert_eq!(facts.timestamp, 3600);
    let stored = &wrapped[usize::from(facts.payload_start)..];
    assert_eq!(&stored[..usize::from(facts.payload_len)], INTERFRAME);
    assert_eq!(nacks(&mut ingress, now + 100 * MS), []);
    let report = ingress.report(now).unwrap();
    assert_eq!((report.cumulative_lost, report.jitter), (1, 0));
}

#[test]
fn what_is_lost_for_good_asks_for_a_keyframe_once_until_one_comes() {
    for (codec, wanted) in [(Codec::Vp8, true), (Codec::Opus, false)] {
        let (mut ingress, start) = ingress(codec);
        receive(&mut ingress, start, 0, &KEYFRAME).unwrap();
        receive(&mut ingress, start, 5000, &INTERFRAME).unwrap();
        assert_eq!(ingress.next_timeout(), wanted.then_some(start));
        assert_eq!(ingress.poll_keyframe(start), wanted);
        assert!(!ingress.poll_keyframe(start));
        receive(&mut ingress, start, 5001, &KEYFRAME).unwrap();
        assert_eq!(ingress.next_timeout(), None);
        // And a packet that no request brings back.
        receive(&mut ingress, start, 5003, &INTERFRAME).unwrap();
        let mut requests = 0;
        let mut asked = 0;
        for at in 0..2500 {
            asked += nacks(&mut ingress, start + at * MS).len();
            requests += u32::from(ingress.poll_keyframe(start + at * MS));
        }
        assert_eq!((asked, requests), (10, u32::from(wanted)));
    }
}

#[test]
fn what_is_lost_before_a_keyframe_that_came_asks_for_no_other() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    let first = receive(&mut ingress, start, 0, &KEYFRAME).unwrap().sequence;
    assert!(!ingress.is_before_keyframe(first));
    let second = receive(&mut ingress, start, 2, &KEYFRAME).unwrap().sequence;
    assert!(ingress.is_before_keyframe(first) && !ingress.is_before_keyframe(second));
    for at in 0..5000 {
        nacks(&mut ingress, start + at * MS);
        assert!(!ingress.poll_keyframe(start + at * MS));
    }
}

#[test]
fn what_is_missing_before_a_keyframe_is_asked_for_too() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    receive(&mut ingress, start, 0, &KEYFRAME).unwrap();
    receive(&mut ingress, start, 2, &INTERFRAME).unwrap();
    receive(&mut ingress, start, 4, &KEYFRAME).unwrap();
    receive(&mut ingress, start, 6, &INTERFRAME).unwrap();
    assert_eq!(nacks(&mut ingress, start + 100 * MS), [1, 3, 5]);
}

#[test]
fn a_stream_without_nack_asks_for_nothing() {
    let without = PayloadMapping {
        nack: false,
        ..format(Codec::Opus, 96)
    };
    let (mut ingress, start) = of_formats(&[without]);
    receive(&mut ingress, start, 1, &[1]).unwrap();
    receive(&mut ingress, start, 9, &[1]).unwrap();
    assert_eq!(ingress.next_timeout(), None);
    assert_eq!(nacks(&mut ingress, start + 100 * MS), []);
}

#[test]
fn requests_wait_for_each_other_and_end_with_the_keyframe() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    assert!(ingress.request_keyframe(start));
    assert!(!ingress.request_keyframe(start + MS));
    let retry = ingress.next_timeout().unwrap();
    assert!(ingress.poll_keyframe(retry));
    receive(&mut ingress, retry, 1, &KEYFRAME).unwrap();
    assert_eq!(ingress.next_timeout(), None);
    ingress.request_keyframe(retry + 2 * KEYFRAME_RETRY_INTERVAL);
    ingress.set_paused(true);
    assert_eq!(ingress.next_timeout(), None);
}

#[test]
fn the_bitrate_counts_headers_and_padding() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    for at in 0..2000u16 {
        let now = start + u32::from(at) * MS;
        // 12 + 8 + 105 bytes a millisecond.
        ingress
            .receive(now, &padded(header(at), &INTERFRAME, 105))
            .unwrap();
    }
    assert_eq!(ingress.bitrate(start + 2000 * MS).bps(), 1_000_000);
}

#[test]
fn the_publishers_clock_is_kept_unless_it_has_none() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    receive(&mut ingress, start, 1, &KEYFRAME).unwrap();
    assert_eq!(ingress.source_clock(), None);
    let sender = SenderInfo {
        ssrc: Ssrc(7),
        ntp: 0x1234_5678_9abc_def0,
        rtp_timestamp: 99,
        packets: 0,
        octets: 0,
    };
    ingress.on_sender_report(start, &sender);
    let clock = SourceClock {
        ntp: sender.ntp,
        rtp: 99,
        arrived: start,
    };
    assert_eq!(ingress.source_clock(), Some(&clock));
    let report = ingress.report(start + 1000 * MS).unwrap();
    assert_eq!(
        (report.last_sr, report.delay_since_last_sr),
        (0x5678_9abc, 65_536)
    );
    ingress.on_sender_report(start, &SenderInfo { ntp: 0, ..sender });
    assert_eq!(ingress.source_clock(), Some(&clock));
}

mod formats;

//! Recordings of what a participant's estimate is made of.

use sfu_core::bandwidth::recording::{Replay, replay};
use sfu_core::command::Command;
use sfu_core::event::{Event, RecordingEnd};
use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::{FeedbackHeader, transport_feedback};

use crate::client::{MS, Packet, TRANSPORT_CC};
use crate::meeting::{Meeting, participant, video, vp8};

fn record(meeting: &mut Meeting, client: usize, request: u64, most_bytes: usize) {
    meeting.command(Command::RecordAdaptation {
        participant: participant(client),
        request,
        most_bytes,
    });
}

fn stop(meeting: &mut Meeting, client: usize, request: u64) {
    meeting.command(Command::StopRecording {
        participant: participant(client),
        request,
    });
}

/// What came of a request's recording until now, and whether it is over.
fn file(meeting: &Meeting, wanted: u64) -> (Vec<u8>, Option<RecordingEnd>) {
    let mut file = (Vec::new(), None);
    for event in &meeting.events {
        if let Event::AdaptationRecorded {
            request,
            bytes,
            end,
            ..
        } = event
            && *request == wanted
        {
            assert_eq!(file.1, None, "nothing comes after the end");
            file.0.extend(bytes);
            file.1 = *end;
        }
    }
    file
}

fn again(meeting: &Meeting, file: &[u8]) -> Replay {
    replay(file, meeting.now, |_, _| {}).unwrap()
}

/// A viewer's feedback on what it got since `from`: all of it came `millis` after the beginning.
fn feed_back(meeting: &mut Meeting, viewer: usize, from: usize, millis: u32) {
    let got = meeting.clients[viewer].rtp[from..].iter();
    let numbers = got.filter_map(|got| got.extension(TRANSPORT_CC)?.try_into().ok());
    let numbers: Vec<_> = numbers.map(u16::from_be_bytes).collect();
    let Some(&base_sequence) = numbers.first() else {
        return;
    };
    let mut deltas = vec![Some(0); numbers.len()];
    deltas[0] = Some((millis % 64) as i32 * 4);
    let header = FeedbackHeader {
        sender: Ssrc(9),
        media: Ssrc(0),
        base_sequence,
        reference_time: millis / 64,
        feedback_count: 0,
    };
    meeting.clients[viewer].send_rtcp(|out| transport_feedback(out, header, &deltas));
    meeting.drain();
}

/// So many frames of a large picture, each told of by its viewer.
fn show(meeting: &mut Meeting, publisher: usize, viewer: usize, frames: std::ops::Range<u64>) {
    for n in frames {
        let mut payload = vp8(n == 0, n as u16);
        payload.resize(1000, 7);
        let from = meeting.clients[viewer].rtp.len();
        let packet = Packet {
            timestamp: n as u32 * 3000,
            ..video(n, &payload)
        };
        meeting.send(publisher, &packet);
        meeting.pass(33 * MS);
        feed_back(meeting, viewer, from, n as u32 * 33);
    }
}

#[test]
fn what_a_worker_records_comes_out_again_to_the_bit() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    show(&mut meeting, publisher, viewer, 0..30);
    record(&mut meeting, viewer, 7, usize::MAX);
    show(&mut meeting, publisher, viewer, 30..120);
    stop(&mut meeting, viewer, 8);
    assert_eq!(file(&meeting, 7).1, None, "another request's end");
    stop(&mut meeting, viewer, 7);
    let (bytes, end) = file(&meeting, 7);
    assert_eq!(end, Some(RecordingEnd::Asked));
    let replay = again(&meeting, &bytes);
    assert_eq!(replay.difference, None);
    // Each frame left, and was told of.
    assert!(replay.inputs >= 180 && replay.compared >= 90, "{replay:?}");
    show(&mut meeting, publisher, viewer, 120..130);
    assert_eq!(file(&meeting, 7).0, bytes, "it is over");
}

#[test]
fn one_recording_runs_at_a_time_and_none_is_longer_than_it_may_be() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    record(&mut meeting, viewer, 1, usize::MAX);
    show(&mut meeting, publisher, viewer, 0..10);
    record(&mut meeting, viewer, 2, 12_000);
    let (bytes, end) = file(&meeting, 1);
    assert_eq!(end, Some(RecordingEnd::Replaced));
    assert_eq!(again(&meeting, &bytes).difference, None);
    show(&mut meeting, publisher, viewer, 10..300);
    let (bytes, end) = file(&meeting, 2);
    assert_eq!(end, Some(RecordingEnd::Full));
    assert!((12_000..12_200).contains(&bytes.len()), "{}", bytes.len());
    assert_eq!(again(&meeting, &bytes).difference, None);
}

#[test]
fn who_leaves_takes_its_recording_along_and_nobody_else_has_one() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    record(&mut meeting, 99, 1, usize::MAX);
    record(&mut meeting, viewer, 2, usize::MAX);
    show(&mut meeting, publisher, viewer, 0..10);
    meeting.command(Command::RemoveParticipant {
        participant: participant(viewer),
    });
    stop(&mut meeting, viewer, 2);
    stop(&mut meeting, publisher, 2);
    let recorded = |event: &Event| matches!(event, Event::AdaptationRecorded { .. });
    assert!(!meeting.events.iter().any(recorded));
}

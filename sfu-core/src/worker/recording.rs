//! Recordings of participants' adaptation: begun and ended by the control plane, handed to it in
//! pieces.

use std::time::Instant;

use super::peer::Peer;
use super::{Room, Shared};
use crate::bandwidth::recording::Recorder;
use crate::command::Command;
use crate::config::MAX_RECORDING;
use crate::event::{Event, RecordingEnd};
use crate::room::tracks::PeerIndex;

/// A recording that runs.
#[derive(Debug)]
pub(super) struct Recording {
    request: u64,
    recorder: Recorder,
}

/// Where one participant's recording is, if there is one: a branch for each packet where there is
/// none.
#[derive(Debug, Default)]
pub(super) struct Recorded(Option<Box<Recording>>);

impl Recorded {
    /// Records what `input` tells, while there is a recording and room in it.
    #[inline]
    pub(super) fn note(&mut self, input: impl FnOnce(&mut Recorder)) {
        if let Some(recording) = &mut self.0
            && !recording.recorder.is_full()
        {
            input(&mut recording.recorder);
        }
    }
}

/// Obeys what the control plane says of recordings.
pub(super) fn obey(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    command: &Command,
) {
    let Some(peer) = room.peers.get_mut(index) else {
        return;
    };
    match *command {
        Command::RecordAdaptation {
            request,
            most_bytes,
            ..
        } => {
            end(shared, peer, RecordingEnd::Replaced);
            let most = most_bytes.min(MAX_RECORDING);
            peer.bandwidth.record(|estimator| {
                let recorder = Recorder::begin(now, most, estimator);
                Recorded(Some(Box::new(Recording { request, recorder })))
            });
        }
        Command::StopRecording { request, .. } => {
            let runs = peer.bandwidth.recorded().0.as_ref();
            if runs.is_some_and(|recording| recording.request == request) {
                end(shared, peer, RecordingEnd::Asked);
            }
        }
        _ => {}
    }
}

/// Hands on what a participant's recording has for the control plane.
pub(super) fn hand_on(shared: &mut Shared, peer: &mut Peer) {
    let participant = peer.id;
    let Some(recording) = &mut peer.bandwidth.recorded().0 else {
        return;
    };
    if recording.recorder.is_full() {
        return end(shared, peer, RecordingEnd::Full);
    }
    if let Some(bytes) = recording.recorder.poll_chunk() {
        shared.events.push_back(Event::AdaptationRecorded {
            participant,
            request: recording.request,
            bytes,
            end: None,
        });
    }
}

fn end(shared: &mut Shared, peer: &mut Peer, end: RecordingEnd) {
    if let Some(recording) = peer.bandwidth.recorded().0.take() {
        shared.events.push_back(Event::AdaptationRecorded {
            participant: peer.id,
            request: recording.request,
            bytes: recording.recorder.finish(),
            end: Some(end),
        });
    }
}

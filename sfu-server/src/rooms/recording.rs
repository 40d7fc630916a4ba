//! Recordings of participants' adaptation: begun for a reader, handed on in pieces as the engine
//! gives them, and over with their time, their reader or their participant.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::event::RecordingEnd;
use sfu_core::id::ParticipantId;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;

use super::room::{Room, State};
use super::{Rooms, limits, no_participant, no_room};
use crate::error::{ApiError, ErrorKind};

/// A part of a recording: joined in order they are the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPiece {
    /// The next bytes.
    pub bytes: Vec<u8>,
    /// Why it is the last one.
    pub end: Option<RecordingEnd>,
}

/// Why a recording broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenOff {
    /// Its participant left.
    ParticipantGone,
    /// Its reader did not keep up with it.
    TooSlow,
}

/// A recording that runs, for its reader. It ends when this is dropped.
pub struct Recording {
    pieces: mpsc::Receiver<Result<RecordedPiece, BrokenOff>>,
    room: Arc<Room>,
    participant: ParticipantId,
    request: u64,
    /// When it was to end, until it was told to.
    until: Option<Instant>,
    over: bool,
    _share: OwnedSemaphorePermit,
}

/// A participant's recording, for who hands it its pieces.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    begun: u64,
    reader: Option<mpsc::Sender<Result<RecordedPiece, BrokenOff>>>,
}

impl Rooms {
    /// Records a participant's adaptation for `duration`, or until there are `most_bytes` of it. A
    /// recording of it that runs already ends.
    ///
    /// # Errors
    /// `NotFound` naming `room` or `identity`; `InvalidArgument` naming `duration` when that is not
    /// within [`limits::RECORDING_TIMES`]; `ResourceExhausted` at [`limits::MAX_RECORDINGS`].
    pub fn record_adaptation(
        &self,
        room: &str,
        identity: &str,
        duration: Duration,
        most_bytes: usize,
    ) -> Result<Recording, ApiError> {
        let (least, most) = limits::RECORDING_TIMES;
        if !(least..=most).contains(&duration) {
            let message = format!("from {} to {} seconds", least.as_secs(), most.as_secs());
            return Err(ApiError::invalid("duration", message));
        }
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        let share = Arc::clone(&self.0.recordings).try_acquire_owned();
        let share = share.map_err(|_| {
            let most = limits::MAX_RECORDINGS;
            let message = format!("the server makes {most} recordings and no more");
            ApiError::new(ErrorKind::ResourceExhausted, message)
        })?;
        let (participant, request, pieces) =
            room.with(|state| state.record(identity, most_bytes))?;
        Ok(Recording {
            pieces,
            room,
            participant,
            request,
            until: Some(Instant::now() + duration),
            over: false,
            _share: share,
        })
    }

    /// Recordings that run now.
    #[must_use]
    pub fn recordings(&self) -> usize {
        limits::MAX_RECORDINGS.saturating_sub(self.0.recordings.available_permits())
    }
}

type Begun = (
    ParticipantId,
    u64,
    mpsc::Receiver<Result<RecordedPiece, BrokenOff>>,
);

impl State {
    fn record(&mut self, identity: &str, most_bytes: usize) -> Result<Begun, ApiError> {
        let id = self.participant_named(identity)?;
        let recorder = &mut self
            .participants
            .get_mut(&id)
            .ok_or_else(no_participant)?
            .recorder;
        let (reader, pieces) = mpsc::channel(limits::MAX_RECORDED_PIECES);
        recorder.begun += 1;
        let request = recorder.begun;
        if let Some(former) = recorder.reader.replace(reader) {
            // What the engine still has of it is of no use without a reader.
            let _ = former.try_send(Ok(RecordedPiece {
                bytes: Vec::new(),
                end: Some(RecordingEnd::Replaced),
            }));
        }
        self.engine.send(Command::RecordAdaptation {
            participant: id,
            request,
            most_bytes,
        });
        Ok((id, request, pieces))
    }

    /// The engine's next piece of a recording.
    pub(super) fn recorded(
        &mut self,
        id: ParticipantId,
        request: u64,
        bytes: Vec<u8>,
        end: Option<RecordingEnd>,
    ) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let recorder = &mut participant.recorder;
        if recorder.begun != request {
            return;
        }
        let Some(reader) = &recorder.reader else {
            return;
        };
        // The last place is kept for the word that it was too slow.
        if reader.capacity() <= 1 && end.is_none() {
            let _ = reader.try_send(Err(BrokenOff::TooSlow));
            self.stop_recording(id, request);
            return;
        }
        let _ = reader.try_send(Ok(RecordedPiece { bytes, end }));
        if end.is_some() {
            recorder.reader = None;
        }
    }

    /// Ends a recording without its last piece.
    fn stop_recording(&mut self, id: ParticipantId, request: u64) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let recorder = &mut participant.recorder;
        if recorder.begun == request && recorder.reader.take().is_some() {
            self.engine.send(Command::StopRecording {
                participant: id,
                request,
            });
        }
    }
}

impl Recording {
    /// The next piece; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<RecordedPiece, BrokenOff>> {
        if self.over {
            return None;
        }
        let piece = loop {
            let Some(until) = self.until else {
                break self.pieces.recv().await;
            };
            tokio::select! {
                biased;
                piece = self.pieces.recv() => break piece,
                () = tokio::time::sleep_until(until) => {
                    self.until = None;
                    self.ask_to_end();
                }
            }
        };
        let piece = piece.unwrap_or(Err(BrokenOff::ParticipantGone));
        self.over = !matches!(&piece, Ok(piece) if piece.end.is_none());
        Some(piece)
    }

    /// The engine gives what it has left, and the end.
    fn ask_to_end(&self) {
        let (participant, request) = (self.participant, self.request);
        self.room.with(|state| {
            state.engine.send(Command::StopRecording {
                participant,
                request,
            });
        });
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let (participant, request) = (self.participant, self.request);
        self.room
            .with(|state| state.stop_recording(participant, request));
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("participant", &self.participant)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

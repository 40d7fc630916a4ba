//! A recording of a participant's adaptation as a stream of messages.

use std::pin::Pin;

use futures_util::Stream;
use futures_util::stream::unfold;
use sfu_control_proto::v1;
use sfu_core::config::MAX_RECORDING;
use sfu_core::event::RecordingEnd as End;
use tonic::Status;

use super::fields;
use super::service::RoomDoor;
use super::status::{refuse, refuse_as};
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{BrokenOff, RecordedPiece, Recording};

/// The messages of one recording.
pub(super) type Pieces =
    Pin<Box<dyn Stream<Item = Result<v1::RecordAdaptationResponse, Status>> + Send>>;

impl RoomDoor {
    pub(super) fn record(&self, request: &v1::RecordAdaptationRequest) -> Result<Pieces, ApiError> {
        let duration = fields::duration("duration", request.duration)?;
        let duration = duration.ok_or_else(|| ApiError::invalid("duration", "required"))?;
        let most_bytes = match usize::try_from(request.max_bytes) {
            Ok(0) | Err(_) => MAX_RECORDING,
            Ok(most) => most.min(MAX_RECORDING),
        };
        let (room, identity) = (&request.room, &request.identity);
        let recording = self
            .rooms
            .record_adaptation(room, identity, duration, most_bytes)?;
        Ok(messages(recording))
    }
}

fn messages(recording: Recording) -> Pieces {
    Box::pin(unfold(recording, async |mut recording| {
        let piece = recording.next().await?;
        Some((piece.map(message).map_err(broken_off), recording))
    }))
}

fn message(piece: RecordedPiece) -> v1::RecordAdaptationResponse {
    v1::RecordAdaptationResponse {
        recording: piece.bytes,
        end: end(piece.end).into(),
    }
}

const fn end(end: Option<End>) -> v1::RecordingEnd {
    match end {
        Some(End::Asked) => v1::RecordingEnd::Duration,
        Some(End::Full) => v1::RecordingEnd::MaxBytes,
        Some(End::Replaced) => v1::RecordingEnd::Replaced,
        _ => v1::RecordingEnd::Unspecified,
    }
}

fn broken_off(why: BrokenOff) -> Status {
    match why {
        BrokenOff::ParticipantGone => {
            let message = "the participant left while it was recorded";
            refuse(&ApiError::field(ErrorKind::NotFound, "identity", message))
        }
        BrokenOff::TooSlow => {
            let message = "the recording was not read fast enough";
            let error = ApiError::new(ErrorKind::ResourceExhausted, message);
            refuse_as("RECORDER_TOO_SLOW", &error)
        }
    }
}

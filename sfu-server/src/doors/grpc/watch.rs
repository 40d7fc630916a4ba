//! A watch of a room as a stream of messages.

use std::pin::Pin;

use futures_util::Stream;
use futures_util::stream::unfold;
use prost::Message;
use sfu_control_proto::v1;
use sfu_control_proto::v1::watch_room_response::Event;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;

use super::page::MAX_BYTES;
use super::status::{refuse, refuse_as};
use super::{convert, convert_event};
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{
    LeaveReason, ParticipantInfo, Publisher, RoomEvent, RoomEvents, RoomInfo, TooSlow, Watch,
    WatchFrom,
};

/// The messages of one watch.
pub(super) type Messages =
    Pin<Box<dyn Stream<Item = Result<v1::WatchRoomResponse, Status>> + Send>>;

/// Where a request wants its watch to begin.
///
/// # Errors
/// `InvalidArgument` for a number without its room's sid.
pub(super) fn from(request: &v1::WatchRoomRequest) -> Result<Option<WatchFrom>, ApiError> {
    match (request.after_sequence, request.room_sid.as_str()) {
        (Some(_), "") => Err(ApiError::invalid("room_sid", "after_sequence needs it")),
        (Some(after), sid) => Ok(Some(WatchFrom {
            room_sid: sid.to_owned(),
            after,
        })),
        (None, _) => Ok(None),
    }
}

/// All messages of a watch; `place` is given back when the stream is dropped.
pub(super) fn messages(watch: Watch, place: OwnedSemaphorePermit) -> Messages {
    let telling = Telling {
        sequence: watch.sequence,
        begins: Some(match watch.snapshot {
            Some(snapshot) => Begins::Snapshot {
                room: snapshot.room,
                participants: snapshot.participants.into_iter(),
                speakers: snapshot.speakers,
            },
            None => Begins::Resumed,
        }),
        events: watch.events,
        shut_down: false,
        _place: place,
    };
    Box::pin(unfold(telling, async |mut telling| {
        let message = telling.next().await?;
        Some((message, telling))
    }))
}

struct Telling {
    sequence: u64,
    /// What is still to be told of how things are.
    begins: Option<Begins>,
    events: RoomEvents,
    /// The room ended with the server.
    shut_down: bool,
    _place: OwnedSemaphorePermit,
}

enum Begins {
    Resumed,
    Snapshot {
        room: RoomInfo,
        participants: std::vec::IntoIter<ParticipantInfo>,
        /// Told with the first part.
        speakers: Vec<(Publisher, f32)>,
    },
}

impl Telling {
    async fn next(&mut self) -> Option<Result<v1::WatchRoomResponse, Status>> {
        if let Some(begins) = self.begins.take() {
            return Some(Ok(self.begin(begins)));
        }
        match self.events.next().await {
            Some(Ok(recorded)) => {
                let event = &recorded.event;
                self.shut_down = *event == RoomEvent::RoomEnded(LeaveReason::ServerShutdown);
                Some(Ok(v1::WatchRoomResponse {
                    sequence: recorded.sequence,
                    event_time: Some(recorded.at.into()),
                    event: convert_event::event(event.clone()),
                }))
            }
            Some(Err(TooSlow)) => {
                let message = "the next event is no longer kept: read faster, and watch anew";
                let error = ApiError::new(ErrorKind::ResourceExhausted, message);
                Some(Err(refuse_as("WATCHER_TOO_SLOW", &error)))
            }
            None if std::mem::take(&mut self.shut_down) => {
                let error = ApiError::new(ErrorKind::Unavailable, "the server is shutting down");
                Some(Err(refuse(&error)))
            }
            None => None,
        }
    }

    fn begin(&mut self, begins: Begins) -> v1::WatchRoomResponse {
        let event = match begins {
            Begins::Resumed => Event::Resumed(v1::WatchResumed {}),
            Begins::Snapshot {
                room,
                participants,
                speakers,
            } => {
                let mut part = self.part(room, participants);
                part.speakers = convert_event::speakers(speakers);
                Event::Snapshot(part)
            }
        };
        v1::WatchRoomResponse {
            sequence: self.sequence,
            event_time: Some(std::time::SystemTime::now().into()),
            event: Some(event),
        }
    }

    /// As much of the snapshot as goes into one message; the rest is kept for the next.
    fn part(
        &mut self,
        room: RoomInfo,
        mut participants: std::vec::IntoIter<ParticipantInfo>,
    ) -> v1::RoomSnapshot {
        let mut part = v1::RoomSnapshot {
            room: Some(convert::room(room.clone())),
            ..Default::default()
        };
        let mut bytes = 0;
        while bytes < MAX_BYTES {
            let Some(info) = participants.next() else {
                break;
            };
            let participant = convert::participant(info);
            bytes += participant.encoded_len();
            part.participants.push(participant);
        }
        part.complete = participants.as_slice().is_empty();
        if !part.complete {
            self.begins = Some(Begins::Snapshot {
                room,
                participants,
                speakers: Vec::new(),
            });
        }
        part
    }
}

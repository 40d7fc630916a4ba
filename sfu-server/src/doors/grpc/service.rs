//! `sfu.control.v1.RoomService`: authorise, call the rooms, encode.

use std::time::UNIX_EPOCH;

use sfu_control_proto::v1;
use sfu_control_proto::v1::room_service_server::RoomService;
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Request, Response, Status};

use super::authenticate::claims;
use super::incoming::{MAX_WATCHES, Watches};
use super::page::Page;
use super::status::refuse;
use super::{convert, fields, record, watch};
use crate::auth::{ApiKeys, Claims, NewToken, Right};
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{ParticipantInfo, RoomOptions, Rooms};

/// The service's state.
pub(super) struct RoomDoor {
    pub(super) rooms: Rooms,
    keys: ApiKeys,
}

impl RoomDoor {
    pub(super) fn new(rooms: Rooms, keys: ApiKeys) -> Self {
        Self { rooms, keys }
    }

    fn create_room(&self, request: v1::CreateRoomRequest) -> Result<v1::Room, ApiError> {
        let options = RoomOptions {
            name: request.name,
            empty_timeout: fields::duration("empty_timeout", request.empty_timeout)?,
            departure_timeout: fields::duration("departure_timeout", request.departure_timeout)?,
            max_participants: Some(request.max_participants),
            metadata: request.metadata,
        };
        self.rooms.create_room(&options).map(convert::room)
    }

    fn list_rooms(
        &self,
        request: &v1::ListRoomsRequest,
    ) -> Result<v1::ListRoomsResponse, ApiError> {
        fields::names(&request.names)?;
        let page = Page::read(request.page_size, &request.page_token)?;
        let rooms = self.rooms.list_rooms(&request.names);
        let (rooms, next_page_token) = page.cut(rooms, |room| room.name.clone(), convert::room);
        Ok(v1::ListRoomsResponse {
            rooms,
            next_page_token,
        })
    }

    fn list_participants(
        &self,
        request: &v1::ListParticipantsRequest,
    ) -> Result<v1::ListParticipantsResponse, ApiError> {
        let page = Page::read(request.page_size, &request.page_token)?;
        let mut participants = self.rooms.list_participants(&request.room)?;
        participants.sort_by_cached_key(arrival);
        let (participants, next_page_token) = page.cut(participants, arrival, convert::participant);
        Ok(v1::ListParticipantsResponse {
            participants,
            next_page_token,
        })
    }

    fn create_join_token(
        &self,
        request: v1::CreateJoinTokenRequest,
    ) -> Result<v1::CreateJoinTokenResponse, ApiError> {
        let ttl = fields::duration("ttl", request.ttl)?;
        let minted = self.keys.mint(NewToken {
            identity: request.identity,
            name: request.name,
            metadata: request.metadata,
            attributes: fields::ordered(request.attributes),
            video: convert::grants(request.room, &request.permission.unwrap_or_default())?,
            ttl,
        })?;
        Ok(v1::CreateJoinTokenResponse {
            token: minted.token,
            expires_at: Some(minted.expires_at.into()),
        })
    }
}

/// A watch's place among those of its connection.
fn place<T>(request: &Request<T>) -> Result<OwnedSemaphorePermit, ApiError> {
    let watches = request.extensions().get::<Watches>();
    watches.and_then(Watches::take).ok_or_else(|| {
        let message = format!("the connection watches {MAX_WATCHES} rooms and no more");
        ApiError::new(ErrorKind::ResourceExhausted, message)
    })
}

/// What participants are listed by: when they came, and the sid where two came at once. Digits of
/// one width, so that the order of the texts is the order of the times.
fn arrival(participant: &ParticipantInfo) -> String {
    let since_1970 = participant
        .joined_at
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:039}.{}", since_1970.as_nanos(), participant.sid)
}

/// Whether the bearer may look at that room.
fn may_see(claims: &Claims, room: &str) -> Result<(), ApiError> {
    claims.allow(Right::ListRooms).or_else(|refused| {
        // The wider right is the one to name where neither is there.
        claims.allow(Right::AdminRoom(room)).map_err(|_| refused)
    })
}

/// Proves a right after the fields that it is about are known to be there.
fn admin<T>(request: &Request<T>, room: &str, checked: Result<(), ApiError>) -> Result<(), Status> {
    let claims = claims(request)?;
    checked
        .and_then(|()| claims.allow(Right::AdminRoom(room)))
        .map_err(|error| refuse(&error))
}

fn answer<T>(result: Result<T, ApiError>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| refuse(&error))
}

#[tonic::async_trait]
impl RoomService for RoomDoor {
    async fn create_room(
        &self,
        request: Request<v1::CreateRoomRequest>,
    ) -> Result<Response<v1::CreateRoomResponse>, Status> {
        let allowed = claims(&request)?.allow(Right::CreateRoom);
        answer(allowed.and_then(|()| {
            let room = Some(self.create_room(request.into_inner())?);
            Ok(v1::CreateRoomResponse { room })
        }))
    }

    async fn get_room(
        &self,
        request: Request<v1::GetRoomRequest>,
    ) -> Result<Response<v1::GetRoomResponse>, Status> {
        let claims = claims(&request)?;
        let name = request.get_ref().room.as_str();
        answer(
            fields::room(name)
                .and_then(|()| may_see(claims, name))
                .and_then(|()| {
                    let room = Some(convert::room(self.rooms.get_room(name)?));
                    Ok(v1::GetRoomResponse { room })
                }),
        )
    }

    async fn list_rooms(
        &self,
        request: Request<v1::ListRoomsRequest>,
    ) -> Result<Response<v1::ListRoomsResponse>, Status> {
        let allowed = claims(&request)?.allow(Right::ListRooms);
        answer(allowed.and_then(|()| self.list_rooms(request.get_ref())))
    }

    async fn delete_room(
        &self,
        request: Request<v1::DeleteRoomRequest>,
    ) -> Result<Response<v1::DeleteRoomResponse>, Status> {
        let allowed = claims(&request)?.allow(Right::CreateRoom);
        let name = request.get_ref().room.as_str();
        answer(allowed.and_then(|()| {
            fields::room(name)?;
            self.rooms.delete_room(name)?;
            Ok(v1::DeleteRoomResponse {})
        }))
    }

    async fn list_participants(
        &self,
        request: Request<v1::ListParticipantsRequest>,
    ) -> Result<Response<v1::ListParticipantsResponse>, Status> {
        let room = request.get_ref().room.as_str();
        admin(&request, room, fields::room(room))?;
        answer(self.list_participants(request.get_ref()))
    }

    async fn remove_participant(
        &self,
        request: Request<v1::RemoveParticipantRequest>,
    ) -> Result<Response<v1::RemoveParticipantResponse>, Status> {
        let asked = request.get_ref();
        let checked = fields::room(&asked.room).and_then(|()| fields::identity(&asked.identity));
        admin(&request, &asked.room, checked)?;
        let removed = self.rooms.remove_participant(&asked.room, &asked.identity);
        answer(removed.map(|()| v1::RemoveParticipantResponse {}))
    }

    async fn create_join_token(
        &self,
        request: Request<v1::CreateJoinTokenRequest>,
    ) -> Result<Response<v1::CreateJoinTokenResponse>, Status> {
        let asked = request.get_ref();
        admin(&request, &asked.room, fields::join_token(asked))?;
        answer(self.create_join_token(request.into_inner()))
    }

    async fn explain_subscriptions(
        &self,
        request: Request<v1::ExplainSubscriptionsRequest>,
    ) -> Result<Response<v1::ExplainSubscriptionsResponse>, Status> {
        let asked = request.get_ref();
        let checked = fields::room(&asked.room).and_then(|()| fields::identity(&asked.identity));
        admin(&request, &asked.room, checked)?;
        answer(Self::explain_subscriptions(self, asked).await)
    }

    type RecordAdaptationStream = record::Pieces;

    async fn record_adaptation(
        &self,
        request: Request<v1::RecordAdaptationRequest>,
    ) -> Result<Response<record::Pieces>, Status> {
        let asked = request.get_ref();
        let checked = fields::room(&asked.room).and_then(|()| fields::identity(&asked.identity));
        admin(&request, &asked.room, checked)?;
        answer(self.record(asked))
    }

    type WatchRoomStream = watch::Messages;

    async fn watch_room(
        &self,
        request: Request<v1::WatchRoomRequest>,
    ) -> Result<Response<watch::Messages>, Status> {
        let asked = request.get_ref();
        admin(&request, &asked.room, fields::room(&asked.room))?;
        answer(watch::from(asked).and_then(|from| {
            let place = place(&request)?;
            let watch = self.rooms.watch(&asked.room, from.as_ref())?;
            Ok(watch::messages(watch, place))
        }))
    }

    async fn update_room(
        &self,
        request: Request<v1::UpdateRoomRequest>,
    ) -> Result<Response<v1::UpdateRoomResponse>, Status> {
        let asked = request.get_ref();
        admin(&request, &asked.room, fields::room(&asked.room))?;
        let updated = match &asked.metadata {
            Some(metadata) => self.rooms.update_room_metadata(&asked.room, metadata),
            None => self.rooms.get_room(&asked.room),
        };
        answer(updated.map(|room| v1::UpdateRoomResponse {
            room: Some(convert::room(room)),
        }))
    }

    async fn update_participant(
        &self,
        request: Request<v1::UpdateParticipantRequest>,
    ) -> Result<Response<v1::UpdateParticipantResponse>, Status> {
        let asked = request.get_ref();
        let checked = fields::room(&asked.room).and_then(|()| fields::identity(&asked.identity));
        admin(&request, &asked.room, checked)?;
        let participant = self.update_participant(request.into_inner());
        answer(
            participant.map(|participant| v1::UpdateParticipantResponse {
                participant: Some(participant),
            }),
        )
    }

    async fn mute_track(
        &self,
        request: Request<v1::MuteTrackRequest>,
    ) -> Result<Response<v1::MuteTrackResponse>, Status> {
        let asked = request.get_ref();
        let checked = fields::room(&asked.room)
            .and_then(|()| fields::identity(&asked.identity))
            .and_then(|()| fields::track_sid(&asked.track_sid));
        admin(&request, &asked.room, checked)?;
        let (sid, muted) = (&asked.track_sid, asked.muted);
        let track = self
            .rooms
            .mute_track(&asked.room, &asked.identity, sid, muted);
        answer(track.map(|track| v1::MuteTrackResponse {
            track: Some(convert::track(track)),
        }))
    }

    async fn send_data(
        &self,
        request: Request<v1::SendDataRequest>,
    ) -> Result<Response<v1::SendDataResponse>, Status> {
        let asked = request.get_ref();
        admin(&request, &asked.room, fields::data(asked))?;
        answer(self.send_data(request.into_inner()))
    }
}

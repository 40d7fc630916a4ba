//! What a call changes of a participant, or sends to some, in the rooms' words.

use sfu_control_proto::v1;

use super::service::RoomDoor;
use super::{convert, fields};
use crate::error::ApiError;
use crate::rooms::{ParticipantUpdate, ServerData};

impl RoomDoor {
    pub(super) fn update_participant(
        &self,
        request: v1::UpdateParticipantRequest,
    ) -> Result<v1::Participant, ApiError> {
        let permission = request.permission.as_ref();
        let update = ParticipantUpdate {
            name: request.name,
            metadata: request.metadata,
            attributes: fields::ordered(request.attributes),
            permission: permission.map(convert::permissions).transpose()?,
        };
        let updated = self
            .rooms
            .update_participant(&request.room, &request.identity, update);
        updated.map(convert::participant)
    }

    pub(super) fn send_data(
        &self,
        request: v1::SendDataRequest,
    ) -> Result<v1::SendDataResponse, ApiError> {
        let data = ServerData {
            reliable: request.delivery() == v1::DataDelivery::Reliable,
            payload: request.payload,
            topic: request.topic,
            destination_identities: request.destination_identities,
        };
        self.rooms.send_data(&request.room, data)?;
        Ok(v1::SendDataResponse {})
    }
}

//! What a token says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorKind};

/// A token's claims, as far as this server reads them. Unknown ones are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// The API key.
    pub iss: String,
    /// The identity; empty in tokens of services.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sub: String,
    /// Not valid before, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Not valid from then on, in seconds since 1970. Required.
    pub exp: Option<u64>,
    /// A name for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The application's own text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub metadata: String,
    /// The application's own pairs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// What the bearer may do.
    pub video: VideoGrants,
}

/// The `video` grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VideoGrants {
    /// May join [`VideoGrants::room`].
    #[serde(skip_serializing_if = "is_false")]
    pub room_join: bool,
    /// The room that `room_join` and `room_admin` are about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub room: String,
    /// May make and delete rooms.
    #[serde(skip_serializing_if = "is_false")]
    pub room_create: bool,
    /// May list rooms.
    #[serde(skip_serializing_if = "is_false")]
    pub room_list: bool,
    /// May control the participants of [`VideoGrants::room`].
    #[serde(skip_serializing_if = "is_false")]
    pub room_admin: bool,
    /// May send media; absent: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish: Option<bool>,
    /// May be sent media; absent: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe: Option<bool>,
    /// May send data; absent: as `can_publish`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// What may be published (`camera`, `microphone`, `screen_share`, `screen_share_audio`);
    /// empty: everything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub can_publish_sources: Vec<String>,
    /// May change its own name, metadata and attributes; absent: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_update_own_metadata: Option<bool>,
    /// The others are not told of it.
    #[serde(skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// It records the room.
    #[serde(skip_serializing_if = "is_false")]
    pub recorder: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl VideoGrants {
    /// A grant to join one room and no more.
    #[must_use]
    pub fn join(room: impl Into<String>) -> Self {
        Self {
            room_join: true,
            room: room.into(),
            ..Self::default()
        }
    }
}

/// Something that a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right<'a> {
    /// Make or delete a room.
    CreateRoom,
    /// List rooms.
    ListRooms,
    /// Control a room's participants.
    AdminRoom(&'a str),
}

impl Claims {
    /// Whether the bearer may do that.
    ///
    /// # Errors
    /// `PermissionDenied` naming the grant that is missing.
    pub fn allow(&self, right: Right<'_>) -> Result<(), ApiError> {
        let video = &self.video;
        match right {
            Right::CreateRoom if video.room_create => Ok(()),
            Right::CreateRoom => Err(missing("video.roomCreate")),
            Right::ListRooms if video.room_list => Ok(()),
            Right::ListRooms => Err(missing("video.roomList")),
            Right::AdminRoom(_) if !video.room_admin => Err(missing("video.roomAdmin")),
            Right::AdminRoom(room) if video.room != room => Err(other_room()),
            Right::AdminRoom(_) => Ok(()),
        }
    }

    /// The room that the bearer may join. A token may leave the room open; then `wanted` says it.
    ///
    /// # Errors
    /// `PermissionDenied` naming the grant; `InvalidArgument` if neither names a room or the token
    /// has no identity.
    pub fn join_room<'a>(&'a self, wanted: Option<&'a str>) -> Result<&'a str, ApiError> {
        if !self.video.room_join {
            return Err(missing("video.roomJoin"));
        }
        if self.sub.is_empty() {
            return Err(ApiError::invalid("sub", "the token names no identity"));
        }
        match (self.video.room.as_str(), wanted.unwrap_or_default()) {
            ("", "") => Err(ApiError::invalid("video.room", "the token names no room")),
            ("", wanted) => Ok(wanted),
            (room, "") => Ok(room),
            (room, wanted) if room == wanted => Ok(room),
            _ => Err(other_room()),
        }
    }
}

fn missing(grant: &'static str) -> ApiError {
    ApiError::field(
        ErrorKind::PermissionDenied,
        grant,
        "the token does not grant it",
    )
}

fn other_room() -> ApiError {
    ApiError::field(
        ErrorKind::PermissionDenied,
        "video.room",
        "the token is for another room",
    )
}

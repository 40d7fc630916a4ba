//! From a request's line and headers to who wants to join what.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use livekit_protocol::client_info::Sdk;
use livekit_protocol::{AddTrackRequest, ClientInfo, JoinRequest};
use serde::Deserialize;
use sfu_core::media::session::OfferedSession;

use super::Door;
use super::{join_request, limits};
use crate::auth::{AuthError, Claims, VideoGrants};
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{JoinParams, Permissions, TrackSource};

/// Letters of each word of a client's description that reach the log.
const CLIENT_WORD: usize = 32;

/// The query of `/rtc/v1` and `/rtc/v1/validate`; what else is in it is ignored.
#[derive(Default, Deserialize)]
pub(super) struct RtcQuery {
    access_token: Option<String>,
    join_request: Option<String>,
    room: Option<String>,
}

/// A join that is authorised and readable.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) params: JoinParams,
    /// The session that the client wants to go on with.
    pub(super) resumes: Option<String>,
    pub(super) tracks: Vec<AddTrackRequest>,
    /// The first offer and its number.
    pub(super) offer: Option<(u32, OfferedSession)>,
}

impl Door {
    /// Reads and authorises a join.
    ///
    /// # Errors
    /// `Unauthenticated`, `PermissionDenied` or `InvalidArgument`, naming the field.
    pub(super) fn admit(
        &self,
        query: &RtcQuery,
        headers: &HeaderMap,
        address: IpAddr,
    ) -> Result<Admitted, ApiError> {
        let token = token(query, headers).ok_or(AuthError::Missing)?;
        let claims = self.0.keys.verify(token)?;
        let room = claims.join_room(query.room.as_deref())?.to_owned();
        let wrapped = query.join_request.as_deref();
        let wrapped = wrapped.ok_or_else(|| ApiError::invalid("join_request", "required"))?;
        let request = join_request::read(wrapped)?;
        if request.add_track_requests.len() > limits::MAX_JOIN_TRACKS {
            let most = limits::MAX_JOIN_TRACKS;
            return Err(ApiError::invalid(
                "add_track_requests",
                format!("at most {most}"),
            ));
        }
        let offer = match &request.publisher_offer {
            Some(offer) => Some((offer.id, read_offer(&offer.sdp)?)),
            None => None,
        };
        let resumes = request.reconnect.then(|| request.participant_sid.clone());
        let tracks = request.add_track_requests.clone();
        Ok(Admitted {
            params: params(room, claims, request, address)?,
            resumes,
            tracks,
            offer,
        })
    }
}

/// Reads an offer; pure work, so it is done here and not on a worker's thread.
pub(super) fn read_offer(sdp: &str) -> Result<OfferedSession, ApiError> {
    sfu_core::sdp::read_offer(sdp)
        .map_err(|error| ApiError::new(ErrorKind::InvalidArgument, error.to_string()))
}

fn token<'a>(query: &'a RtcQuery, headers: &'a HeaderMap) -> Option<&'a str> {
    // Browsers cannot set headers on a WebSocket: the parameter is the usual way.
    let bearer = || {
        headers
            .get(AUTHORIZATION)?
            .to_str()
            .ok()?
            .strip_prefix("Bearer ")
    };
    query.access_token.as_deref().or_else(bearer)
}

fn params(
    room: String,
    claims: Claims,
    request: JoinRequest,
    address: IpAddr,
) -> Result<JoinParams, ApiError> {
    let permissions = permissions(&claims.video)?;
    let own = !request.metadata.is_empty() || !request.participant_attributes.is_empty();
    if own && !permissions.update_own_metadata {
        return Err(ApiError::field(
            ErrorKind::PermissionDenied,
            "video.canUpdateOwnMetadata",
            "the token does not let the client set its own metadata",
        ));
    }
    let mut attributes: BTreeMap<_, _> = claims.attributes;
    attributes.extend(request.participant_attributes);
    let metadata = if request.metadata.is_empty() {
        claims.metadata
    } else {
        request.metadata
    };
    Ok(JoinParams {
        room,
        identity: claims.sub,
        name: claims.name,
        metadata,
        attributes,
        permissions,
        auto_subscribe: request
            .connection_settings
            .is_none_or(|settings| settings.auto_subscribe),
        may_create: claims.video.room_create,
        address,
        client: request
            .client_info
            .as_ref()
            .map(describe)
            .unwrap_or_default(),
    })
}

/// What a token's grants allow in a room. What is absent is allowed, but for changing one's own
/// metadata.
fn permissions(grants: &VideoGrants) -> Result<Permissions, ApiError> {
    let publish = grants.can_publish.unwrap_or(true);
    let source = |name: &String| match name.as_str() {
        "camera" => Ok(TrackSource::Camera),
        "microphone" => Ok(TrackSource::Microphone),
        "screen_share" => Ok(TrackSource::ScreenShare),
        "screen_share_audio" => Ok(TrackSource::ScreenShareAudio),
        _ => Err(ApiError::invalid(
            "video.canPublishSources",
            "known are camera, microphone, screen_share and screen_share_audio",
        )),
    };
    let sources = Permissions::each_once(grants.can_publish_sources.iter().map(source));
    Ok(Permissions {
        publish,
        subscribe: grants.can_subscribe.unwrap_or(true),
        publish_data: grants.can_publish_data.unwrap_or(publish),
        sources: sources?,
        update_own_metadata: grants.can_update_own_metadata.unwrap_or(false),
        hidden: grants.hidden,
        recorder: grants.recorder,
    })
}

/// One line for the log, whatever the client wrote.
fn describe(client: &ClientInfo) -> String {
    let sdk = Sdk::try_from(client.sdk).unwrap_or(Sdk::Unknown);
    let words = [
        sdk.as_str_name(),
        &client.version,
        &client.os,
        &client.browser,
        &client.browser_version,
    ];
    let clean = |word: &str| -> String {
        let letters = word.chars().filter(|letter| !letter.is_control());
        letters.take(CLIENT_WORD).collect()
    };
    let words: Vec<_> = words
        .into_iter()
        .map(clean)
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

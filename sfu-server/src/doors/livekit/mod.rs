//! The signalling door that the LiveKit client SDKs speak: one peer connection, on `/rtc/v1`.
//!
//! The two-peer-connection path `/rtc` is not served and says so with 404, which is what sends a
//! client to `/rtc/v1` or tells its user. Messages are protobuf in binary frames; a client that
//! sends JSON in text frames is answered so.
//!
//! Deliberately absent: data tracks, trickled candidates (the engine is ICE-lite and needs none of
//! the client's), offers of the server's own.

mod admission;
mod convert;
mod convert_signals;
mod convert_track;
mod convert_wish;
mod counters;
mod data;
mod frames;
mod join_request;
mod limits;
mod notices;
mod requests;
mod simulate;
mod socket;
mod sockets;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::cors::CorsLayer;

use crate::auth::ApiKeys;
use crate::error::{ApiError, ErrorKind};
use crate::rooms::Rooms;
use admission::{Admitted, RtcQuery};
use sockets::Sockets;

pub use counters::{Closing, Closings, Upgrade, Upgrades};

/// What the operator chooses about this door.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Whether the last address of `X-Forwarded-For` is the client's. Only behind a proxy that
    /// sets it: anybody else could write any address there, and so escape the bounds per address.
    pub trust_forwarded_for: bool,
    /// Most open sockets of one address.
    pub sockets_per_address: usize,
    /// Most open sockets in all.
    pub sockets: usize,
    /// Whether clients may ask for faults (`SimulateScenario`): for development only.
    pub simulation: bool,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            trust_forwarded_for: false,
            sockets_per_address: limits::SOCKETS_PER_ADDRESS,
            sockets: limits::SOCKETS,
            simulation: false,
        }
    }
}

/// The door. Clones are the same door.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    rooms: Rooms,
    keys: ApiKeys,
    settings: DoorSettings,
    sockets: Arc<Sockets>,
    closings: Closings,
    upgrades: Upgrades,
}

impl Door {
    /// A door to these rooms for bearers of tokens of these keys.
    #[must_use]
    pub fn new(rooms: Rooms, keys: ApiKeys, settings: DoorSettings) -> Self {
        let sockets = Sockets::new(settings.sockets, settings.sockets_per_address);
        rooms.set_data_codec(Arc::new(data::DataPackets));
        Self(Arc::new(Inner {
            rooms,
            keys,
            settings,
            sockets,
            closings: Closings::default(),
            upgrades: Upgrades::default(),
        }))
    }

    /// The routes. They need the peer's address: serve them with
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    ///
    /// Any origin may call: pages are hosted anywhere, and it is the token that is believed.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/rtc/v1", get(signal))
            .route("/rtc/v1/validate", get(validate))
            .route("/rtc", get(absent))
            .route("/rtc/validate", get(absent))
            .layer(CorsLayer::permissive())
            .with_state(self.clone())
    }

    /// Why sockets were refused or closed, for metrics.
    #[must_use]
    pub fn closings(&self) -> &Closings {
        &self.0.closings
    }

    /// What became of requests to open a socket, for metrics.
    #[must_use]
    pub fn upgrades(&self) -> &Upgrades {
        &self.0.upgrades
    }

    /// Sockets open now, for metrics.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.0.sockets.open()
    }

    fn refuse(&self, error: ApiError) -> Response {
        let unauthorised = [ErrorKind::Unauthenticated, ErrorKind::PermissionDenied];
        let (closing, upgrade) = if unauthorised.contains(&error.kind()) {
            (Closing::Unauthorised, Upgrade::Unauthorised)
        } else {
            (Closing::BadRequest, Upgrade::BadRequest)
        };
        self.0.closings.count(closing);
        self.0.upgrades.count(upgrade);
        tracing::info!(%error, "join refused");
        error.into_response()
    }

    fn client_address(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = || {
            let value = headers.get_all("x-forwarded-for").iter().next_back()?;
            value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        };
        if self.0.settings.trust_forwarded_for {
            forwarded().unwrap_or(peer.ip())
        } else {
            peer.ip()
        }
    }
}

/// `GET /rtc/v1`: the WebSocket.
async fn signal(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<RtcQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let address = door.client_address(peer, &headers);
    let admitted = match door.admit(&query, &headers, address) {
        Ok(admitted) => admitted,
        Err(error) => return door.refuse(error),
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            door.0.upgrades.count(Upgrade::BadRequest);
            return rejection.into_response();
        }
    };
    let Some(place) = door.0.sockets.take(address) else {
        door.0.closings.count(Closing::TooManySockets);
        door.0.upgrades.count(Upgrade::TooManySockets);
        return ApiError::new(ErrorKind::RateLimited, "too many sockets are open").into_response();
    };
    door.0.upgrades.count(Upgrade::Accepted);
    upgrade
        .max_message_size(limits::MAX_MESSAGE)
        .max_frame_size(limits::MAX_MESSAGE)
        .read_buffer_size(limits::SOCKET_BUFFER)
        .write_buffer_size(limits::SOCKET_BUFFER)
        .on_upgrade(move |socket| socket::serve(door, socket, admitted, place))
}

/// `GET /rtc/v1/validate`: why a WebSocket would be refused, for clients that cannot see it.
async fn validate(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<RtcQuery>,
    headers: HeaderMap,
) -> Response {
    let address = door.client_address(peer, &headers);
    let checked = door.admit(&query, &headers, address);
    let checked = checked.and_then(|Admitted { params, .. }| door.0.rooms.check_join(&params));
    match checked {
        Ok(()) => "success".into_response(),
        Err(error) => error.into_response(),
    }
}

/// The two-peer-connection path.
async fn absent() -> Response {
    (
        StatusCode::NOT_FOUND,
        "signalling is served on /rtc/v1 (one peer connection) only",
    )
        .into_response()
}

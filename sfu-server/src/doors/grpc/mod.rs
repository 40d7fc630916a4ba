//! The control plane's door: `sfu.control.v1.RoomService`, the standard health service, and
//! reflection, all on one port.
//!
//! Browsers' pages call by gRPC-Web, over HTTP/1.1 too, through an origin of their own: nothing is
//! said that would let another origin in.
//!
//! The token is proven by an interceptor before a message is even decoded; each call then asks for
//! the right it needs, hands the work to the rooms and puts the answer into the contract's words.

mod authenticate;
mod calls;
mod changes;
mod convert;
mod convert_event;
mod deadline;
mod explain;
mod fields;
mod incoming;
mod page;
mod record;
mod service;
mod status;
mod watch;

#[cfg(test)]
mod tests;

use std::time::Duration;

use sfu_control_proto::FILE_DESCRIPTOR_SET;
use sfu_control_proto::v1::room_service_server::RoomServiceServer;
use tokio::net::TcpListener;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService};
use tonic_web::GrpcWebLayer;
use tower::util::MapResponseLayer;

use crate::auth::ApiKeys;
use crate::rooms::Rooms;
use authenticate::Authenticate;
use calls::Counting;
use deadline::Deadline;
use service::RoomDoor;

pub use calls::{Calls, Counted};

/// Largest request message, in bytes. The largest legal one is data of 62 KiB for a thousand
/// identities of 256 bytes. Higher: one caller makes the server hold more. Lower: legal requests are
/// refused.
const MAX_REQUEST: usize = 384 * 1024;

/// Largest answer, in bytes: what clients accept unless they are told otherwise. Pages are cut well
/// before it. Higher: such clients fail. Lower: a page of large participants would not fit.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Calls at once on one connection. Higher: one client may take more of the server at a time.
/// Lower: a busy control plane needs more connections; further calls wait in its own client.
const MAX_STREAMS: u32 = 128;

/// Calls worked on at once for one connection; what is beyond is refused with RESOURCE_EXHAUSTED
/// rather than queued. Not above [`MAX_STREAMS`], which a well-behaved client keeps to.
const MAX_CALLS: usize = 128;

/// Longest that a call may take whatever deadline its caller sets: every answer is a matter of
/// milliseconds. Higher: a caller that sends half a request holds its call for longer. Lower:
/// callers over poor links are cut off.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a silent connection is asked whether it lives. Higher: dead ones are kept for longer.
/// Lower: more packets on idle connections.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long the answer to that may take.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Most bytes of a call's metadata: a token and a few words. Clients are told, and the transport
/// answers what is beyond with HTTP 431, before any code of gRPC's. Higher: strangers make the server hold
/// more. Lower: long tokens are refused.
const MAX_METADATA_BYTES: u32 = 48 * 1024;

/// Accept-and-reset pairs that a client may have pending (CVE-2023-44487). Higher: such floods
/// cost more. Lower: clients that give up many calls are cut off.
const MAX_PENDING_RESETS: usize = 20;

/// What the control plane's door needs.
pub struct GrpcDoor {
    /// The rooms it controls.
    pub rooms: Rooms,
    /// Who may call.
    pub keys: ApiKeys,
    /// What health answers; see [`set_serving`].
    pub health: HealthReporter,
    /// Where its calls are counted; see [`calls`].
    pub calls: Calls,
}

/// Counts of the methods that this door serves.
#[must_use]
pub fn calls() -> Calls {
    Calls::of(&[
        FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ])
}

/// Tells health's callers and watchers whether this server takes calls: all of it (the empty name)
/// and the room service.
pub async fn set_serving(health: &HealthReporter, serving: bool) {
    let status = if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    for name in ["", tonic_name::<RoomServiceServer<RoomDoor>>()] {
        health.set_service_status(name, status).await;
    }
}

const fn tonic_name<S: tonic::server::NamedService>() -> &'static str {
    S::NAME
}

impl GrpcDoor {
    /// Serves until `stop` resolves and the calls in progress are answered. Watchers of health keep
    /// a connection open: bound the wait.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        let rooms = RoomServiceServer::new(RoomDoor::new(self.rooms, self.keys.clone()))
            .max_decoding_message_size(MAX_REQUEST)
            .max_encoding_message_size(MAX_ANSWER);
        let health = tonic_health::pb::health_server::HealthServer::new(
            HealthService::from_health_reporter(self.health),
        );
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let built = "the generated descriptors are whole";
        Server::builder()
            .accept_http1(true)
            .layer(GrpcWebLayer::new())
            .layer(Counting(self.calls))
            .layer(Deadline(CALL_TIMEOUT))
            .layer(MapResponseLayer::new(status::too_large))
            .concurrency_limit_per_connection(MAX_CALLS)
            .load_shed(true)
            .max_concurrent_streams(MAX_STREAMS)
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
            .http2_max_header_list_size(MAX_METADATA_BYTES)
            .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
            .add_service(InterceptedService::new(rooms, Authenticate::new(self.keys)))
            .add_service(health)
            .add_service(reflection().build_v1().expect(built))
            .add_service(reflection().build_v1alpha().expect(built))
            .serve_with_incoming_shutdown(incoming::connections(listener, KEEP_ALIVE), stop)
            .await
    }
}

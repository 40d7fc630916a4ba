//! The whole server, wired in one place: sockets, workers, rooms, doors; and its end.

mod http;
mod listener;
mod media;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic_health::server::HealthReporter;

use crate::config::Config;
use crate::doors::grpc::{self, GrpcDoor};
use crate::doors::livekit::Door;
use crate::metrics::Metrics;
use crate::rooms::Rooms;
use crate::shutdown::{DOORS_CLOSE, Latch};

/// What kept the server from starting. Its text names the address and the flag.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({flag}): {source}")]
pub struct ListenError {
    address: SocketAddr,
    flag: &'static str,
    source: io::Error,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A TCP port cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The media side did not start: a UDP port is taken, or the system refuses a thread.
    #[error("media: {0}")]
    Media(io::Error),
}

/// Where the server can be reached. `Display` is the line that programs read:
/// `listening http=http://127.0.0.1:7880 grpc=127.0.0.1:50051 metrics=127.0.0.1:9464 media=7882,7883`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Pages and signalling.
    pub http: SocketAddr,
    /// gRPC.
    pub grpc: SocketAddr,
    /// Metrics and health.
    pub metrics: SocketAddr,
    /// UDP ports, by worker.
    pub media: Vec<u16>,
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            http,
            grpc,
            metrics,
            media,
        } = self;
        write!(
            f,
            "listening http=http://{http} grpc={grpc} metrics={metrics} media="
        )?;
        for (index, port) in media.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{port}")?;
        }
        Ok(())
    }
}

/// A server that serves.
pub struct Server {
    listening: Listening,
    rooms: Rooms,
    health: HealthReporter,
    /// Set when no new calls are taken.
    draining: Latch,
    /// Set when the last port closes too.
    ended: Latch,
    /// Pages, signalling and gRPC: each ends once `draining` is set and its callers are gone.
    doors: JoinSet<&'static str>,
    /// What goes on until the end: events, time, metrics.
    background: JoinSet<&'static str>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listening", &self.listening)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Binds every socket, starts the workers and opens the doors.
    ///
    /// # Errors
    /// A port that is taken or not this host's, naming its flag; nothing is left running then.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let http = listen(config.http, "--http-port").await?;
        let grpc = listen(config.grpc, "--grpc-port").await?;
        let metrics = listen(config.metrics, "--metrics-port").await?;
        let (workers, events) = media::start(config).map_err(StartError::Media)?;
        let listening = Listening {
            http: local(&http, config.http),
            grpc: local(&grpc, config.grpc),
            metrics: local(&metrics, config.metrics),
            media: workers.ports().to_vec(),
        };

        let draining = Latch::default();
        let ended = Latch::default();
        let health = HealthReporter::new();
        grpc::set_serving(&health, true).await;
        let rooms = Rooms::new(config.rooms.clone(), Arc::clone(&workers) as _);
        let counters = Arc::clone(&workers);
        let door = Door::new(
            rooms.clone(),
            config.keys.clone(),
            config.signalling.clone(),
        );
        let calls = grpc::calls();
        let exported = Metrics::new(rooms.clone(), door.clone(), calls.clone(), move || {
            counters.published()
        });

        let mut background = JoinSet::new();
        background.spawn(hear(rooms.clone(), events));
        let timed = rooms.clone();
        background.spawn(async move {
            timed.keep_time().await;
            "the rooms' clock"
        });
        let router = http::metrics_router(&draining, Arc::new(exported));
        let until = ended.clone();
        background.spawn(async move {
            listener::serve(metrics, router, until).await;
            "the metrics port"
        });

        let mut doors = JoinSet::new();
        let router = http::router(config, &rooms, &door, &draining);
        let until = draining.clone();
        doors.spawn(async move {
            listener::serve(http, router, until).await;
            "the HTTP port"
        });
        let door = GrpcDoor {
            rooms: rooms.clone(),
            keys: config.keys.clone(),
            health: health.clone(),
            calls: calls.clone(),
        };
        let until = draining.clone();
        doors.spawn(async move {
            let stop = async move { until.wait().await };
            if let Err(error) = door.serve(grpc, stop).await {
                tracing::error!(%error, "gRPC ended");
            }
            "the gRPC port"
        });
        Ok(Self {
            listening,
            rooms,
            health,
            draining,
            ended,
            doors,
            background,
        })
    }

    /// Where it can be reached.
    #[must_use]
    pub fn listening(&self) -> &Listening {
        &self.listening
    }

    /// Resolves when a part of the server ends although it should not: its name.
    pub async fn fault(&mut self) -> &'static str {
        let ended = tokio::select! {
            Some(ended) = self.doors.join_next() => ended,
            Some(ended) = self.background.join_next() => ended,
            else => return "everything",
        };
        ended.unwrap_or("a part that panicked")
    }

    /// Tells everybody and closes the doors: no new calls, then all rooms' ends, then the sockets.
    /// Takes at most [`DOORS_CLOSE`]; the workers end when the runtime does.
    pub async fn end(mut self) {
        self.draining.set();
        grpc::set_serving(&self.health, false).await;
        self.rooms.shut_down();
        let closing = async { while self.doors.join_next().await.is_some() {} };
        if tokio::time::timeout(DOORS_CLOSE, closing).await.is_err() {
            tracing::warn!("some connections did not end within {DOORS_CLOSE:?}: cut off");
        }
        self.ended.set();
        self.doors.shutdown().await;
        self.background.shutdown().await;
    }
}

/// Hands the workers' facts to the rooms, until there are no workers.
async fn hear(rooms: Rooms, mut events: media::Events) -> &'static str {
    while let Some(heard) = events.recv().await {
        rooms.handle_event(heard.worker, heard.event);
    }
    "the workers"
}

async fn listen(address: SocketAddr, flag: &'static str) -> Result<TcpListener, ListenError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ListenError {
        address,
        flag,
        source,
    })
}

/// The real address; a listener that has none is not there to be asked.
fn local(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}

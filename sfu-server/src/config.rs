//! What the operator chooses: the command line, and the checked settings that it becomes.

mod addresses;
mod error;
mod keys;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::auth::ApiKeys;
use crate::doors::livekit::DoorSettings;
use crate::rooms::{Settings, limits};

pub use addresses::host_addresses;
pub use error::ConfigError;
pub use keys::{DEVELOPMENT_KEY, DEVELOPMENT_SECRET, SECRET_VARIABLE};

/// Most workers. Higher: more media ports than firewalls are opened for, on machines that do not
/// exist. Lower: cores of large machines stay idle.
const MAX_WORKERS: u16 = 256;

/// Seconds of the long run's joins that may come at once: when a meeting begins, an office joins
/// together. Higher: one address may load the node with more handshakes. Lower: such people wait.
const JOIN_BURST_SECONDS: u32 = 5;

const AFTER_HELP: &str = "\
Ports, all of them settable, 0 meaning any free one:
  7880  TCP  pages, signalling (WebSocket), /healthz, /readyz
  7882  UDP  media: one port for each worker, this one and those above it
  50051 TCP  gRPC: sfu.control.v1.RoomService, health, reflection
  9464  TCP  /metrics (Prometheus), /healthz, /readyz
Pages, signalling, gRPC and metrics are plain text: put a TLS proxy before them, and open only the
media ports to the world. Media is always encrypted, and its ports are bound on every address.

To try it:              sfu-server --dev
To run it:              SFU_API_KEY=KEY sfu-server --api-secret-file FILE --bind 0.0.0.0
Once it serves, one line on standard output says where:
  listening http=http://HOST:PORT grpc=HOST:PORT metrics=HOST:PORT media=PORT,PORT
The log goes to standard error. SIGTERM and SIGINT tell everybody in a call and end with code 0
within 5 seconds; a second signal ends at once. A wrong command line ends with code 2, a start that
fails (a port in use) with code 1.";

/// A selective forwarding unit: carries group calls between browsers, apps and services.
#[derive(Clone, Debug, Parser)]
#[command(name = "sfu-server", version, after_help = AFTER_HELP)]
pub struct Flags {
    /// Development: serves the demo page and hands out tokens to whoever asks, with a published
    /// API key; clients may ask for faults (SimulateScenario). Never for the open network
    #[arg(long, help_heading = "Development")]
    pub dev: bool,

    /// Lets --dev bind an address that other machines reach: whoever can, is in every room
    #[arg(long, requires = "dev", help_heading = "Development")]
    pub dev_allow_remote: bool,

    /// Opens POST /demo/fault/panic?room=NAME, which panics within that room's media work
    #[arg(long, requires = "dev", hide = true)]
    pub fault_injection: bool,

    /// Address for pages, signalling and gRPC; 0.0.0.0 is every IPv4 address of the host
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST),
          help_heading = "Network")]
    pub bind: IpAddr,

    /// TCP port for pages and signalling
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 7880,
        help_heading = "Network"
    )]
    pub http_port: u16,

    /// TCP port for gRPC
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 50051,
        help_heading = "Network"
    )]
    pub grpc_port: u16,

    /// TCP port for /metrics, /healthz and /readyz
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 9464,
        help_heading = "Network"
    )]
    pub metrics_port: u16,

    /// Address for the metrics port [default: as --bind]
    #[arg(long, value_name = "IP", help_heading = "Network")]
    pub metrics_bind: Option<IpAddr>,

    /// The first worker's UDP port for media; each further worker has the next one
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 7882,
        help_heading = "Media"
    )]
    pub udp_port: u16,

    /// Address that clients are told to send media to; repeat it or separate by commas. Behind NAT,
    /// the public one [default: every address of the host, and with --dev loopback too]
    #[arg(long, value_name = "IP", value_delimiter = ',', help_heading = "Media")]
    pub advertise: Vec<IpAddr>,

    /// Threads that forward media; a room lives on one of them [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_WORKERS)),
          help_heading = "Media")]
    pub workers: Option<u16>,

    /// DTLS version for media. With 1.3 browsers get the slower SRTP profile
    #[arg(long, value_name = "VERSION", value_enum, default_value_t = Dtls::V1_2,
          help_heading = "Media")]
    pub dtls: Dtls,

    /// Voices of one room that are forwarded at a time, those that speak; a voice that begins is
    /// forwarded from its first packet. Saves large rooms what microphones that say nothing cost
    /// every listener; where more people than this talk at once, some are cut off [default: all]
    #[arg(long, value_name = "N", help_heading = "Media")]
    pub forwarded_voices: Option<NonZeroUsize>,

    /// API key that tokens name as `iss`. Its secret comes from --api-secret-file or from the
    /// environment variable SFU_API_SECRET: at least 32 bytes
    #[arg(long, value_name = "KEY", env = "SFU_API_KEY", help_heading = "Access")]
    pub api_key: Option<String>,

    /// File that holds the API key's secret; a line break at its end does not count
    #[arg(long, value_name = "FILE", help_heading = "Access")]
    pub api_secret_file: Option<PathBuf>,

    /// Believe the last address of X-Forwarded-For to be the client's: only behind a proxy that
    /// sets it. Without it everybody behind the proxy shares the bounds of one address
    #[arg(long, help_heading = "Limits")]
    pub trust_forwarded_for: bool,

    /// Joins per second from one address, in the long run; five times as many at once
    #[arg(long, value_name = "N", default_value_t = limits::JOINS_PER_SECOND,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Limits")]
    pub joins_per_second: u32,

    /// Signalling connections open from one address [default: 1000]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub sockets_per_address: Option<NonZeroUsize>,

    /// Participants of one room, whatever the room asks for
    #[arg(long, value_name = "N", default_value_t = limits::MAX_PARTICIPANTS,
          value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    pub max_participants: u32,

    /// Let the control plane unmute tracks, and not their publishers only
    #[arg(long, help_heading = "Access")]
    pub remote_unmute: bool,

    /// Form of the log
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogFormat::Text,
          help_heading = "Log")]
    pub log_format: LogFormat,

    /// What is logged: a level, or levels by module (`info,sfu_core=debug`)
    #[arg(
        long,
        value_name = "FILTER",
        env = "SFU_LOG",
        default_value = "info",
        help_heading = "Log"
    )]
    pub log: String,
}

/// DTLS versions on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dtls {
    /// DTLS 1.2 (RFC 6347).
    #[value(name = "1.2")]
    V1_2,
    /// DTLS 1.3 (RFC 9147).
    #[value(name = "1.3")]
    V1_3,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings, checked as far as they can be without binding anything.
#[derive(Clone, Debug)]
pub struct Config {
    /// Development mode, and what only it opens.
    pub development: Option<Development>,
    /// Pages and signalling.
    pub http: SocketAddr,
    /// gRPC.
    pub grpc: SocketAddr,
    /// Metrics and health.
    pub metrics: SocketAddr,
    /// The first worker's UDP port; 0: any free ones.
    pub udp_port: u16,
    /// What answers advertise, best first; not empty.
    pub advertise: Vec<IpAddr>,
    /// How many workers; at least 1.
    pub workers: u16,
    /// DTLS of all media transports.
    pub dtls: Dtls,
    /// Voices of one room that are forwarded at a time; `None`: all.
    pub forwarded_voices: Option<NonZeroUsize>,
    /// Who may sign tokens.
    pub keys: ApiKeys,
    /// Bounds of rooms and joins.
    pub rooms: Settings,
    /// Bounds of the signalling door.
    pub signalling: DoorSettings,
}

/// What development mode opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Development {
    /// Panics can be asked for over HTTP.
    pub fault_injection: bool,
    /// The key pair is the published one.
    pub published_key: bool,
}

impl Flags {
    /// Checks the flags against one another. `secret` is the value of [`SECRET_VARIABLE`].
    ///
    /// # Errors
    /// What cannot be served, naming the flag.
    pub fn check(self, secret: Option<String>) -> Result<Config, ConfigError> {
        let metrics_bind = self.metrics_bind.unwrap_or(self.bind);
        if self.dev && !self.dev_allow_remote {
            for (flag, address) in [("--bind", self.bind), ("--metrics-bind", metrics_bind)] {
                if !address.is_loopback() {
                    return Err(ConfigError::RemoteDevelopment { flag, address });
                }
            }
        }
        let workers = self.workers.unwrap_or_else(cores);
        let first = self.udp_port;
        if first != 0 && first.checked_add(workers - 1).is_none() {
            return Err(ConfigError::MediaPorts { first, workers });
        }
        let pair = keys::pair(self.dev, self.api_key, self.api_secret_file, secret)?;
        let development = self.dev.then_some(Development {
            fault_injection: self.fault_injection,
            published_key: pair.0 == DEVELOPMENT_KEY,
        });
        let rooms = Settings {
            joins_per_second: self.joins_per_second,
            join_burst: self.joins_per_second.saturating_mul(JOIN_BURST_SECONDS),
            max_participants: self.max_participants,
            remote_unmute: self.remote_unmute,
            ..Settings::default()
        };
        let mut signalling = DoorSettings {
            trust_forwarded_for: self.trust_forwarded_for,
            simulation: self.dev,
            ..DoorSettings::default()
        };
        if let Some(sockets) = self.sockets_per_address {
            signalling.sockets_per_address = sockets.get();
        }
        Ok(Config {
            development,
            http: SocketAddr::new(self.bind, self.http_port),
            grpc: SocketAddr::new(self.bind, self.grpc_port),
            metrics: SocketAddr::new(metrics_bind, self.metrics_port),
            udp_port: first,
            advertise: addresses::advertised(self.advertise, self.dev)?,
            workers,
            dtls: self.dtls,
            forwarded_voices: self.forwarded_voices,
            keys: ApiKeys::new([pair], self.dev)?,
            rooms,
            signalling,
        })
    }
}

/// Cores that this process may use.
fn cores() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    u16::try_from(cores).map_or(MAX_WORKERS, |cores| cores.min(MAX_WORKERS))
}

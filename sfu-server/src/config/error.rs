//! Why a command line cannot be served.

use std::net::IpAddr;
use std::path::PathBuf;

/// Why a command line cannot be served. The text names the flag and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Development mode towards other machines, without the second flag.
    #[error(
        "{flag} {address} with --dev would let whoever reaches this machine into every room; \
         stay on a loopback address, or add --dev-allow-remote if that is meant"
    )]
    RemoteDevelopment {
        /// The flag that asks for it.
        flag: &'static str,
        /// The address.
        address: IpAddr,
    },
    /// The last worker's port would not exist.
    #[error("--udp-port {first} with {workers} workers would run past port 65535")]
    MediaPorts {
        /// The first port.
        first: u16,
        /// How many are needed.
        workers: u16,
    },
    /// Nobody can send to this address.
    #[error("--advertise {0}: clients cannot send to it; name an address of one host")]
    Advertise(IpAddr),
    /// The host has no address to advertise, or does not say.
    #[error("no address of this host was found; name one with --advertise")]
    NoAddress,
    /// No API key, outside development.
    #[error(
        "an API key is needed: --api-key (or SFU_API_KEY), and its secret by --api-secret-file \
         or SFU_API_SECRET; to just try the server use --dev"
    )]
    NoKey,
    /// A key without its secret.
    #[error("--api-key is given without its secret: use --api-secret-file or SFU_API_SECRET")]
    NoSecret,
    /// A secret without its key.
    #[error("a secret is given without its key: use --api-key or SFU_API_KEY")]
    SecretWithoutKey,
    /// The secret's file cannot be read.
    #[error("--api-secret-file {}: {reason}", file.display())]
    SecretFile {
        /// Which.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The pair cannot be used.
    #[error("the API secret cannot be used: {0}")]
    Key(#[from] crate::auth::KeyError),
}

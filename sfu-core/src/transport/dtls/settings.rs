//! Who we are and how the handshake is paced.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use dimpl::{Config, DtlsCertificate};

use crate::media::session::Fingerprint;

/// Largest DTLS datagram written, in bytes of UDP payload: fits every path that WebRTC media fits.
/// Larger saves a datagram of the handshake and is lost on tunnels; smaller splits certificates.
const MTU: usize = 1200;

/// Largest DTLS datagram read, in bytes. Browsers stay within 1200; together with
/// [`MAX_RECEIVE_QUEUE`] it bounds what a handshake can make us hold.
pub(super) const MAX_DATAGRAM_READ: usize = 1500;

/// Datagrams kept for reassembly. A browser's longest flight is 4; more lets a peer make us hold
/// more, fewer fails a handshake whose datagrams arrive in the wrong order.
pub(super) const MAX_RECEIVE_QUEUE: usize = 20;

/// Records of data taken from what the session hands out at once: after a handshake, whatever came
/// before its end. A datagram holds 38 at most; more lets a peer make us hold more, fewer drops
/// the first packets of a data channel, which then come again.
pub(super) const MAX_RECORDS_READ: usize = 64;

/// Datagrams waiting to be sent. A flight of ours is 2 or 3. Past it the new one is dropped, and
/// comes again with the flight's retransmission.
pub(super) const MAX_SEND_QUEUE: usize = 16;

/// First retransmission of a flight. RFC 6347 section 4.2.4.1 allows less than its 1 s where time
/// matters, and BoringSSL starts at 50 ms. Shorter doubles flights on slow paths; longer is felt by
/// whoever joins over a lossy one.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(250);

/// Retransmissions of a flight, each after twice the time: 250 ms to 16 s, 31 s together. The peer's
/// own retransmissions draw on them too.
const MAX_RETRANSMISSIONS: usize = 6;

/// Time for the whole handshake, from the first ClientHello on.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Which versions of DTLS are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DtlsVersion {
    /// DTLS 1.2 (RFC 6347). The default: as a server it prefers the AEAD profiles of SRTP, whatever
    /// order the client offers them in.
    #[default]
    V12,
    /// DTLS 1.3 (RFC 9147) only. As a server it takes the client's first SRTP profile: for Chromium
    /// AES-CM with HMAC-SHA1, which costs five times as much for each packet.
    V13,
    /// DTLS 1.3 where the peer offers it, with the profile that this brings, otherwise 1.2.
    Auto,
}

/// No certificate could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("DTLS certificate: not generated")]
pub struct IdentityError;

/// A certificate with its key. One serves every transport of a process.
#[derive(Clone)]
pub struct DtlsIdentity {
    pub(super) certificate: Arc<DtlsCertificate>,
    fingerprint: Fingerprint,
}

impl DtlsIdentity {
    /// Makes a self-signed P-256 certificate, valid for a year. Uses the system's generator and
    /// clock: called once by the process that owns the engine, never by the engine.
    ///
    /// # Errors
    /// When the cryptographic library makes no key.
    pub fn generate() -> Result<Self, IdentityError> {
        let certificate =
            dimpl::certificate::generate_self_signed_certificate().map_err(|_| IdentityError)?;
        Ok(Self {
            fingerprint: fingerprint_of(&certificate.certificate),
            certificate: Arc::new(certificate),
        })
    }

    /// The certificate's SHA-256 digest, for `a=fingerprint`.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl fmt::Debug for DtlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DtlsIdentity")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// RFC 8122 section 5: the digest of the certificate's DER form.
pub(super) fn fingerprint_of(certificate: &[u8]) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
    Fingerprint(bytes)
}

/// The settings of every transport of a worker.
#[derive(Clone, Debug)]
pub struct TransportSettings {
    pub(super) version: DtlsVersion,
    deterministic: bool,
    config: Arc<Config>,
}

impl TransportSettings {
    /// Settings for live calls.
    #[must_use]
    pub fn new(version: DtlsVersion) -> Self {
        Self {
            version,
            deterministic: false,
            config: Arc::new(config(None)),
        }
    }

    /// Settings for simulations: the jitter of DTLS retransmissions, but also its nonces and hello
    /// randoms, follow from the seed of the worker's generator. For tests only: a nonce that is
    /// known before is none.
    #[must_use]
    pub fn deterministic(version: DtlsVersion) -> Self {
        Self {
            deterministic: true,
            ..Self::new(version)
        }
    }

    /// Whether a transport has to draw a seed for DTLS.
    pub(in crate::transport) fn wants_seed(&self) -> bool {
        self.deterministic
    }

    /// dimpl's configuration for one session.
    pub(super) fn config(&self, seed: Option<u64>) -> Arc<Config> {
        match seed {
            Some(_) => Arc::new(config(seed)),
            None => Arc::clone(&self.config),
        }
    }
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self::new(DtlsVersion::default())
    }
}

fn config(seed: Option<u64>) -> Config {
    let mut builder = Config::builder()
        .mtu(MTU)
        .max_queue_rx(MAX_RECEIVE_QUEUE)
        .max_queue_tx(MAX_SEND_QUEUE)
        // The cookie proves that the sender receives at its address (RFC 6347 section 4.2.1). A
        // check signed with a password that only signalling carries has come from there already,
        // so the cookie would only cost every join a round trip.
        .use_server_cookie(false)
        // RFC 8827 section 6.5: both sides show a certificate.
        .require_client_certificate(true)
        .flight_start_rto(FIRST_RETRANSMISSION)
        .flight_retries(MAX_RETRANSMISSIONS)
        .handshake_timeout(HANDSHAKE_TIMEOUT);
    if let Some(seed) = seed {
        builder = builder.dangerously_set_rng_seed(seed);
    }
    builder
        .build()
        .expect("the constants above are within dimpl's bounds")
}

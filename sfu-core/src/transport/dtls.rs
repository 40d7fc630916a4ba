//! DTLS: agrees on the SRTP keys with whoever holds the certificate that signalling announced.
//!
//! The protocol is `dimpl`'s; nothing of it shows outside this file, so that it can be exchanged.
//! Its ephemeral keys and signatures come from the system's generator, whatever the engine is
//! seeded with.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use dimpl::{Config, DtlsCertificate, KeyingMaterial, Output};

use super::srtp::{SrtpProfile, SrtpReceiver, SrtpSender, split_keying_material};
use crate::drop_reason::DropReason;
use crate::media::session::{DtlsRole, Fingerprint};

/// Largest DTLS datagram written, in bytes of UDP payload: fits every path that WebRTC media fits.
/// Larger saves a datagram of the handshake and is lost on tunnels; smaller splits certificates.
const MTU: usize = 1200;

/// Largest DTLS datagram read, in bytes. Browsers stay within 1200; together with
/// [`MAX_RECEIVE_QUEUE`] it bounds what a handshake can make us hold.
const MAX_DATAGRAM_READ: usize = 1500;

/// Datagrams kept for reassembly. A browser's longest flight is 4; more lets a peer make us hold
/// more, fewer fails a handshake whose datagrams arrive in the wrong order.
const MAX_RECEIVE_QUEUE: usize = 20;

/// Room for whatever the handshake hands out at once. dimpl asserts that the peer's certificate
/// fits, which is part of what was reassembled, so the room is all that can be reassembled.
const SCRATCH: usize = MAX_RECEIVE_QUEUE * MAX_DATAGRAM_READ;

/// Datagrams waiting to be sent. A flight of ours is 2 or 3. Past it the new one is dropped, and
/// comes again with the flight's retransmission.
const MAX_SEND_QUEUE: usize = 16;

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
    certificate: Arc<DtlsCertificate>,
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
fn fingerprint_of(certificate: &[u8]) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
    Fingerprint(bytes)
}

/// The settings of every transport of a worker.
#[derive(Clone, Debug)]
pub struct TransportSettings {
    version: DtlsVersion,
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
    pub(super) fn wants_seed(&self) -> bool {
        self.deterministic
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

/// The session's two directions of SRTP.
pub(super) struct SrtpKeys {
    pub(super) sender: SrtpSender,
    pub(super) receiver: SrtpReceiver,
}

impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKeys").finish_non_exhaustive()
    }
}

/// What became of the DTLS session.
pub(super) enum DtlsFact {
    /// The peer is who signalling said, and these are the keys.
    Connected(Box<SrtpKeys>),
    /// There will be no keys.
    Failed,
    /// The peer is done.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Handshaking,
    Connected,
    /// Failed or closed by either side: datagrams are dropped, what is queued may still leave.
    Ended,
}

/// One DTLS session.
pub(super) struct Dtls {
    engine: dimpl::Dtls,
    role: DtlsRole,
    expected: Fingerprint,
    verified: bool,
    state: State,
    send_queue: VecDeque<Vec<u8>>,
    timeout: Option<Instant>,
    fact: Option<DtlsFact>,
}

impl Dtls {
    /// Starts a session with the holder of the certificate `expected`. In the active role the
    /// ClientHello is ready at once.
    pub(super) fn start(
        now: Instant,
        settings: &TransportSettings,
        seed: Option<u64>,
        identity: &DtlsIdentity,
        role: DtlsRole,
        expected: Fingerprint,
    ) -> Self {
        let config = seed.map_or_else(
            || Arc::clone(&settings.config),
            |seed| Arc::new(config(Some(seed))),
        );
        let certificate = DtlsCertificate::clone(&identity.certificate);
        let mut engine = match settings.version {
            DtlsVersion::V12 => dimpl::Dtls::new_12(config, certificate, now),
            DtlsVersion::V13 => dimpl::Dtls::new_13(config, certificate, now),
            DtlsVersion::Auto => dimpl::Dtls::new_auto(config, certificate, now),
        };
        engine.set_active(role == DtlsRole::Active);
        let mut dtls = Self {
            engine,
            role,
            expected,
            verified: false,
            state: State::Handshaking,
            send_queue: VecDeque::new(),
            timeout: None,
            fact: None,
        };
        dtls.handle_timeout(now);
        dtls
    }

    /// Takes a datagram from a path that a valid check came by.
    pub(super) fn receive(&mut self, now: Instant, datagram: &[u8]) -> Result<(), DropReason> {
        if self.state == State::Ended || datagram.len() > MAX_DATAGRAM_READ {
            return Err(DropReason::DtlsFailed);
        }
        // The engine learns the time by this call only.
        self.drive(|engine| {
            engine.handle_timeout(now)?;
            engine.handle_packet(datagram)
        })
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.state != State::Ended {
            // A failure shows as a fact.
            let _ = self.drive(|engine| engine.handle_timeout(now));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.timeout.filter(|_| self.state != State::Ended)
    }

    /// Copies the next datagram to send into `out` and returns its length.
    pub(super) fn poll_datagram(&mut self, out: &mut [u8]) -> Option<usize> {
        let datagram = self.send_queue.pop_front()?;
        let out = out.get_mut(..datagram.len())?;
        out.copy_from_slice(&datagram);
        Some(datagram.len())
    }

    pub(super) fn take_fact(&mut self) -> Option<DtlsFact> {
        self.fact.take()
    }

    /// Queues a close_notify, so that the peer sees the end at once (RFC 8446 section 6.1).
    pub(super) fn close(&mut self) {
        if self.state == State::Connected {
            let _ = self.drive(dimpl::Dtls::close);
        }
        self.state = State::Ended;
        self.fact = None;
    }

    /// Lets the engine work, then takes everything that it has to say.
    fn drive(
        &mut self,
        work: impl FnOnce(&mut dimpl::Dtls) -> Result<(), dimpl::Error>,
    ) -> Result<(), DropReason> {
        if work(&mut self.engine).is_err() {
            // dimpl's errors are final, and its state may be gone: nothing more is asked of it.
            return match self.state {
                State::Handshaking => self.fail(),
                // The keys are agreed on and media has its own authentication: what goes wrong from
                // here on ends the DTLS session, not the call.
                State::Connected | State::Ended => {
                    self.state = State::Ended;
                    Err(DropReason::DtlsFailed)
                }
            };
        }
        let mut scratch = [0; SCRATCH];
        let (mut connected, mut closed) = (false, false);
        let mut keys = None;
        loop {
            match self.engine.poll_output(&mut scratch) {
                Output::Packet(packet) => {
                    if self.send_queue.len() < MAX_SEND_QUEUE {
                        self.send_queue.push_back(packet.to_vec());
                    }
                }
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    break;
                }
                // RFC 8122 section 6.2: another certificate ends the session.
                Output::PeerCert(certificate) if fingerprint_of(certificate) != self.expected => {
                    return self.fail();
                }
                Output::PeerCert(_) => self.verified = true,
                Output::Connected => connected = true,
                Output::KeyingMaterial(material, profile) => {
                    keys = self.split(&material, profile);
                }
                Output::CloseNotify => closed = true,
                // No data channel is agreed on, so nobody waits for this.
                Output::ApplicationData(_) => {}
                // Never: the scratch holds whatever can be reassembled, and there is no other kind.
                _ => return self.fail(),
            }
        }
        if connected {
            // RFC 8827 section 6.5: no keys of a peer that has not been verified, and no session
            // without keys.
            let Some(keys) = keys.filter(|_| self.verified) else {
                return self.fail();
            };
            self.state = State::Connected;
            self.fact = Some(DtlsFact::Connected(Box::new(keys)));
        }
        if closed {
            self.state = State::Ended;
            self.fact = Some(DtlsFact::Closed);
        }
        Ok(())
    }

    fn fail(&mut self) -> Result<(), DropReason> {
        self.state = State::Ended;
        // Among what waits may be our last flight, which would tell the peer that all is well.
        self.send_queue.clear();
        self.fact = Some(DtlsFact::Failed);
        Err(DropReason::DtlsFailed)
    }

    /// The SRTP contexts of the exported keying material.
    fn split(&self, material: &KeyingMaterial, profile: dimpl::SrtpProfile) -> Option<SrtpKeys> {
        let profile = match profile {
            dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
            dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
            dimpl::SrtpProfile::AES128_CM_SHA1_80 => SrtpProfile::AesCm128HmacSha1_80,
            _ => return None,
        };
        let (client, server) = split_keying_material(profile, material)?;
        // RFC 5764 section 4.2: each side writes with its own.
        let (ours, theirs) = match self.role {
            DtlsRole::Active => (client, server),
            DtlsRole::Passive => (server, client),
        };
        Some(SrtpKeys {
            sender: SrtpSender::new(profile, &ours).ok()?,
            receiver: SrtpReceiver::new(profile, &theirs).ok()?,
        })
    }
}

impl fmt::Debug for Dtls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dtls")
            .field("role", &self.role)
            .field("state", &self.state)
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}

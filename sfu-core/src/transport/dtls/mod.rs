//! DTLS: agrees on the SRTP keys with whoever holds the certificate that signalling announced.
//!
//! The protocol is `dimpl`'s; nothing of it shows outside this module, so that it can be exchanged.
//! Its ephemeral keys and signatures come from the system's generator, whatever the engine is
//! seeded with.

mod settings;

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use dimpl::{DtlsCertificate, KeyingMaterial, Output};

pub use settings::{DtlsIdentity, DtlsVersion, IdentityError, TransportSettings};

use self::settings::{
    MAX_DATAGRAM_READ, MAX_RECEIVE_QUEUE, MAX_RECORDS_READ, MAX_SEND_QUEUE, fingerprint_of,
};
use super::srtp::{SrtpProfile, SrtpReceiver, SrtpSender, split_keying_material};
use crate::drop_reason::DropReason;
use crate::media::session::{DtlsRole, Fingerprint};

/// Room for whatever the handshake hands out at once. dimpl asserts that the peer's certificate
/// fits, which is part of what was reassembled, so the room is all that can be reassembled.
const SCRATCH: usize = MAX_RECEIVE_QUEUE * MAX_DATAGRAM_READ;

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
    received: VecDeque<Vec<u8>>,
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
        let config = settings.config(seed);
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
            received: VecDeque::new(),
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

    /// Whether data can be sent: the peer is who signalling said.
    pub(super) fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Queues data for the peer, as one record in a datagram of its own.
    pub(super) fn send(&mut self, data: &[u8]) {
        if self.state == State::Connected {
            // A failure ends the session, and what is lost with it is nothing that was promised.
            let _ = self.drive(|engine| engine.send_application_data(data).map(|_| ()));
        }
    }

    /// The next data that the peer has sent.
    pub(super) fn poll_received(&mut self) -> Option<Vec<u8>> {
        self.received.pop_front()
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
                // RFC 8122 section 6.2: another certificate ends the session. What the engine would
                // say next, our last flight, never leaves: it tells the peer that all is well.
                Output::PeerCert(certificate) if fingerprint_of(certificate) != self.expected => {
                    return self.fail();
                }
                Output::PeerCert(_) => self.verified = true,
                Output::Connected => connected = true,
                Output::KeyingMaterial(material, profile) => {
                    keys = self.split(&material, profile);
                }
                Output::CloseNotify => closed = true,
                // RFC 8827 section 6.5: nothing is heard of a peer that has not been verified.
                Output::ApplicationData(data) => {
                    let known = self.state == State::Connected || connected && self.verified;
                    if known && self.received.len() < MAX_RECORDS_READ {
                        self.received.push_back(data.to_vec());
                    }
                }
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
        self.received.clear();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The real instant that virtual time starts from.
    #[allow(
        clippy::disallowed_methods,
        reason = "virtual time needs one real instant to start from"
    )]
    fn base() -> Instant {
        Instant::now()
    }

    fn start(now: Instant, identity: &DtlsIdentity, role: DtlsRole) -> Dtls {
        let settings = TransportSettings::default();
        let expected = identity.fingerprint();
        Dtls::start(now, &settings, None, identity, role, expected)
    }

    fn deliver(now: Instant, from: &mut Dtls, to: &mut Dtls) {
        let mut out = [0; MAX_DATAGRAM_READ];
        while let Some(len) = from.poll_datagram(&mut out) {
            to.receive(now, &out[..len]).unwrap();
        }
    }

    #[test]
    fn an_error_fails_a_handshake_but_not_a_session_that_has_keys() {
        let now = base();
        let identity = DtlsIdentity::generate().unwrap();
        let mut client = start(now, &identity, DtlsRole::Active);
        let mut server = start(now, &identity, DtlsRole::Passive);
        for _ in 0..3 {
            deliver(now, &mut client, &mut server);
            deliver(now, &mut server, &mut client);
        }
        assert!(matches!(server.take_fact(), Some(DtlsFact::Connected(_))));
        assert!(matches!(client.take_fact(), Some(DtlsFact::Connected(_))));

        let fatal = |_: &mut dimpl::Dtls| Err(dimpl::Error::ReceiveQueueFull);
        assert_eq!(server.drive(fatal), Err(DropReason::DtlsFailed));
        assert!(server.take_fact().is_none());
        // The engine is never asked again.
        assert_eq!(server.poll_timeout(), None);
        assert_eq!(server.receive(now, &[22; 20]), Err(DropReason::DtlsFailed));

        let mut waiting = start(now, &identity, DtlsRole::Passive);
        assert_eq!(waiting.drive(fatal), Err(DropReason::DtlsFailed));
        assert!(matches!(waiting.take_fact(), Some(DtlsFact::Failed)));
    }

    #[test]
    fn longer_datagrams_than_any_peers_are_not_read() {
        let now = base();
        let identity = DtlsIdentity::generate().unwrap();
        let mut client = start(now, &identity, DtlsRole::Active);
        let mut server = start(now, &identity, DtlsRole::Passive);
        let mut out = [0; MAX_DATAGRAM_READ + 1];
        let len = client.poll_datagram(&mut out).unwrap();
        assert_eq!(server.receive(now, &out), Err(DropReason::DtlsFailed));
        assert!(server.take_fact().is_none());
        assert_eq!(server.receive(now, &out[..len]), Ok(()));
        assert!(server.poll_datagram(&mut out).is_some());
    }
}

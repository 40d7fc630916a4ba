//! One peer connection's transport: what turns datagrams into packets and back.
//!
//! ```text
//! datagram -> lookup (whose is it?) -> ice   a check: is the sender who it says, is the path good?
//!                                   -> dtls  only from a good path: agrees on keys
//!                                   -> srtp  only with keys: opens packets
//!                                   -> sctp  inside DTLS: data channels
//! ```
//!
//! Each step waits for the one before: no DTLS before a valid check (RFC 8842 section 5.1), no keys
//! before the peer's certificate has the digest that signalling announced, no media before keys.
//!
//! Deliberately absent: sending checks (we are a lite agent), TURN, and data channels that we open.

mod data;
mod data_channel;
mod dtls;
pub mod ice;
pub mod lookup;
mod media;
mod sctp;
pub mod srtp;
#[cfg(test)]
mod tests;
mod view;

use std::collections::VecDeque;
use std::time::Instant;

use rand_chacha::ChaCha12Rng;
use rand_core::Rng;

pub use data_channel::DataEvent;
pub use dtls::{DtlsIdentity, DtlsVersion, IdentityError, TransportSettings};

use self::data::Data;
use self::dtls::{Dtls, DtlsFact, SrtpKeys};
use self::ice::{Check, CheckOutcome, Ice};
use crate::drop_reason::DropReason;
use crate::event::MediaLoss;
use crate::id::WorkerId;
use crate::media::path::Path;
use crate::media::session::{DtlsRole, Fingerprint, OfferError, TransportParameters};

/// Answers to checks that wait to be sent. The worker sends after each batch that it has received.
/// More lets one peer's checks grow a queue; fewer drops answers of a peer with many paths, which
/// then checks again.
const MAX_QUEUED_ANSWERS: usize = 16;

/// What a transport has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportEvent {
    /// The peer's certificate is the announced one and both sides have keys.
    Connected {
        /// The SRTP profile's registered name.
        srtp_profile: &'static str,
        /// The nominated path, or the last one checked while there is none.
        path: Path,
    },
    /// The transport is over: it answers nothing and opens nothing any more.
    Lost(MediaLoss),
}

/// One peer connection's ICE, DTLS, SRTP and data channels.
#[derive(Debug)]
pub struct Transport {
    ice: Ice,
    identity: DtlsIdentity,
    settings: TransportSettings,
    dtls_seed: Option<u64>,
    /// Fixed by the first offer.
    peer: Option<(Fingerprint, DtlsRole)>,
    /// Boxed: the handshake's room is large, and media never looks at it.
    dtls: Option<Box<Dtls>>,
    /// DTLS may have something to send: every flush asks, and its room is far away.
    dtls_speaks: bool,
    keys: Option<Box<SrtpKeys>>,
    data: Data,
    answers: VecDeque<(Path, ice::Answer)>,
    events: VecDeque<TransportEvent>,
    is_over: bool,
}

impl Transport {
    /// A transport on `worker` with new credentials. It has [`ice::CONSENT_TIMEOUT`] from the first
    /// offer on to see a valid check.
    #[must_use]
    pub fn new(
        now: Instant,
        worker: WorkerId,
        identity: &DtlsIdentity,
        settings: &TransportSettings,
        rng: &mut ChaCha12Rng,
    ) -> Self {
        Self {
            ice: Ice::new(now, worker, rng),
            identity: identity.clone(),
            settings: settings.clone(),
            dtls_seed: settings.wants_seed().then(|| rng.next_u64()),
            peer: None,
            dtls: None,
            dtls_speaks: false,
            keys: None,
            data: Data::new(rng.next_u64()),
            answers: VecDeque::new(),
            events: VecDeque::new(),
            is_over: false,
        }
    }

    /// Takes the peer's side of an offer. The first fixes the certificate and the DTLS role, which
    /// hold as long as the DTLS session does (RFC 8842 section 5.5). New ICE credentials in a later
    /// one are an ICE restart: our own change too, and with them [`Self::local_ufrags`].
    ///
    /// # Errors
    /// [`OfferError::FingerprintChanged`]; nothing is changed then.
    pub fn set_remote(
        &mut self,
        now: Instant,
        remote: &TransportParameters,
        rng: &mut ChaCha12Rng,
    ) -> Result<(), OfferError> {
        match self.peer {
            Some((fingerprint, _)) if fingerprint != remote.fingerprint => {
                return Err(OfferError::FingerprintChanged);
            }
            Some(_) => {}
            None => self.peer = Some((remote.fingerprint, remote.dtls_role)),
        }
        self.ice.set_remote(now, &remote.ice, rng);
        self.start_active(now);
        Ok(())
    }

    /// Judges a check for one of our ufrags and queues the answer to it.
    ///
    /// # Errors
    /// [`DropReason::StunUnknownUfrag`] for a ufrag that is not ours (any more), and
    /// [`DropReason::StunBadIntegrity`] for another password. Both go unanswered.
    pub fn handle_check(
        &mut self,
        now: Instant,
        path: Path,
        check: &Check<'_>,
    ) -> Result<CheckOutcome, DropReason> {
        if self.is_over {
            return Err(DropReason::StunUnknownUfrag);
        }
        let (outcome, answer) = self.ice.handle_check(now, path, check)?;
        if self.answers.len() < MAX_QUEUED_ANSWERS {
            self.answers.push_back((path, answer));
        }
        self.start_active(now);
        Ok(outcome)
    }

    /// Takes a DTLS datagram.
    ///
    /// # Errors
    /// [`DropReason::DtlsUnknownPath`] from a path without a valid check;
    /// [`DropReason::DtlsFailed`] when there is no session (any more), or the datagram ended it;
    /// what the data in it is dropped for.
    pub fn handle_dtls(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &[u8],
    ) -> Result<(), DropReason> {
        if !self.accepts(path) {
            return Err(DropReason::DtlsUnknownPath);
        }
        self.start_dtls(now);
        let dtls = self.dtls.as_mut().ok_or(DropReason::DtlsFailed)?;
        let taken = dtls.receive(now, datagram);
        self.dtls_speaks = true;
        self.take_dtls_fact(now);
        taken.and(self.take_data(now))
    }

    /// Writes the next answer to a check, or the next datagram of DTLS, into `out`
    /// ([`crate::media::send_batch::MAX_DATAGRAM`] bytes). Returns where it goes, and its length.
    pub fn poll_datagram(&mut self, out: &mut [u8]) -> Option<(Path, usize)> {
        if let Some((path, answer)) = self.answers.pop_front() {
            out.get_mut(..answer.len())?.copy_from_slice(&answer);
            return Some((path, answer.len()));
        }
        if !self.dtls_speaks {
            return None;
        }
        let path = self.ice.control_path()?;
        let written = self.dtls.as_mut().and_then(|dtls| dtls.poll_datagram(out));
        self.dtls_speaks = written.is_some();
        Some((path, written?))
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_over {
            return;
        }
        if self.ice.is_consent_expired(now) {
            // RFC 7675 section 5.1: nothing more is sent, not even a goodbye.
            self.answers.clear();
            self.dtls = None;
            return self.end(MediaLoss::ConsentExpired);
        }
        if let Some(dtls) = &mut self.dtls
            && dtls.poll_timeout().is_some_and(|at| at <= now)
        {
            dtls.handle_timeout(now);
            self.dtls_speaks = true;
            self.take_dtls_fact(now);
        }
        self.handle_data_timeout(now);
    }

    /// The next thing that there is to tell.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// Ends the transport from our side. What [`Self::poll_datagram`] still gives tells the peer at
    /// once; no event follows.
    pub fn close(&mut self) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close();
            self.dtls_speaks = true;
        }
        self.is_over = true;
        self.keys = None;
        self.end_data();
        self.events.clear();
    }

    /// In the active role, starts the handshake once there is a path for it.
    fn start_active(&mut self, now: Instant) {
        if matches!(self.peer, Some((_, DtlsRole::Active))) && self.ice.control_path().is_some() {
            self.start_dtls(now);
        }
    }

    fn start_dtls(&mut self, now: Instant) {
        let Some((fingerprint, role)) = self.peer else {
            return;
        };
        if self.dtls.is_none() {
            self.dtls_speaks = true;
            self.dtls = Some(Box::new(Dtls::start(
                now,
                &self.settings,
                self.dtls_seed,
                &self.identity,
                role,
                fingerprint,
            )));
        }
    }

    fn take_dtls_fact(&mut self, now: Instant) {
        match self.dtls.as_deref_mut().and_then(Dtls::take_fact) {
            None => {}
            Some(DtlsFact::Connected(keys)) => {
                // DTLS is only taken by, and timed out on, a transport with a path.
                if let Some(path) = self.ice.select_for_media() {
                    self.events.push_back(TransportEvent::Connected {
                        srtp_profile: keys.sender.profile().name(),
                        path,
                    });
                }
                self.keys = Some(keys);
                self.open_data(now);
            }
            Some(DtlsFact::Failed) => self.end(MediaLoss::DtlsFailed),
            Some(DtlsFact::Closed) => self.end(MediaLoss::DtlsClosed),
        }
    }

    fn end(&mut self, loss: MediaLoss) {
        self.is_over = true;
        self.keys = None;
        self.end_data();
        self.events.push_back(TransportEvent::Lost(loss));
    }
}

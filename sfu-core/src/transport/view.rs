//! What a transport shows of itself: nothing here changes it.

use std::time::Instant;

use super::Transport;
use super::dtls::Dtls;
use crate::media::path::Path;
use crate::media::session::{DtlsRole, Fingerprint, IceCredentials};

impl Transport {
    /// What the answer says: our ICE credentials, our certificate's digest, our DTLS role.
    #[must_use]
    pub fn local_parameters(&self) -> (&IceCredentials, Fingerprint, DtlsRole) {
        // RFC 8842 section 5.3: the answerer prefers to wait for the ClientHello.
        let role = self.peer.map_or(DtlsRole::Passive, |(_, role)| role);
        (self.ice.credentials(), self.identity.fingerprint(), role)
    }

    /// The ufrags that checks may name now: one, or two during an ICE restart. For
    /// [`super::lookup::Lookup::set_ufrags`].
    pub fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        self.ice.ufrags()
    }

    /// Whether there are keys.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.keys.is_some()
    }

    /// Where media goes: the path nominated last, while it has consent.
    #[must_use]
    pub fn selected_path(&self) -> Option<Path> {
        self.ice.selected().filter(|_| !self.is_over)
    }

    /// Whether DTLS and media are taken from `path`: a valid check has come by it.
    #[must_use]
    pub fn accepts(&self, path: Path) -> bool {
        !self.is_over && self.ice.is_valid(path)
    }

    /// Whether a valid check has come by `path` within [`super::ice::CONSENT_TIMEOUT`]: whether another
    /// transport may claim it in [`super::lookup::Lookup::insert_path`].
    #[must_use]
    pub fn is_path_live(&self, now: Instant, path: Path) -> bool {
        !self.is_over && self.ice.is_live(now, path)
    }

    /// Every path that media is taken from.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        self.ice.paths()
    }

    /// When [`Self::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_over {
            return None;
        }
        let ice = self.ice.poll_timeout();
        let dtls = self.dtls.as_deref().and_then(Dtls::poll_timeout);
        let others = dtls.into_iter().chain(self.data_timeout());
        Some(others.fold(ice, Instant::min))
    }
}

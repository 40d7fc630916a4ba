//! ICE, the lite side (RFC 8445 section 2.5): answers checks, never sends one.
//!
//! The peer finds the paths and chooses among them. A check that its password vouches for validates
//! the path it came by; one that nominates moves the send path there, as often as the peer wishes. A
//! plain one moves it only when the send path is checked no more: then a NAT has changed the peer's
//! address behind its back.
//! Nothing is kept for, and nothing sent to, a sender without the password.

mod answer;
mod check;
mod credentials;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use is::stun::StunMessage;
use rand_chacha::ChaCha12Rng;

pub(super) use answer::Answer;
pub use check::{Check, MAX_CHECK_LEN, read_check};
pub use credentials::{LOCAL_UFRAG_LEN, worker_of_ufrag};

use self::answer::{canonical, write_answer};
use crate::drop_reason::DropReason;
use crate::id::WorkerId;
use crate::media::path::Path;
use crate::media::session::IceCredentials;

/// How long a path lives without a valid check: RFC 7675 section 5.1. Browsers check every few
/// seconds. Longer, and media goes on to an address whose owner may be gone; shorter, and a tunnel's
/// outage ends calls.
pub const CONSENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the send path may go unchecked before media follows plain checks to where they come from.
/// Clients check the pair they use every two to six seconds (RFC 7675 section 5.1: five, more or less
/// a fifth), so not below that: a lost check or two would move media to a path that the peer merely
/// keeps warm. Longer, and who nominates once only, as Firefox does, is away for longer after its NAT
/// has forgotten it; Chromium nominates with every check of the pair it uses.
pub const SILENT_PATH: Duration = Duration::from_secs(7);

/// Most paths of one transport that count as valid. A browser with several interfaces checks a
/// handful. More costs memory and places in the worker's table that one participant can fill; fewer
/// makes a peer with many interfaces lose a path to the next one until its next check.
pub const MAX_VALID_PATHS: usize = 8;

/// What a valid check changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckOutcome {
    /// The check's path was not valid before: the worker's table must learn it.
    pub new_path: bool,
    /// The check moved the send path to its own, or confirmed it there.
    pub nominated: bool,
    /// The path that lost its place to the new one: the worker's table must forget it.
    pub evicted: Option<Path>,
    /// An ICE restart is complete: the old ufrag is void and the worker's table must forget it.
    pub ufrag_retired: bool,
}

/// A path that a check has vouched for.
#[derive(Clone, Copy, Debug)]
struct ValidPath {
    path: Path,
    /// The latest valid check.
    checked: Instant,
}

/// One transport's ICE state.
#[derive(Debug)]
pub(super) struct Ice {
    worker: WorkerId,
    current: IceCredentials,
    /// The credentials before an ICE restart, until a check with the current ones nominates.
    previous: Option<IceCredentials>,
    remote: Option<IceCredentials>,
    paths: ArrayVec<ValidPath, MAX_VALID_PATHS>,
    selected: Option<Path>,
    /// There was a send path once: what follows is a change of it.
    was_selected: bool,
    /// The latest proof that the peer is there: a valid check on any path, or a restart's offer.
    alive: Instant,
}

impl Ice {
    pub(super) fn new(now: Instant, worker: WorkerId, rng: &mut ChaCha12Rng) -> Self {
        Self {
            worker,
            current: credentials::generate(worker, rng),
            previous: None,
            remote: None,
            paths: ArrayVec::new(),
            selected: None,
            was_selected: false,
            alive: now,
        }
    }

    pub(super) fn credentials(&self) -> &IceCredentials {
        &self.current
    }

    /// The ufrags that checks may name: one, or two while an ICE restart is under way.
    pub(super) fn ufrags(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .map(|credentials| credentials.ufrag.as_str())
    }

    /// Takes the peer's credentials. Other ones than before are an ICE restart: we get new ones too
    /// (RFC 8839 section 4.4.1.1.1).
    pub(super) fn set_remote(
        &mut self,
        now: Instant,
        remote: &IceCredentials,
        rng: &mut ChaCha12Rng,
    ) {
        match self.remote.replace(remote.clone()) {
            // The answer leaves now: the peer's time to check begins.
            None => self.alive = now,
            Some(before) if before != *remote => {
                let new = credentials::generate(self.worker, rng);
                let old = std::mem::replace(&mut self.current, new);
                // RFC 8445 section 9: until the restart has chosen a path, media stays on the old
                // one. When a second restart overtakes the first, the old one is still the one
                // before both.
                self.previous.get_or_insert(old);
                self.alive = now;
            }
            Some(_) => {}
        }
    }

    /// Judges a check that came by `path`, and writes the answer to it.
    pub(super) fn handle_check(
        &mut self,
        now: Instant,
        path: Path,
        check: &Check<'_>,
    ) -> Result<(CheckOutcome, Answer), DropReason> {
        let is_current = check.local_ufrag == self.current.ufrag.as_str();
        let credentials = match &self.previous {
            _ if is_current => &self.current,
            Some(previous) if check.local_ufrag == previous.ufrag.as_str() => previous,
            _ => return Err(DropReason::StunUnknownUfrag),
        };
        // RFC 8489 section 9.1.3 would answer 401; a stranger gets no answer at all, so that we
        // neither amplify nor confirm anything.
        if !check.is_signed_with(&credentials.pwd) {
            return Err(DropReason::StunBadIntegrity);
        }
        let trans_id = check.message().trans_id();
        let answer = if check.sender_is_controlled {
            // RFC 8445 section 7.3.1.1, case 2: two controlled sides. A lite agent cannot take the
            // other role (section 6.1.1), so the peer is always the one told to switch.
            StunMessage::binding_role_conflict_reply(trans_id)
        } else {
            StunMessage::binding_reply(trans_id, canonical(path.remote))
        };
        let answer =
            write_answer(answer, &credentials.pwd).map_err(|_| DropReason::StunMalformed)?;
        if check.sender_is_controlled {
            return Ok((CheckOutcome::default(), answer));
        }

        self.alive = now;
        let mut outcome = self.validate(now, path);
        if check.use_candidate {
            // RFC 8445 section 8.1.1 ends with the first nomination; browsers go on and move by a
            // later one, so the latest wins.
            self.select(path);
            outcome.nominated = true;
            outcome.ufrag_retired = is_current && self.previous.take().is_some();
        } else if self.is_send_path_silent(now) {
            // The pair that the peer uses is checked for as long as it uses it (RFC 7675 section 5):
            // its NAT has given it another address, which it cannot know, and it has nominated
            // already. The password vouches for it as it does for a nomination.
            self.select(path);
            outcome.nominated = true;
        }
        Ok((outcome, answer))
    }

    fn select(&mut self, path: Path) {
        self.was_selected = true;
        self.selected = Some(path);
    }

    /// Whether the path that media has gone by is one that the peer checks no more.
    fn is_send_path_silent(&self, now: Instant) -> bool {
        let checked = self.selected.and_then(|path| self.checked(path));
        self.was_selected && checked.is_none_or(|checked| checked + SILENT_PATH <= now)
    }

    /// Notes that `path` is valid at `now`, at the cost of the path unchecked for longest when there
    /// is no room.
    fn validate(&mut self, now: Instant, path: Path) -> CheckOutcome {
        let mut outcome = CheckOutcome::default();
        if let Some(known) = self.paths.iter_mut().find(|known| known.path == path) {
            known.checked = now;
            return outcome;
        }
        outcome.new_path = true;
        if self.paths.is_full() {
            let oldest = (0..self.paths.len())
                .filter(|&at| Some(self.paths[at].path) != self.selected)
                .min_by_key(|&at| self.paths[at].checked);
            outcome.evicted = oldest.map(|at| self.paths.remove(at).path);
        }
        self.paths.push(ValidPath { path, checked: now });
        outcome
    }

    /// Whether a valid check has come by `path`.
    pub(super) fn is_valid(&self, path: Path) -> bool {
        self.checked(path).is_some()
    }

    /// Whether a valid check has come by `path` within the consent time.
    pub(super) fn is_live(&self, now: Instant, path: Path) -> bool {
        self.checked(path)
            .is_some_and(|checked| now < checked + CONSENT_TIMEOUT)
    }

    fn checked(&self, path: Path) -> Option<Instant> {
        self.paths
            .iter()
            .find(|known| known.path == path)
            .map(|known| known.checked)
    }

    /// Every valid path.
    pub(super) fn paths(&self) -> impl Iterator<Item = Path> {
        self.paths.iter().map(|known| known.path)
    }

    /// The nominated path.
    pub(super) fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// The path for what cannot wait for a nomination: the nominated one, else the one checked last.
    pub(super) fn control_path(&self) -> Option<Path> {
        self.selected.or_else(|| {
            let latest = self.paths.iter().max_by_key(|known| known.checked)?;
            Some(latest.path)
        })
    }

    /// Has media go by [`Self::control_path`] from now on, until a check nominates: that check may be
    /// lost for seconds, and RFC 8445 section 12.1 lets any valid pair carry data before it. For the
    /// handshake's end, which shows that the peer gets what is sent there.
    pub(super) fn select_for_media(&mut self) -> Option<Path> {
        let path = self.control_path()?;
        self.select(path);
        Some(path)
    }

    /// Withdraws the send path once its own consent is over (RFC 7675 section 5.1 counts by path),
    /// and returns true when no path has any left.
    pub(super) fn is_consent_expired(&mut self, now: Instant) -> bool {
        if self.selected_deadline().is_some_and(|at| at <= now) {
            self.selected = None;
        }
        self.alive + CONSENT_TIMEOUT <= now
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        let last = self.alive + CONSENT_TIMEOUT;
        self.selected_deadline().map_or(last, |at| at.min(last))
    }

    fn selected_deadline(&self) -> Option<Instant> {
        Some(self.checked(self.selected?)? + CONSENT_TIMEOUT)
    }
}

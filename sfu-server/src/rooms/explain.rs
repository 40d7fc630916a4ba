//! Why a participant's subscriptions are sent what they are sent: asked of the engine, which alone
//! knows, and answered in its own time.

use std::collections::{BTreeMap, VecDeque};

use sfu_core::command::Command;
use sfu_core::id::{ParticipantId, TrackId};
use sfu_core::media::explanation::{Limit, LinkExplanation, SubscriptionExplanation};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::room::State;
use super::{Rooms, limits, no_participant, no_room};
use crate::error::{ApiError, ErrorKind};
use crate::rate::TokenBucket;

/// What a participant is sent and why, and what its network carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its network.
    pub link: LinkExplanation,
    /// Each of its subscriptions, by the tracks' sids.
    pub subscriptions: Vec<ExplainedSubscription>,
}

/// One subscription, in words that callers know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedSubscription {
    /// The track's sid.
    pub track_sid: String,
    /// Whose track it is.
    pub publisher_identity: String,
    /// What it is sent, and why.
    pub told: Told,
}

/// Who knows why a subscription is sent what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The engine.
    Explained(SubscriptionExplanation),
    /// The subscriber has paused it, and the engine does not know of it.
    Paused,
    /// Its publisher does not permit it.
    NotPermitted,
    /// The subscriber does not decode its first codec, and the second is not sent yet.
    AwaitsBackup,
}

impl Told {
    /// What keeps the subscription from the best that its publisher could offer.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        match self {
            Self::Explained(told) => told.limit,
            Self::Paused => Limit::PausedBySubscriber,
            Self::NotPermitted => Limit::Permission,
            Self::AwaitsBackup => Limit::Format,
        }
    }
}

type Answer = oneshot::Sender<Explained>;

/// The questions about one participant that the engine has not answered yet, oldest first. They end
/// with the participant.
#[derive(Debug)]
pub(super) struct Questions {
    asked: u64,
    /// How often the participant itself may ask.
    own: TokenBucket,
    open: VecDeque<(u64, Answer)>,
}

impl Questions {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            asked: 0,
            own: TokenBucket::new(limits::OWN_QUESTIONS, now),
            open: VecDeque::new(),
        }
    }

    /// One more question: its number, and where its answer will be.
    fn ask(&mut self) -> Result<(u64, oneshot::Receiver<Explained>), ApiError> {
        // Who asked has given up on some.
        self.open.retain(|(_, answer)| !answer.is_closed());
        let most = limits::MAX_QUESTIONS;
        if self.open.len() >= most {
            let message = format!("{most} calls wait for the same participant's explanation");
            return Err(ApiError::new(ErrorKind::ResourceExhausted, message));
        }
        let (answer, receiver) = oneshot::channel();
        self.asked += 1;
        self.open.push_back((self.asked, answer));
        Ok((self.asked, receiver))
    }

    fn take(&mut self, request: u64) -> Option<Answer> {
        let at = self
            .open
            .iter()
            .position(|(number, _)| *number == request)?;
        self.open.remove(at).map(|(_, answer)| answer)
    }
}

impl Rooms {
    /// Every subscription of a participant: what it asked for, what it is sent, and why; and what
    /// its network carries.
    ///
    /// # Errors
    /// `NotFound` naming `room` or `identity`, also when the participant leaves meanwhile;
    /// `ResourceExhausted` when [`limits::MAX_QUESTIONS`] others wait for the same; `Unavailable`
    /// when the engine does not answer within [`limits::ENGINE_ANSWER`].
    pub async fn explain_subscriptions(
        &self,
        room: &str,
        identity: &str,
    ) -> Result<Explained, ApiError> {
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        answered(room.with(|state| state.ask_why(identity))?).await
    }

    /// As [`Self::explain_subscriptions`], asked by the participant itself.
    ///
    /// # Errors
    /// `RateLimited` when it asks more often than [`limits::OWN_QUESTIONS`].
    pub async fn explain_own(&self, room: &str, identity: &str) -> Result<Explained, ApiError> {
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        let answer = room.with(|state| {
            let id = state.participant_named(identity)?;
            let asks = state.participants.get_mut(&id).ok_or_else(no_participant)?;
            if !asks.questions.own.take(Instant::now()) {
                let message = "ask less often about the same participant";
                return Err(ApiError::new(ErrorKind::RateLimited, message));
            }
            state.ask_why(identity)
        })?;
        answered(answer).await
    }
}

/// The engine's answer, unless it takes too long.
async fn answered(answer: oneshot::Receiver<Explained>) -> Result<Explained, ApiError> {
    match tokio::time::timeout(limits::ENGINE_ANSWER, answer).await {
        Ok(answer) => answer.map_err(|_| no_participant()),
        Err(_) => Err(ApiError::new(
            ErrorKind::Unavailable,
            "the media engine did not answer in time",
        )),
    }
}

impl State {
    fn ask_why(&mut self, identity: &str) -> Result<oneshot::Receiver<Explained>, ApiError> {
        let participant = self.participant_named(identity)?;
        let asked = self.participants.get_mut(&participant);
        let (request, answer) = asked.ok_or_else(no_participant)?.questions.ask()?;
        self.engine.send(Command::ExplainSubscriptions {
            participant,
            request,
        });
        Ok(answer)
    }

    /// The engine's answer to a question.
    pub(super) fn explained(
        &mut self,
        id: ParticipantId,
        request: u64,
        explanations: &[SubscriptionExplanation],
        link: LinkExplanation,
    ) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let Some(answer) = participant.questions.take(request) else {
            return;
        };
        let mut told: BTreeMap<TrackId, Told> = BTreeMap::new();
        // As the engine would: what the subscriber has done comes first.
        let unknown = |id: &TrackId, why| match participant.wish(*id).enabled {
            true => (*id, why),
            false => (*id, Told::Paused),
        };
        let withheld = participant.withheld.iter();
        told.extend(withheld.map(|id| unknown(id, Told::NotPermitted)));
        let subscriptions = &participant.subscriptions;
        let on_backup = participant.on_backup.intersection(subscriptions);
        told.extend(on_backup.map(|id| unknown(id, Told::AwaitsBackup)));
        let known = explanations.iter();
        told.extend(known.map(|one| (self.track_of_carrier(one.track), Told::Explained(*one))));
        let explained = told.into_iter().filter_map(|(id, told)| {
            // What ended while the engine answered is no subscription any more.
            let track = self.tracks.get(&id)?;
            let publisher = self.participants.get(&track.publisher)?;
            Some(ExplainedSubscription {
                track_sid: track.info.sid.clone(),
                publisher_identity: publisher.identity.to_string(),
                told,
            })
        });
        let mut subscriptions: Vec<_> = explained.collect();
        subscriptions.sort_by(|a, b| a.track_sid.cmp(&b.track_sid));
        // Whoever asked may have given up.
        let _ = answer.send(Explained {
            link,
            subscriptions,
        });
    }
}

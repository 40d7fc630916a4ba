//! How often what one participant does is told to everyone.
//!
//! A mute is told to the whole room, with all that is known of who muted, and a client may ask for
//! fifty a second. So there is a rate; what comes more often is done at once and told together,
//! with the next look at the timers.

use sfu_core::id::ParticipantId;
use tokio::time::Instant;

use super::limits;
use super::room::State;
use crate::rate::{Rate, TokenBucket};

const RATE: Rate = Rate {
    per_second: limits::NEWS_PER_SECOND,
    burst: limits::NEWS_BURST,
};

/// What of a participant's own doing the others are still to be told.
#[derive(Debug)]
pub(super) struct News {
    rate: TokenBucket,
    /// Its tracks are others than before.
    pub(super) changed: bool,
    /// It is another than before, which it is told itself, and watchers.
    pub(super) updated: bool,
    /// Some may have its tracks again.
    pub(super) gives: bool,
}

impl News {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            rate: TokenBucket::new(RATE, now),
            changed: false,
            updated: false,
            gives: false,
        }
    }

    /// Whether the others may be told now.
    pub(super) fn may_be_told(&mut self) -> bool {
        self.rate.take(Instant::now())
    }
}

impl State {
    /// A participant changed something of its own: everyone else is told, now or soon.
    pub(super) fn changed_itself(&mut self, id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        if participant.news.may_be_told() {
            self.changed(id);
        } else {
            participant.news.changed = true;
        }
    }

    /// A participant changed itself: everyone is told, now or soon.
    pub(super) fn updated_itself(&mut self, id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        if participant.news.may_be_told() {
            self.updated(id, false);
        } else {
            participant.news.updated = true;
        }
    }

    /// Tells what came too often to be told at once.
    pub(super) fn tell_late_news(&mut self) {
        let late = self.participants.iter().filter_map(|(id, one)| {
            let News {
                changed,
                updated,
                gives,
                ..
            } = one.news;
            (changed || updated || gives).then_some((*id, changed, updated, gives))
        });
        let late: Vec<_> = late.collect();
        for (id, changed, updated, gives) in late {
            if updated {
                self.updated(id, false);
            } else if changed {
                self.changed(id);
            }
            if gives {
                self.apply_audience(id, true);
            }
        }
    }
}

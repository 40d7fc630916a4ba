//! How good participants' connections are, in words that people understand.
//!
//! The engine's facts are judged by the E-model in its short form (ITU-T G.107 with the delay and
//! loss terms only): a rating of 93 falls by the delay, slowly up to 160 ms and steeply from there,
//! and by 2.5 for each percent that is lost. 80 and more is excellent, which 5 % of loss or half a
//! second of round trip ends; 60 and more is good, which 13 % of loss ends; the rest is poor. The
//! worse of the two directions counts. What is muted, paused or silent has no packets and so
//! changes nothing. What got worse is said at once, what got better when it has held.
//!
//! One exception: who publishes, but neither sends a packet nor has a socket of signalling, has
//! crashed or is off the network, and its connection is poor until its consent has run out.
//!
//! A connection is *lost* only when the engine has said that its media is gone: a client that is
//! told so for 10 s while it publishes starts anew.

use std::sync::Arc;
use std::time::Duration;

use sfu_core::event::{ConnectionStatistics, LinkStatistics};
use sfu_core::id::ParticipantId;
use tokio::time::Instant;

use super::limits;
use super::notice::Notice;
use super::participant::{Media, Participant};
use super::room::State;

/// How good a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionQuality {
    /// No media passes.
    Lost,
    /// Everyone notices.
    Poor,
    /// Who listens closely notices.
    Good,
    /// Nobody notices anything.
    Excellent,
}

/// How good one participant's connection is.
#[derive(Clone, Debug, PartialEq)]
pub struct QualityInfo {
    /// The participant's sid.
    pub sid: String,
    /// In a word.
    pub quality: ConnectionQuality,
    /// As a mean opinion score (ITU-T P.800): 1, bad, to 4.5.
    pub score: f32,
}

/// The rating of a connection that has no fault.
const BEST: f64 = 93.2;

/// What each percent of loss takes off the rating.
///
/// Higher: less loss is called poor. Lower: repairs make up for more.
const LOSS_WEIGHT: f64 = 2.5;

/// Packets of which a share can be said to be lost. Raising: thin streams are never judged.
/// Lowering: one lost packet of a screen that stands still is a catastrophe.
const JUDGED: u64 = 20;

/// Judgements in a row after which a better one counts. Raising: trouble that is over is shown for
/// longer. Lowering: the sign flickers.
const HOLDS_FOR: u8 = 2;

/// What is known of one participant's connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quality {
    rating: f64,
    /// `None` until its media came up.
    now: Option<ConnectionQuality>,
    /// How often in a row it would have been better.
    better: u8,
    /// What the others were told, and whether they were to know.
    told: Option<(ConnectionQuality, bool)>,
    /// It was told of all the others.
    knows_others: bool,
}

impl Quality {
    /// Media is up.
    pub(super) fn connected(&mut self) {
        self.rating = BEST;
        self.better = 0;
        self.now = Some(ConnectionQuality::Excellent);
    }

    /// Media is gone.
    pub(super) fn lost(&mut self) {
        self.rating = 0.0;
        self.better = 0;
        self.now = Some(ConnectionQuality::Lost);
    }

    /// Its signalling was taken up again: what it was told last may have got lost.
    pub(super) fn resumed(&mut self) {
        self.told = None;
        self.knows_others = false;
    }

    /// Nothing is heard of it in any way.
    fn silent(&mut self) {
        if let Some(now) = self
            .now
            .as_mut()
            .filter(|now| **now > ConnectionQuality::Lost)
        {
            *now = ConnectionQuality::Poor;
            self.rating = 0.0;
            self.better = 0;
        }
    }

    /// What the last seconds were like.
    fn judge(&mut self, statistics: &ConnectionStatistics) {
        let Some(now) = self.now.filter(|now| *now > ConnectionQuality::Lost) else {
            // Facts of a connection that has gone since.
            return;
        };
        let Some(rating) = rating(statistics) else {
            return;
        };
        let judged = word(rating);
        self.better = if judged > now { self.better + 1 } else { 0 };
        if judged <= now || self.better >= HOLDS_FOR {
            self.better = 0;
            self.rating = rating;
            self.now = Some(judged);
        }
    }

    fn info(&self, sid: &str) -> Option<QualityInfo> {
        Some(QualityInfo {
            sid: sid.to_owned(),
            quality: self.now?,
            score: score(self.rating),
        })
    }
}

/// The rating; `None` where there is nothing to go by.
fn rating(statistics: &ConnectionStatistics) -> Option<f64> {
    let links = [statistics.received, statistics.sent];
    let heard = links.iter().any(|link| link.expected >= JUDGED);
    if !heard {
        return None;
    }
    let one = |link: &LinkStatistics| {
        let delay = statistics.rtt.unwrap_or_default() / 2 + 2 * link.jitter;
        BEST - delay_effect(delay) - LOSS_WEIGHT * loss_percent(link)
    };
    let worst = links.iter().map(one).min_by(f64::total_cmp)?;
    Some(worst.max(0.0))
}

fn delay_effect(delay: Duration) -> f64 {
    let ms = delay.as_secs_f64() * 1000.0;
    if ms < 160.0 {
        ms / 40.0
    } else {
        (ms - 120.0) / 10.0
    }
}

fn loss_percent(link: &LinkStatistics) -> f64 {
    if link.expected < JUDGED {
        return 0.0;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of a few seconds are far below 2^52"
    )]
    let share = link.lost.min(link.expected) as f64 / link.expected as f64;
    share * 100.0
}

fn word(rating: f64) -> ConnectionQuality {
    match rating {
        80.0.. => ConnectionQuality::Excellent,
        60.0.. => ConnectionQuality::Good,
        _ => ConnectionQuality::Poor,
    }
}

/// The mean opinion score of a rating (ITU-T G.107 annex B).
fn score(rating: f64) -> f32 {
    let r = rating.clamp(0.0, 100.0);
    let mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    #[expect(clippy::cast_possible_truncation, reason = "of about 1 to 4.5")]
    let mos = mos.max(1.0) as f32;
    mos
}

impl State {
    /// The engine tells how a connection did.
    pub(super) fn judge(&mut self, id: ParticipantId, statistics: &ConnectionStatistics) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let tracks = participant.tracks.iter();
        let mut tracks = tracks.filter_map(|track| self.tracks.get(track));
        let sends =
            tracks.any(|track| track.info.mid.is_some() && !track.info.muted && track.is_wanted());
        let is_away = participant.signalling_lost.is_some();
        if sends && is_away && statistics.received.expected == 0 {
            participant.quality.silent();
        } else {
            participant.quality.judge(statistics);
        }
    }

    /// Where a participant's media stands, for what is told of its connection.
    pub(super) fn media_quality(&mut self, id: ParticipantId, media: Media) {
        if let Some(participant) = self.participants.get_mut(&id) {
            match media {
                Media::Connected => participant.quality.connected(),
                Media::Lost(_) => participant.quality.lost(),
                Media::Awaited(_) => {}
            }
        }
    }

    /// Tells, if it is time, what changed: everyone of who publishes, and each of itself.
    pub(super) fn tell_qualities(&mut self, now: Instant) {
        let told = self.qualities_told;
        if told.is_some_and(|at| now.saturating_duration_since(at) < limits::QUALITY_INTERVAL) {
            return;
        }
        let mut changed = Vec::new();
        let mut own = Vec::new();
        for (id, participant) in &mut self.participants {
            let Some(word) = participant.quality.now else {
                continue;
            };
            let public = shown(participant);
            let news = Some((word, public.is_some()));
            if std::mem::replace(&mut participant.quality.told, news) == news {
                continue;
            }
            match public {
                Some(info) => changed.push(info),
                None => own.extend(participant.quality.info(&participant.sid).map(|i| (*id, i))),
            }
        }
        let fresh = self.participants.iter_mut().filter_map(|(id, one)| {
            let fresh = !std::mem::replace(&mut one.quality.knows_others, true);
            fresh.then_some(*id)
        });
        let fresh: Vec<_> = fresh.collect();
        if changed.is_empty() && own.is_empty() && fresh.is_empty() {
            return;
        }
        self.qualities_told = Some(now);
        let everyone = if fresh.is_empty() {
            Vec::new()
        } else {
            self.participants.values().filter_map(shown).collect()
        };
        let (changed, everyone) = (Arc::new(changed), Arc::new(everyone));
        let all: Vec<_> = self.participants.keys().copied().collect();
        for id in all {
            let is_fresh = fresh.binary_search(&id).is_ok();
            let news = if is_fresh { &everyone } else { &changed };
            if !news.is_empty() {
                self.tell(id, Notice::QualitiesChanged(Arc::clone(news)));
            }
        }
        for (id, info) in own {
            self.tell(id, Notice::QualitiesChanged(Arc::new(vec![info])));
        }
    }
}

/// What the others are to know: the connections of those whom they see or hear.
fn shown(participant: &Participant) -> Option<QualityInfo> {
    let seen = !participant.tracks.is_empty() && !participant.permissions.hidden;
    let info = participant.quality.info(&participant.sid);
    info.filter(|_| seen)
}

#[cfg(test)]
mod tests;

//! The report: facts with stable names and units, as a table for people and as JSON for programs.

mod facts;
mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use self::facts::{MediaFacts, Spread};
use crate::args::Plan;
use crate::record::{Record, Role, Standing};
use crate::statistics::{Histogram, Kind};

/// The version of the JSON: it grows when a name goes or changes its meaning, not when one comes.
const FORMAT: u32 = 1;

/// A track that was silent for so long when the publishers stopped has stalled, in microseconds.
/// Raising: tracks that end late in the run are not noticed. Lowering: a slow keyframe is taken for
/// a stall.
const STALLED_AFTER: u64 = 2_000_000;

/// Tracks of a publisher.
const TRACKS_PER_PUBLISHER: u64 = 2;

/// What the records do not say themselves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// The measured time.
    pub(crate) measured: Duration,
    /// Payload bytes written in that time.
    pub(crate) sent_bytes: u64,
    /// Payload bytes received in that time.
    pub(crate) received_bytes: u64,
    /// When the publishers stopped, in microseconds of the shared clock.
    pub(crate) quiet_at: u64,
    /// A person ended the run.
    pub(crate) ended_early: bool,
}

/// All facts of a run. `_ms`, `_s`, `_bps` and `_percent` are units; bits and bytes are of RTP
/// payloads, without headers. Percentiles are `null` where nothing was counted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    format: u32,
    url: String,
    rooms: u32,
    publishers_per_room: u32,
    subscribers_per_room: u32,
    video_bps: u32,
    measured_s: f64,
    ended_early: bool,
    participants_planned: u32,
    participants_joined: u32,
    /// Those that did not join, and those whose call ended before its time.
    participants_failed: u32,
    /// Those that neither joined nor failed: the run ended before they were to.
    participants_idle: u32,
    failures: Vec<FailureCount>,
    publisher_join_ms: Spread,
    subscriber_join_ms: Spread,
    /// Of all subscribers that did not fail, two for each publisher in their room that did not.
    tracks_expected: u64,
    tracks_missing: u64,
    /// Received, and silent for the last two seconds.
    tracks_stalled: u64,
    packets_sent: u64,
    /// Received on streams that no answer announced; in no other number.
    packets_unannounced: u64,
    audio: MediaFacts,
    video: MediaFacts,
    all: MediaFacts,
    sent_bps: u64,
    received_bps: u64,
    delay_ms: Spread,
    max_loss_percent: Option<f64>,
    ok: bool,
    problems: Vec<String>,
}

/// One cause, and how many participants it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct FailureCount {
    reason: String,
    participants: u32,
}

impl Report {
    /// Sums up.
    pub(crate) fn of(plan: &Plan, records: &[Arc<Record>], seen: Seen) -> Self {
        let standings: Vec<_> = records.iter().map(|record| record.standing()).collect();
        let joined = |role: Role| {
            let pairs = records.iter().zip(&standings);
            let of_role = pairs.filter(move |(record, _)| record.role == role);
            let times: Vec<_> = of_role
                .filter_map(|(_, standing)| standing.joined)
                .collect();
            times
        };
        let (publishers, subscribers) = (joined(Role::Publisher), joined(Role::Subscriber));
        let failures = failures(&standings);
        let idle = standings
            .iter()
            .filter(|one| one.joined.is_none() && one.failed.is_none());
        let mut report = Self {
            format: FORMAT,
            url: plan.url.to_string(),
            rooms: plan.rooms,
            publishers_per_room: plan.publishers,
            subscribers_per_room: plan.subscribers,
            video_bps: plan.video_bps,
            measured_s: seen.measured.as_secs_f64(),
            ended_early: seen.ended_early,
            participants_planned: plan.participants(),
            participants_joined: count(publishers.len() + subscribers.len()),
            participants_failed: failures.iter().map(|one| one.participants).sum(),
            participants_idle: count(idle.count()),
            failures,
            publisher_join_ms: Spread::of_times(&publishers),
            subscriber_join_ms: Spread::of_times(&subscribers),
            tracks_expected: 0,
            tracks_missing: 0,
            tracks_stalled: 0,
            packets_sent: records.iter().map(|record| record.sent.packets()).sum(),
            packets_unannounced: 0,
            audio: MediaFacts::default(),
            video: MediaFacts::default(),
            all: MediaFacts::default(),
            sent_bps: bits_per_second(seen.sent_bytes, seen.measured),
            received_bps: bits_per_second(seen.received_bytes, seen.measured),
            delay_ms: Spread::default(),
            max_loss_percent: plan.max_loss,
            ok: false,
            problems: Vec::new(),
        };
        report.count_tracks(records, &standings, seen.quiet_at);
        report.count_media(records);
        report.problems = report.problems();
        report.ok = report.problems.is_empty();
        report
    }

    /// Whether the run was as it should be.
    pub(crate) fn is_ok(&self) -> bool {
        self.ok
    }

    /// The facts as a JSON object.
    pub(crate) fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    fn count_tracks(&mut self, records: &[Arc<Record>], standings: &[Standing], quiet_at: u64) {
        let well = |standing: &Standing| standing.joined.is_some() && standing.failed.is_none();
        let mut publishers: BTreeMap<u32, u64> = BTreeMap::new();
        for (record, standing) in records.iter().zip(standings) {
            if record.role == Role::Publisher && well(standing) {
                *publishers.entry(record.room).or_default() += 1;
            }
        }
        for (record, standing) in records.iter().zip(standings) {
            if record.role != Role::Subscriber || !well(standing) {
                continue;
            }
            let in_room = publishers.get(&record.room).copied().unwrap_or_default();
            let expected = in_room * TRACKS_PER_PUBLISHER;
            let received = record.intake.received();
            let came = received.tracks().count() as u64;
            let stalled = received.tracks().filter(|track| {
                let silent = track.latest.map(|latest| quiet_at.saturating_sub(latest));
                silent.is_some_and(|silent| silent >= STALLED_AFTER)
            });
            self.tracks_expected += expected;
            self.tracks_missing += expected.saturating_sub(came);
            self.tracks_stalled += stalled.count() as u64;
        }
    }

    fn count_media(&mut self, records: &[Arc<Record>]) {
        let mut delay = Histogram::default();
        for record in records {
            let received = record.intake.received();
            self.audio.add(&received, Kind::Audio);
            self.video.add(&received, Kind::Video);
            self.all.add(&received, Kind::Audio);
            self.all.add(&received, Kind::Video);
            self.packets_unannounced += received.unannounced();
            delay.merge(received.delay());
        }
        for facts in [&mut self.audio, &mut self.video, &mut self.all] {
            facts.conclude();
        }
        self.delay_ms = Spread::of_micros(&delay);
    }

    /// Why the run was not as it should be; empty when it was.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.participants_failed > 0 {
            problems.push(format!("{} participants failed", self.participants_failed));
        }
        if !self.ended_early && self.participants_idle > 0 {
            problems.push(format!(
                "{} participants did not join",
                self.participants_idle
            ));
        }
        // Who had just joined when the run was ended had no time to receive everything.
        if !self.ended_early && self.tracks_missing > 0 {
            problems.push(format!("{} tracks were not received", self.tracks_missing));
        }
        if self.tracks_stalled > 0 {
            problems.push(format!("{} tracks stalled", self.tracks_stalled));
        }
        if let Some(most) = self.max_loss_percent
            && self.all.loss_percent > most
        {
            let loss = self.all.loss_percent;
            problems.push(format!(
                "{loss:.3} % of the packets were lost, more than {most} %"
            ));
        }
        problems
    }
}

fn failures(standings: &[Standing]) -> Vec<FailureCount> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for reason in standings.iter().filter_map(|one| one.failed.as_deref()) {
        *counts.entry(reason).or_default() += 1;
    }
    let counts = counts
        .into_iter()
        .map(|(reason, participants)| FailureCount {
            reason: reason.to_owned(),
            participants,
        });
    counts.collect()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn bits_per_second(bytes: u64, time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (bytes * 8_000).checked_div(millis).unwrap_or_default()
}

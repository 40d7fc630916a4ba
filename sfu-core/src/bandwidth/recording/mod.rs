//! What one subscriber's estimator and allocator were told, and what they made of it, as bytes: to
//! be run again elsewhere, through the same code, to the bit.
//!
//! A recording begins with what the estimator remembers, so that it can begin at any time. Then every
//! input follows, with its time, and behind those that change anything a checksum of the outputs. It
//! holds sizes, times and rates: no media, no names, no addresses.
//!
//! The file: [`MAGIC`], the [`FORMAT`], then chunks of a length and a checksum (CRC-32, both 32 bits,
//! little-endian) and as many bytes, which joined are records. A record is a kind, the nanoseconds
//! since the one before, and what the kind says. A file may break off after any byte.

mod file;
pub(crate) mod kept;
mod records;
mod replay;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub use file::{FORMAT, MAGIC, ReplayError};
pub use replay::{Difference, Replay, Step, replay};

use self::file::{CHECK, MAX_CHUNK};
use self::kept::{Kept, Out};
use self::records::{Former, Kind};
use super::allocator::{Allotment, Budget, Ladder, Request};
use super::departure::{Demand, Probe, SentPacket, ToldPacket};
use super::estimator::{Estimator, Share};
use crate::id::TrackId;
use crate::unit::Bitrate;
use crate::wire::rtcp::TransportFeedback;

/// Bytes of records after which a chunk is handed out.
///
/// Higher: fewer events, and more of a recording that breaks off is lost. Lower: the reverse.
const CHUNK: usize = 16 * 1024;

/// One participant's recording in the making.
#[derive(Debug)]
pub struct Recorder {
    out: Out,
    /// When the last record was made.
    last: Instant,
    /// Number of the packet that left last.
    sequence: u64,
    /// Checksum of the outputs when they were last looked at.
    outputs: u32,
    /// What was last asked for and allotted of each track.
    tracks: BTreeMap<TrackId, (Ladder, Allotment)>,
    /// Bytes that are handed out already.
    handed: usize,
    most: usize,
}

impl Recorder {
    /// A recording that begins `now` and has at most `most` bytes.
    #[must_use]
    pub fn begin(now: Instant, most: usize, estimator: &Estimator) -> Self {
        let mut out = Out::new(now);
        let version = env!("CARGO_PKG_VERSION");
        out.number(version.len() as u64);
        out.bytes.extend_from_slice(version.as_bytes());
        estimator.keep(&mut out);
        let outputs = digest(estimator, now);
        outputs.keep(&mut out);
        Self {
            out,
            last: now,
            sequence: 0,
            outputs,
            tracks: BTreeMap::new(),
            handed: 0,
            most,
        }
    }

    /// A packet has left, and its estimator was told.
    pub fn sent(&mut self, now: Instant, sent: &SentPacket) {
        self.record(now, Kind::Sent);
        self.out.number(sent.sequence.wrapping_sub(self.sequence));
        self.sequence = sent.sequence;
        self.out.number(sent.size.into());
        sent.class.keep(&mut self.out);
        sent.probe.keep(&mut self.out);
    }

    /// The estimator was told what came of packets.
    pub fn transport_feedback(
        &mut self,
        now: Instant,
        feedback: &TransportFeedback<'_>,
        after: &Estimator,
    ) {
        self.record(now, Kind::TransportFeedback);
        self.out.feedback(feedback);
        self.look(after);
    }

    /// The estimator was told what came of packets, in some other way.
    pub fn told_packets(&mut self, now: Instant, told: &[ToldPacket], after: &Estimator) {
        self.record(now, Kind::ToldPackets);
        self.out.all(told);
        self.look(after);
    }

    /// The estimator was told that what is sent goes another way.
    pub fn path_changed(&mut self, now: Instant, after: &Estimator) {
        self.record(now, Kind::PathChanged);
        self.look(after);
    }

    /// The estimator was told what the receiver thinks (REMB).
    pub fn remb(&mut self, now: Instant, bitrate: Bitrate, after: &Estimator) {
        self.record(now, Kind::Remb);
        bitrate.keep(&mut self.out);
        self.look(after);
    }

    /// The estimator was told of a receiver report.
    pub fn receiver_report(
        &mut self,
        now: Instant,
        fraction_lost: u8,
        rtt: Option<Duration>,
        after: &Estimator,
    ) {
        self.record(now, Kind::ReceiverReport);
        fraction_lost.keep(&mut self.out);
        rtt.keep(&mut self.out);
        self.look(after);
    }

    /// The estimator was told what is wanted.
    pub fn demand(&mut self, now: Instant, demand: Demand, after: &Estimator) {
        self.record(now, Kind::Demand);
        demand.keep(&mut self.out);
        self.look(after);
    }

    /// The estimator was told the time.
    pub fn timeout(&mut self, now: Instant, after: &Estimator) {
        self.record(now, Kind::Timeout);
        self.look(after);
    }

    /// The estimator was told what its line gives it.
    pub fn share(&mut self, now: Instant, share: Option<Share>, after: &Estimator) {
        self.record(now, Kind::Share);
        share.keep(&mut self.out);
        self.look(after);
    }

    /// The estimator was asked for a probe.
    pub fn probe(&mut self, probe: Option<Probe>, after: &Estimator) {
        self.record(self.last, Kind::Probe);
        probe.keep(&mut self.out);
        self.look(after);
    }

    /// Bandwidth was divided among tracks.
    pub fn allocation(
        &mut self,
        now: Instant,
        budget: Budget,
        requests: &[Request],
        (allotments, demand): (&[Allotment], Demand),
    ) {
        self.record(now, Kind::Allocation);
        budget.keep(&mut self.out);
        self.out.number(requests.len() as u64);
        let mut tracks = BTreeMap::new();
        for (request, allotment) in requests.iter().zip(allotments) {
            let last = self.tracks.get(&request.track);
            let has_ladder = last.is_none_or(|(ladder, _)| *ladder != request.ladder);
            let former = match &request.former {
                None => Former::None,
                Some(former) if last.is_some_and(|(_, last)| last == former) => Former::Last,
                Some(_) => Former::Told,
            };
            request.track.keep(&mut self.out);
            (has_ladder, former).keep(&mut self.out);
            request.priority.keep(&mut self.out);
            self.out.number(request.rank.into());
            if has_ladder {
                self.out.all(request.ladder.rungs());
            }
            if former == Former::Told {
                request.former.keep(&mut self.out);
            }
            tracks.insert(request.track, (request.ladder.clone(), *allotment));
        }
        self.tracks = tracks;
        allotted_digest(allotments, demand, self.out.epoch).keep(&mut self.out);
    }

    /// The next piece of the file, once there is enough for one.
    pub fn poll_chunk(&mut self) -> Option<Vec<u8>> {
        (self.out.bytes.len() >= CHUNK).then(|| self.chunk())
    }

    /// The last piece of the file.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.chunk()
    }

    /// Whether it has as many bytes as it may, or more than a chunk holds: nothing more is recorded.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let waiting = self.out.bytes.len();
        self.handed + waiting >= self.most || waiting >= MAX_CHUNK
    }

    fn chunk(&mut self) -> Vec<u8> {
        let records = std::mem::take(&mut self.out.bytes);
        let mut piece = Vec::with_capacity(records.len() + 16);
        if self.handed == 0 {
            file::begin(&mut piece);
        }
        file::write_chunk(&mut piece, &records);
        self.handed += piece.len();
        piece
    }

    fn record(&mut self, now: Instant, kind: Kind) {
        kind.keep(&mut self.out);
        let since = now.saturating_duration_since(self.last);
        self.last = self.last.max(now);
        self.out
            .number(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Notes what the estimator says now, where that is something else than before.
    fn look(&mut self, estimator: &Estimator) {
        let outputs = digest(estimator, self.out.epoch);
        if outputs != self.outputs {
            self.outputs = outputs;
            self.record(self.last, Kind::Outputs);
            outputs.keep(&mut self.out);
            estimator.estimate().keep(&mut self.out);
        }
    }
}

/// A checksum of all that an estimator says.
fn digest(estimator: &Estimator, epoch: Instant) -> u32 {
    let mut out = Out::new(epoch);
    estimator.estimate().keep(&mut out);
    estimator.budget().keep(&mut out);
    estimator.pacing_rate().keep(&mut out);
    estimator.poll_timeout().keep(&mut out);
    estimator.report().keep(&mut out);
    CHECK.checksum(&out.bytes)
}

/// A checksum of what is allotted and wanted.
fn allotted_digest(allotments: &[Allotment], demand: Demand, epoch: Instant) -> u32 {
    let mut out = Out::new(epoch);
    allotments.iter().for_each(|one| one.keep(&mut out));
    demand.keep(&mut out);
    CHECK.checksum(&out.bytes)
}

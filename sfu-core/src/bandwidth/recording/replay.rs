//! A recording run again.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::file::{ReplayError, joined};
use super::kept::{In, Kept};
use super::records::{Kind, request};
use super::{allotted_digest, digest};
use crate::bandwidth::allocator::{Allotment, Budget, Ladder, allocate};
use crate::bandwidth::departure::{Demand, Probe, SentPacket};
use crate::bandwidth::estimator::{Estimator, EstimatorReport};
use crate::config::MAX_SUBSCRIPTIONS_PER_PARTICIPANT;
use crate::id::TrackId;
use crate::unit::Bitrate;
use crate::wire::rtcp::TransportFeedback;

/// What a replay meets, as it goes.
#[derive(Debug)]
pub enum Step<'r> {
    /// A packet left.
    Sent(SentPacket),
    /// The estimator was told something, and says this.
    Estimated(EstimatorReport),
    /// The estimator asked for a probe.
    Probe(Probe),
    /// Bandwidth was divided.
    Allotted {
        /// What there was.
        budget: Budget,
        /// Who got what.
        allotments: &'r [Allotment],
        /// What would be done with more.
        demand: Demand,
    },
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The version that recorded.
    pub version: String,
    /// How much time it covers.
    pub span: Duration,
    /// How many inputs were run again.
    pub inputs: u64,
    /// Outputs that were compared: after each input but packets that leave.
    pub compared: u64,
    /// The first output that is another than it was; `None`: all are the same, to the bit.
    pub difference: Option<Difference>,
    /// The file ends within a chunk.
    pub breaks_off: bool,
}

/// An output that is another than it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// When, from the beginning of the recording.
    pub at: Duration,
    /// Which output: `estimate`, `probe` or `allotments`.
    pub output: &'static str,
    /// What it was, where that was recorded.
    pub recorded: Option<Bitrate>,
    /// What the estimate is this time.
    pub replayed: Bitrate,
}

/// Runs a recording again and tells `step` of all that happens, with the time from its beginning.
/// `base` is what the beginning counts as: outputs depend on distances only.
///
/// # Errors
/// The file is no recording, is damaged, or was made by another version.
pub fn replay(
    file: &[u8],
    base: Instant,
    mut step: impl FnMut(Duration, Step<'_>),
) -> Result<Replay, ReplayError> {
    let (records, breaks_off) = joined(file)?;
    if records.is_empty() {
        return Err(ReplayError::Empty);
    }
    let run = || {
        let mut running = Running::begin(&records, base)?;
        while running.next(&mut step)? {}
        Ok(running.into_replay(breaks_off))
    };
    // What is restored is taken at its word by code that trusts itself.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(ReplayError::Impossible))
}

/// A replay under way.
struct Running<'r> {
    from: In<'r>,
    version: String,
    now: Instant,
    sequence: u64,
    estimator: Estimator,
    /// The checksum that the outputs are to have.
    outputs: u32,
    tracks: BTreeMap<TrackId, (Ladder, Allotment)>,
    inputs: u64,
    compared: u64,
    difference: Option<Difference>,
    /// An input may have changed the outputs: they are compared when the next record has said so.
    is_open: bool,
}

impl<'r> Running<'r> {
    fn begin(records: &'r [u8], base: Instant) -> Result<Self, ReplayError> {
        let mut from = In {
            bytes: records,
            epoch: base,
        };
        let version = from.counted().and_then(|text| str::from_utf8(text).ok());
        let version = version.ok_or(ReplayError::NotARecording)?.to_owned();
        let other = || ReplayError::OtherState(version.clone());
        let estimator = Estimator::restore(&mut from).ok_or_else(other)?;
        let outputs = u32::restore(&mut from).ok_or_else(other)?;
        if digest(&estimator, base) != outputs {
            return Err(other());
        }
        Ok(Self {
            from,
            version,
            now: base,
            sequence: 0,
            estimator,
            outputs,
            tracks: BTreeMap::new(),
            inputs: 0,
            compared: 0,
            difference: None,
            is_open: false,
        })
    }

    fn into_replay(self, breaks_off: bool) -> Replay {
        Replay {
            span: self.now.saturating_duration_since(self.from.epoch),
            version: self.version,
            inputs: self.inputs,
            compared: self.compared,
            difference: self.difference,
            breaks_off,
        }
    }

    /// Runs one record; false when there are no more.
    fn next(&mut self, step: &mut impl FnMut(Duration, Step<'_>)) -> Result<bool, ReplayError> {
        let is_outputs = self.from.bytes.first() == Some(&(Kind::Outputs as u8));
        if self.is_open && !is_outputs {
            self.compare(None);
        }
        if self.from.bytes.is_empty() {
            return Ok(false);
        }
        self.inputs += u64::from(!is_outputs);
        self.run(step).ok_or_else(|| ReplayError::Record {
            number: self.inputs,
            version: self.version.clone(),
        })?;
        Ok(true)
    }

    fn run(&mut self, step: &mut impl FnMut(Duration, Step<'_>)) -> Option<()> {
        let kind = Kind::restore(&mut self.from)?;
        let since = Duration::from_nanos(self.from.number()?);
        self.now = self.now.checked_add(since)?;
        let (now, from) = (self.now, &mut self.from);
        let at = now.saturating_duration_since(from.epoch);
        let estimator = &mut self.estimator;
        match kind {
            Kind::Sent => {
                let sent = SentPacket {
                    sequence: self.sequence.wrapping_add(from.number()?),
                    size: from.number()?.try_into().ok()?,
                    class: Kept::restore(from)?,
                    probe: Kept::restore(from)?,
                };
                self.sequence = sent.sequence;
                estimator.on_sent(now, sent);
                step(at, Step::Sent(sent));
                return Some(());
            }
            Kind::TransportFeedback => {
                let feedback = TransportFeedback::parse(from.counted()?)?;
                estimator.on_transport_feedback(now, &feedback);
            }
            Kind::ToldPackets => estimator.on_told_packets(now, &Vec::restore(from)?),
            Kind::PathChanged => _ = estimator.on_path_changed(now),
            Kind::Remb => estimator.on_remb(now, Kept::restore(from)?),
            Kind::ReceiverReport => {
                let fraction_lost = Kept::restore(from)?;
                estimator.on_receiver_report(now, fraction_lost, Kept::restore(from)?);
            }
            Kind::Demand => estimator.set_demand(now, Kept::restore(from)?),
            Kind::Share => estimator.couple(now, Kept::restore(from)?),
            Kind::Timeout => estimator.handle_timeout(now),
            Kind::Probe => {
                let recorded = Option::<Probe>::restore(from)?;
                let probe = estimator.poll_probe();
                if probe != recorded {
                    self.differs("probe", recorded.map(|probe| probe.rate));
                }
                if let Some(probe) = probe {
                    step(at, Step::Probe(probe));
                }
            }
            Kind::Outputs => {
                self.outputs = u32::restore(from)?;
                let estimate = Bitrate::restore(from)?;
                self.compare(Some(estimate));
                return Some(());
            }
            Kind::Allocation => return self.allot(at, step),
        }
        self.is_open = true;
        step(at, Step::Estimated(self.estimator.report()));
        Some(())
    }

    fn allot(&mut self, at: Duration, step: &mut impl FnMut(Duration, Step<'_>)) -> Option<()> {
        let from = &mut self.from;
        let budget = Budget::restore(from)?;
        let count = usize::try_from(from.number()?).ok()?;
        if count > MAX_SUBSCRIPTIONS_PER_PARTICIPANT {
            return None;
        }
        let requests = (0..count).map(|_| request(from, &self.tracks));
        let requests = requests.collect::<Option<Vec<_>>>()?;
        let recorded = u32::restore(from)?;
        let (allotments, demand) = allocate(self.now, budget, &requests);
        if allotted_digest(&allotments, demand, from.epoch) != recorded {
            self.differs("allotments", None);
        }
        self.compared += 1;
        let ladders = requests
            .into_iter()
            .map(|request| (request.track, request.ladder));
        let tracks = ladders.zip(&allotments);
        self.tracks = tracks
            .map(|((track, ladder), one)| (track, (ladder, *one)))
            .collect();
        let allotments = &allotments;
        let allotted = Step::Allotted {
            budget,
            allotments,
            demand,
        };
        step(at, allotted);
        Some(())
    }

    fn compare(&mut self, recorded: Option<Bitrate>) {
        self.is_open = false;
        self.compared += 1;
        if digest(&self.estimator, self.from.epoch) != self.outputs {
            self.differs("estimate", recorded);
        }
    }

    fn differs(&mut self, output: &'static str, recorded: Option<Bitrate>) {
        let replayed = self.estimator.estimate();
        let at = self.now.saturating_duration_since(self.from.epoch);
        self.difference.get_or_insert(Difference {
            at,
            output,
            recorded,
            replayed,
        });
    }
}

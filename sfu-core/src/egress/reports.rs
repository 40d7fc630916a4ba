//! What a stream's sender says of it, and the round trips that its receiver's answers tell.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::Egress;
use crate::event::LinkStatistics;
use crate::id::Ssrc;
use crate::media::source_clock::SourceClock;
use crate::wire::rtcp::{ReportBlock, SenderInfo};

/// Sender reports remembered, so that an answer finds the one that it is about: answers come every
/// second or so, and may be about the one before. Raising it finds answers of more round trips ago;
/// lowering it below 2 loses those that cross the next report.
const REMEMBERED_REPORTS: usize = 4;

/// How long after its last packet a stream still counts as sent. RFC 3550 section 6.4 ends sender
/// reports after two intervals without a packet. Raising it reports on streams that nobody feeds;
/// lowering it below the pauses of a still screen makes the reports, and so the clocks, flicker.
pub(super) const SENDER_TIMEOUT: Duration = Duration::from_secs(10);

/// Least time between two sender reports that new stretches call for. Raising it leaves a receiver
/// longer with the former encoding's clock; lowering it lets a publisher whose numbers jump cost a
/// report for each packet.
const MIN_OWED_INTERVAL: Duration = Duration::from_millis(100);

/// Most packets that one report may tell of beyond the one before: minutes of the fastest stream.
/// Raising it takes nonsense for truth; lowering it misses packets after a silence of reports.
const MAX_REPORTED: u32 = 1 << 17;

/// One stream's counts and its last sender reports.
#[derive(Clone, Debug, Default)]
pub(super) struct Reports {
    packets: u32,
    octets: u32,
    last_sent: Option<Instant>,
    /// The middle 32 bits of the NTP time of the last reports, oldest first, and when they were
    /// made.
    made: ArrayVec<(u32, Instant), REMEMBERED_REPORTS>,
    /// A stretch has begun that no report has told of.
    owed: bool,
    /// When the last one left that was owed.
    paid: Option<Instant>,
    rtt: Option<Duration>,
    /// Lowest and highest number given so far, and how many.
    range: Option<(u64, u64)>,
    given: u64,
    heard: Option<Heard>,
    /// What was told by [`Reports::link_statistics`].
    expected_told: u64,
    lost_told: u64,
}

/// What the receiver has reported so far.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// As in the last block.
    extended_highest: u32,
    jitter: u32,
    /// Of all its blocks.
    expected: u64,
    /// Lost on the way, by the last block: what was never sent is left out.
    lost: u64,
}

impl Reports {
    pub(super) fn on_sent(&mut self, now: Instant, payload_bytes: usize) {
        self.last_sent = Some(now);
        // RFC 3550 section 6.4.1: both counts wrap, and octets leave headers and padding out.
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload_bytes as u32);
    }

    /// A number is given to a packet, once each.
    pub(super) fn on_given(&mut self, sequence: u64) {
        let (lowest, highest) = self.range.unwrap_or((sequence, sequence));
        self.range = Some((lowest.min(sequence), highest.max(sequence)));
        self.given += 1;
    }

    /// Numbers that no packet has got, or not yet: they are missing at the receiver too.
    fn holes(&self) -> i64 {
        let span = self.range.map_or(0, |(low, high)| high - low + 1);
        i64::try_from(span.saturating_sub(self.given)).unwrap_or_default()
    }

    /// How the stream fared since the last call, by the receiver's reports.
    pub(super) fn link_statistics(&mut self, clock_rate: u32) -> LinkStatistics {
        let Some(heard) = self.heard else {
            return LinkStatistics::default();
        };
        let lost = heard.lost.max(self.lost_told);
        let ticks = u64::from(heard.jitter);
        let told = LinkStatistics {
            expected: heard.expected - self.expected_told,
            lost: lost - self.lost_told,
            jitter: Duration::from_micros(ticks * 1_000_000 / u64::from(clock_rate.max(1))),
        };
        (self.expected_told, self.lost_told) = (heard.expected, lost);
        told
    }

    fn hear(&mut self, block: &ReportBlock) {
        let step = |before: Heard| block.extended_highest.wrapping_sub(before.extended_highest);
        let heard = Heard {
            extended_highest: block.extended_highest,
            jitter: block.jitter,
            // Over what is nonsense, or a report that was overtaken, the count starts anew.
            expected: self.heard.map_or(0, |before| {
                let step = Some(step(before)).filter(|step| *step <= MAX_REPORTED);
                before.expected + u64::from(step.unwrap_or(0))
            }),
            lost: u64::try_from(i64::from(block.cumulative_lost) - self.holes()).unwrap_or(0),
        };
        if self.heard.is_none() {
            // Losses of a time whose packets nobody has counted.
            self.lost_told = heard.lost;
        }
        self.heard = Some(heard);
    }

    /// A stretch begins: its timestamps are of another source's clock.
    pub(super) const fn begin_stretch(&mut self) {
        self.owed = true;
    }

    fn owes_report(&self, now: Instant) -> bool {
        let spaced = self
            .paid
            .is_none_or(|at| now.saturating_duration_since(at) >= MIN_OWED_INTERVAL);
        self.owed && self.last_sent.is_some() && spaced
    }

    pub(super) fn sender_report(
        &mut self,
        now: Instant,
        ssrc: Ssrc,
        ntp: u64,
        rtp_timestamp: u32,
    ) -> Option<SenderInfo> {
        if now.saturating_duration_since(self.last_sent?) > SENDER_TIMEOUT {
            return None;
        }
        if self.made.is_full() {
            self.made.remove(0);
        }
        if std::mem::take(&mut self.owed) {
            self.paid = Some(now);
        }
        self.made.push((middle(ntp), now));
        Some(SenderInfo {
            ssrc,
            ntp,
            rtp_timestamp,
            packets: self.packets,
            octets: self.octets,
        })
    }

    pub(super) fn on_report(&mut self, now: Instant, block: &ReportBlock) -> Option<Duration> {
        self.hear(block);
        // RFC 3550 section 6.4.1: LSR is 0 when no sender report arrived.
        if block.last_sr == 0 {
            return None;
        }
        let made = self.made.iter().rev();
        let &(_, at) = made.clone().find(|&&(ntp, _)| ntp == block.last_sr)?;
        let delay =
            Duration::from_nanos((u64::from(block.delay_since_last_sr) * 1_000_000_000) >> 16);
        // A receiver that claims a longer delay than there was is one with a fast clock: no time at
        // all went on the network.
        let rtt = now.saturating_duration_since(at).saturating_sub(delay);
        self.rtt = Some(rtt);
        Some(rtt)
    }

    pub(super) const fn rtt(&self) -> Option<Duration> {
        self.rtt
    }
}

impl Egress {
    /// How the stream fared since the last call, by the subscriber's reports.
    pub fn link_statistics(&mut self) -> LinkStatistics {
        // Without a stretch nothing was sent, and nothing reported.
        let epoch = self.rewriter.current_epoch();
        self.reports
            .link_statistics(epoch.map_or(0, |epoch| epoch.clock_rate))
    }

    /// Counts one packet of the stream itself, not a repair, as sent with `payload_bytes` of
    /// payload.
    pub fn on_sent(&mut self, now: Instant, payload_bytes: usize) {
        self.reports.on_sent(now, payload_bytes);
    }

    /// What a sender report of this stream says now (RFC 3550 section 6.4.1), by the `clock` of the
    /// [`Self::current`] encoding. The wall clock is the publisher's, so that its sound and its
    /// pictures keep together. `None` while nothing is sent or no
    /// clock is known.
    #[must_use]
    pub fn sender_report(
        &mut self,
        now: Instant,
        clock: Option<&SourceClock>,
    ) -> Option<SenderInfo> {
        self.current?;
        let epoch = self.rewriter.current_epoch()?;
        let clock = clock?;
        let rtp = clock.rtp_at(now, epoch.clock_rate);
        let (ssrc, ntp) = (self.settings.ssrc, clock.ntp_at(now));
        self.reports
            .sender_report(now, ssrc, ntp, epoch.settled_timestamp_of(rtp))
    }

    /// Whether a sender report should leave now and not when the next is due: the stream has gone
    /// over to another source, and what the receiver knows of its clock is the former's.
    #[must_use]
    pub fn owes_report(&self, now: Instant) -> bool {
        self.current.is_some() && self.reports.owes_report(now)
    }

    /// Takes note of what the subscriber reports about this stream. Returns the round-trip time
    /// (RFC 3550 section 6.4.1), when the block is about a sender report of late.
    pub fn on_report(&mut self, now: Instant, block: &ReportBlock) -> Option<Duration> {
        let ours = block.ssrc == self.settings.ssrc;
        ours.then(|| self.reports.on_report(now, block))?
    }
}

/// The middle 32 bits of an NTP time: seconds in 16.16 (RFC 3550 section 4).
const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

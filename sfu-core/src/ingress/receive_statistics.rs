//! What a receiver report says of a stream (RFC 3550 section 6.4.1, appendices A.3 and A.8).

use std::time::{Duration, Instant};

use crate::event::LinkStatistics;
use crate::id::Ssrc;
use crate::wire::rtcp::{ReportBlock, SenderInfo};

/// A transit time this much longer or shorter than the one before is no jitter but a jump of the
/// sender's clock. Raising it lets a jump spoil the jitter for a minute; lowering it hides what a
/// really bad path does.
const MAX_TRANSIT_STEP: Duration = Duration::from_secs(5);

/// Counts over one stream as the network delivered it: repairs are left out, as RFC 4588 has the
/// loss of the original stream reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveStatistics {
    started: Instant,
    clock_rate: u32,
    /// Lowest and highest extended number so far.
    range: Option<(u64, u64)>,
    received: u64,
    expected_prior: u64,
    received_prior: u64,
    /// What of it was told by [`Self::link_statistics`].
    expected_told: u64,
    lost_told: u64,
    transit: Option<u32>,
    /// In 1/16 of a tick.
    jitter: u32,
    /// The middle 32 bits of the last sender report's NTP time, and when it came.
    sender_report: Option<(u32, Instant)>,
}

impl ReceiveStatistics {
    pub(super) const fn new(now: Instant, clock_rate: u32) -> Self {
        Self {
            started: now,
            clock_rate,
            range: None,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            expected_told: 0,
            lost_told: 0,
            transit: None,
            jitter: 0,
            sender_report: None,
        }
    }

    /// Counts one packet that was no repair, duplicates included.
    pub(super) fn received(&mut self, now: Instant, sequence: u64, timestamp: u32) {
        let (lowest, highest) = self.range.unwrap_or((sequence, sequence));
        self.range = Some((lowest.min(sequence), highest.max(sequence)));
        self.received += 1;
        // RFC 3550 appendix A.8, in its integer form.
        let transit = self.arrival(now).wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let step = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            if u64::from(step) <= MAX_TRANSIT_STEP.as_secs() * u64::from(self.clock_rate) {
                self.jitter += step;
                self.jitter -= (self.jitter - step + 8) >> 4;
            }
        }
    }

    /// The time of arrival in ticks; only differences of it mean anything.
    fn arrival(&self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(self.started).as_nanos();
        (since * u128::from(self.clock_rate) / 1_000_000_000) as u32
    }

    pub(super) fn on_sender_report(&mut self, now: Instant, sender: &SenderInfo) {
        self.sender_report = Some(((sender.ntp >> 16) as u32, now));
    }

    /// How the stream fared since the last call.
    pub(super) fn link_statistics(&mut self) -> LinkStatistics {
        let Some((lowest, highest)) = self.range else {
            return LinkStatistics::default();
        };
        let expected = highest - lowest + 1;
        let lost = expected.saturating_sub(self.received).max(self.lost_told);
        let ticks = u64::from(self.jitter >> 4);
        let told = LinkStatistics {
            expected: expected - self.expected_told,
            // What comes late only makes up for what is lost next.
            lost: lost - self.lost_told,
            jitter: Duration::from_micros(ticks * 1_000_000 / u64::from(self.clock_rate.max(1))),
        };
        (self.expected_told, self.lost_told) = (expected, lost);
        told
    }

    /// The block of the next receiver report; `None` before the first packet. What it says of the
    /// time since the last one is said once.
    pub(super) fn report(&mut self, now: Instant, ssrc: Ssrc) -> Option<ReportBlock> {
        let (lowest, highest) = self.range?;
        // Appendix A.3: negative when duplicates outnumber losses.
        let expected = highest - lowest + 1;
        let lost = expected.cast_signed() - self.received.cast_signed();
        let expected_interval = expected - self.expected_prior;
        let received_interval = self.received - self.received_prior;
        self.expected_prior = expected;
        self.received_prior = self.received;
        let lost_interval = expected_interval.saturating_sub(received_interval);
        let fraction = (lost_interval << 8).checked_div(expected_interval);
        let (last_sr, delay) = self.sender_report.map_or((0, 0), |(ntp, at)| {
            let since = now.saturating_duration_since(at);
            (ntp, since.as_nanos() * 65_536 / 1_000_000_000)
        });
        Some(ReportBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction.unwrap_or(0)).unwrap_or(u8::MAX),
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            // The unwrapper starts in the second cycle; the receiver's count starts in the first.
            extended_highest: highest.saturating_sub(1 << 16) as u32,
            jitter: self.jitter >> 4,
            last_sr,
            delay_since_last_sr: u32::try_from(delay).unwrap_or(u32::MAX),
        })
    }
}

#[cfg(test)]
mod tests;

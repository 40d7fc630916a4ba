//! Any course of sends, feedback and words of a receiver's as the input of an estimator.

use std::time::{Duration, Instant};

use sfu_core::bandwidth::departure::{Class, Demand, ProbeId, SentPacket};
use sfu_core::bandwidth::estimator::{Estimator, MAX_ESTIMATE, MIN_ESTIMATE};
use sfu_core::id::Ssrc;
use sfu_core::unit::Bitrate;
use sfu_core::wire::rtcp::{self, FeedbackHeader, RtcpItem};

/// Bytes of one step: what happens, and four to say how.
const STEP: usize = 5;

/// Most statuses of a feedback that a step makes.
const STATUSES: usize = 64;

struct Course {
    estimator: Estimator,
    now: Instant,
    sequence: u64,
    probe: Option<ProbeId>,
}

/// Takes `data` as steps, and checks after each that the estimate is within its limits and that a
/// timeout, once done, is not due again.
#[allow(clippy::disallowed_methods, reason = "a course begins somewhere")]
pub(crate) fn check(data: &[u8]) {
    let now = Instant::now();
    let first = run(data, now);
    // The same inputs give the same outputs: a recording can be run again.
    assert_eq!(first, run(data, now));
}

fn run(data: &[u8], start: Instant) -> Vec<u64> {
    let mut course = Course {
        estimator: Estimator::new(start),
        now: start,
        sequence: u64::from(data.first().copied().unwrap_or(0)) << 12,
        probe: None,
    };
    let mut estimates = Vec::new();
    for (at, step) in data.chunks_exact(STEP).enumerate() {
        course.step(step, &data[at * STEP..]);
        let estimate = course.estimator.estimate();
        assert!(
            (MIN_ESTIMATE..=MAX_ESTIMATE).contains(&estimate),
            "{estimate}"
        );
        let pacing = course.estimator.pacing_rate();
        assert!(pacing >= estimate && pacing.bps() < 10 * MAX_ESTIMATE.bps());
        let report = course.estimator.report();
        assert!(report.trend.is_finite() && report.threshold.is_finite());
        assert!(report.lost_per_mille <= 1000 && report.inherent_loss_per_mille <= 1000);
        estimates.push(estimate.bps());
    }
    estimates
}

impl Course {
    fn step(&mut self, step: &[u8], rest: &[u8]) {
        let &[what, a, b, c, d] = step else {
            return;
        };
        let wide = u32::from_be_bytes([a, b, c, d]);
        match what % 10 {
            0..=2 => self.send(a, b, c),
            3 => self.now += Duration::from_micros(u64::from(wide) >> 8),
            4 => self.now += Duration::from_millis(u64::from(a % 64)),
            5 => self.feed_made(a, b, &rest[..rest.len().min(STATUSES)]),
            6 => self.feed(rest),
            7 => self.hear(a, b, wide),
            8 => self.want(a, b, c),
            _ => self.time_out(),
        }
        while let Some(probe) = self.estimator.poll_probe() {
            assert!(probe.bytes > 0 && probe.packets > 0 && probe.rate.bps() > 0);
            self.probe = Some(probe.id);
        }
    }

    fn send(&mut self, class: u8, size: u8, skip: u8) {
        let sent = SentPacket {
            sequence: self.sequence,
            size: u16::from(size) * 6,
            class: [Class::Audio, Class::Video, Class::Repair, Class::Padding]
                [usize::from(class % 4)],
            probe: self.probe.filter(|_| class > 127),
        };
        self.estimator.on_sent(self.now, sent);
        self.sequence += match skip {
            255 => 100_000,
            250.. => u64::from(skip),
            _ => 1,
        };
    }

    /// Feedback near what was sent.
    fn feed_made(&mut self, behind: u8, reference: u8, statuses: &[u8]) {
        let deltas: Vec<_> = statuses
            .iter()
            .map(|&status| match status {
                0..=40 => None,
                41..=250 => Some(i32::from(status)),
                _ => Some(i32::from(status) * 120 - 30_000),
            })
            .collect();
        let header = FeedbackHeader {
            sender: Ssrc(1),
            media: Ssrc(2),
            base_sequence: (self.sequence as u16).wrapping_sub(u16::from(behind)),
            reference_time: u32::from(reference),
            feedback_count: 0,
        };
        let mut out = [0; 1_024];
        if let Some(len) = rtcp::transport_feedback(&mut out, header, &deltas) {
            self.feed(&out[..len]);
        }
    }

    fn feed(&mut self, datagram: &[u8]) {
        let (estimator, now) = (&mut self.estimator, self.now);
        let _ = rtcp::read(datagram, |item| {
            if let RtcpItem::TransportFeedback(feedback) = item {
                estimator.on_transport_feedback(now, &feedback);
            }
        });
    }

    fn hear(&mut self, what: u8, lost: u8, wide: u32) {
        if what < 128 {
            let bitrate = Bitrate::from_bps(u64::from(wide) << (what % 30));
            self.estimator.on_remb(self.now, bitrate);
        } else {
            let rtt = Duration::from_micros(u64::from(wide));
            let rtt = what.is_multiple_of(2).then_some(rtt);
            self.estimator.on_receiver_report(self.now, lost, rtt);
        }
    }

    fn want(&mut self, allotted: u8, next: u8, most: u8) {
        let rate = |value: u8| Bitrate::from_bps(1 << (value % 64));
        let demand = Demand {
            allotted: rate(allotted),
            next: (next < 200).then(|| rate(next)),
            most: rate(most),
        };
        self.estimator.set_demand(self.now, demand);
    }

    fn time_out(&mut self) {
        if let Some(at) = self.estimator.poll_timeout() {
            self.now = self.now.max(at.min(self.now + Duration::from_secs(20)));
        }
        self.estimator.handle_timeout(self.now);
        let again = self.estimator.poll_timeout();
        assert!(
            again.is_none_or(|at| at > self.now),
            "a timeout is done once"
        );
    }
}

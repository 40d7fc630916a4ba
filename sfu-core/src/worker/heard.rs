//! How much of a participant's feedback is listened to.

use std::time::{Duration, Instant};

use super::feedback::MAX_NACKED;
use crate::wire::rtcp::RtcpItem;

/// Steps of work that one participant's feedback may cost in a second: one for each packet whose
/// arrival it tells of, and [`THING`] for all else. Who is sent 100 Mbit/s, tells of it all and asks
/// for a twentieth of it again needs half of that.
///
/// Higher: a client that sends the shortest feedback that says the most takes more than a hundredth
/// of a worker's time from others. Lower: who is sent much is no longer heard.
const MAX_STEPS: u32 = 32_768;

/// Steps of a number that is asked for, of a report on a stream, of a request, of a list: what takes
/// a lookup.
///
/// Higher: less is heard in a second of who has many streams. Lower: a lookup costs more than it is
/// counted for.
const THING: u32 = 8;

/// The time in which steps are counted.
const SPAN: Duration = Duration::from_secs(1);

/// What was listened to in this second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    since: Instant,
    steps: u32,
}

impl Heard {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            steps: 0,
        }
    }

    /// Counts one more thing that is said. False when it is too much, and not to be listened to.
    pub(super) fn takes(&mut self, now: Instant, item: &RtcpItem<'_>) -> bool {
        if now.saturating_duration_since(self.since) >= SPAN {
            *self = Self::new(now);
        }
        let (told, things) = match item {
            RtcpItem::TransportFeedback(feedback) => (feedback.status_count, 1),
            RtcpItem::CongestionFeedback(feedback) => {
                (feedback.reports(), feedback.streams().count())
            }
            RtcpItem::Nack { sequences, .. } => (0, sequences.clone().take(MAX_NACKED).count()),
            RtcpItem::SenderReport { reports, .. } | RtcpItem::ReceiverReport { reports, .. } => {
                (0, 1 + reports.clone().count())
            }
            _ => (0, 1),
        };
        // A datagram holds far fewer of them.
        let steps = u32::from(told) + THING * things as u32;
        self.steps = self.steps.saturating_add(steps);
        self.steps <= MAX_STEPS
    }
}

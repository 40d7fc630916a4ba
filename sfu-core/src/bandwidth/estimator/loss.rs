//! The rate that the losses allow.
//!
//! A link that is full loses what does not fit; a bad radio link loses a part of everything. Only the
//! first gets better by sending less. So loss is held against the queue: what is lost where none stands is
//! inherent to the link. Where one does, the rate is lowered once to see whether the loss goes away.

mod kept;
mod observation;

use super::MIN_ESTIMATE;
use super::sent_history::Sent;
use observation::{Observation, deviation};

/// The least span and number of packets of one observation, and the span after which fewer will do,
/// in microseconds. Longer: a full short queue is felt later. Shorter: luck looks like a full queue.
const SPAN: u64 = 250_000;
const PACKETS: u32 = 20;
const LONGEST_SPAN: u64 = 1_000_000;

/// Loss beyond what is inherent that is taken for chance.
const CHANCE: f64 = 0.02;

/// Observations in a row that show loss before anything is done: a burst is shorter.
const SUSTAINED: u8 = 2;

/// The most that is taken for inherent: beyond, nobody can be served well, and less is sent.
const MOST_INHERENT: f64 = 0.25;

/// Where no queue is this long, in microseconds, no more than this part is lost for want of room: a queue
/// that overflows is long before. A policer, which has none, loses more of what is too much for it; a
/// rate that is too high by less is repaired.
///
/// Higher: a full queue that is very short, or a policer, is obeyed later. Lower: who loses packets by
/// chance loses its pictures too while it is tried whether less helps.
const NO_QUEUE: i64 = 5_000;
const MOST_WITHOUT: f64 = 0.15;

/// What is left of what comes through when loss has lowered the rate.
const BETA: f64 = 0.95;

/// The part of the loss that has to stay at a lower rate for it to be inherent.
const STAYS: f64 = 0.55;

/// Longest trial, in microseconds: the sender cannot send less, or next to nothing.
const LONGEST_TRIAL: u64 = 3_000_000;

/// Growth of the limit each second without loss.
const GROWTH: f64 = 0.10;

#[derive(Clone, Copy, Debug)]
enum State {
    /// Loss holds nothing.
    Clear,
    /// Less is sent since, to see whether the loss goes away.
    Trial {
        since: u64,
        rate: f64,
        loss: f64,
        seen: Observation,
    },
    /// It did: losses began at `rate`.
    Limited { rate: f64 },
}

/// The rate that the losses allow, in bits per second.
#[derive(Clone, Debug)]
pub(super) struct LossControl {
    /// Still to be filled.
    open: Observation,
    /// Filled, and left for a feedback longer: what was overtaken on its way is told late.
    closed: Option<Observation>,
    /// Packets that left before say nothing.
    counts_from: u64,
    sustained: u8,
    lost_lately: f64,
    inherent: f64,
    limit: Option<f64>,
    state: State,
}

impl LossControl {
    pub(super) const fn new() -> Self {
        Self {
            closed: None,
            open: Observation {
                first_sent: 0,
                last_sent: 0,
                bytes: 0,
                packets: 0,
                lost: 0,
                queue: 0,
            },
            counts_from: 0,
            sustained: 0,
            lost_lately: 0.0,
            inherent: 0.0,
            limit: None,
            state: State::Clear,
        }
    }

    /// What the losses allow; `None`: anything.
    pub(super) const fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// The part of packets lost lately.
    pub(super) const fn lost_lately(&self) -> f64 {
        self.lost_lately
    }

    /// The part of packets that the link loses whatever is sent.
    pub(super) const fn inherent(&self) -> f64 {
        self.inherent
    }

    /// True while less is sent to see what the loss comes from.
    pub(super) const fn is_trying(&self) -> bool {
        matches!(self.state, State::Trial { .. })
    }

    /// Feedback is back after silence: what was lost in it was lost to an outage.
    pub(super) fn begin_anew(&mut self, now: u64) {
        self.counts_from = now;
        self.open = Observation::default();
        self.closed = None;
        self.sustained = 0;
    }

    /// Feedback told of a packet.
    pub(super) fn told(&mut self, packet: &Sent, is_lost: bool) {
        if packet.at < self.counts_from {
            return;
        }
        let open = &mut self.open;
        if open.packets == 0 {
            open.first_sent = packet.at;
        }
        open.last_sent = open.last_sent.max(packet.at);
        open.bytes += u64::from(packet.size);
        open.packets += 1;
        open.lost += u32::from(is_lost);
    }

    /// A packet that was told lost has come after all.
    pub(super) fn found(&mut self, packet: &Sent) {
        let closed = self.closed.as_mut();
        let of_closed = closed.filter(|closed| packet.at <= closed.last_sent);
        let observation = of_closed.unwrap_or(&mut self.open);
        observation.lost = observation.lost.saturating_sub(1);
    }

    /// The link has carried `rate`: a probe came through.
    pub(super) fn prove(&mut self, rate: f64) {
        if let Some(limit) = &mut self.limit {
            *limit = limit.max(rate);
        }
    }

    /// All of a feedback was told; packets wait for `queueing` microseconds.
    pub(super) fn update(&mut self, now: u64, rtt: u64, queueing: i64) {
        self.open.queue = self.open.queue.max(queueing);
        if let Some(closed) = self.closed.take() {
            self.observed(now, rtt, closed);
        }
        let span = self.open.last_sent.saturating_sub(self.open.first_sent);
        let is_full = span >= SPAN && self.open.packets >= PACKETS
            || span >= LONGEST_SPAN && self.open.packets >= PACKETS / 2;
        if is_full {
            self.closed = Some(std::mem::take(&mut self.open));
        } else if span >= 2 * LONGEST_SPAN {
            // What was sent at long intervals says little of a rate.
            self.open = Observation::default();
        }
    }

    fn observed(&mut self, now: u64, rtt: u64, seen: Observation) {
        let (rate, loss) = (seen.rate(), seen.loss());
        self.lost_lately += (loss - self.lost_lately) * 0.5;
        let margin = CHANCE.max(2.0 * deviation(self.inherent.max(0.01), seen.packets));
        let is_high = seen.lost > 1 && loss > self.inherent + margin;
        if loss < self.inherent {
            self.inherent += (loss - self.inherent) * 0.05;
        }
        if let State::Trial { .. } = self.state {
            return self.tried(now, rtt, seen);
        }
        if !is_high {
            self.sustained = 0;
            return self.grow(seen);
        }
        self.sustained += 1;
        if seen.queue < NO_QUEUE && self.lost_lately <= MOST_WITHOUT + margin {
            if self.sustained >= SUSTAINED {
                self.sustained = 0;
                self.inherent = self.inherent.max(self.lost_lately);
            }
            return;
        }
        if self.sustained >= SUSTAINED || loss > MOST_INHERENT + margin {
            self.sustained = 0;
            // It grows by a part of itself, and has to come back when all was lost for a moment.
            let least = MIN_ESTIMATE.bps() as f64;
            self.limit = Some((rate * (1.0 - loss) * BETA).max(least));
            let seen = Observation::default();
            self.state = State::Trial {
                since: now,
                rate,
                loss,
                seen,
            };
        }
    }

    /// What came of sending less.
    fn tried(&mut self, now: u64, rtt: u64, new: Observation) {
        let State::Trial {
            since,
            rate,
            loss,
            seen,
        } = &mut self.state
        else {
            return;
        };
        let is_over = now - *since > LONGEST_TRIAL;
        if new.first_sent >= *since + rtt / 2 && new.rate() < *rate * 0.97 {
            seen.packets += new.packets;
            seen.lost += new.lost;
        } else if !is_over {
            return;
        }
        if seen.packets < 2 * PACKETS && !is_over {
            return;
        }
        let (rate, loss, after) = (*rate, *loss, seen.loss());
        // Who cannot send less, and loses the same without a queue, has a bad link.
        let (stayed, after) = if seen.packets == 0 {
            (true, self.lost_lately)
        } else {
            (
                after > self.inherent + (loss - self.inherent) * STAYS,
                after,
            )
        };
        if stayed && after < MOST_INHERENT {
            self.inherent = loss.min(after);
            self.limit = None;
            self.state = State::Clear;
        } else {
            self.state = State::Limited { rate };
        }
    }

    fn grow(&mut self, seen: Observation) {
        let (Some(limit), State::Limited { rate }) = (&mut self.limit, self.state) else {
            return;
        };
        let seconds = (seen.last_sent - seen.first_sent) as f64 / 1e6;
        *limit *= 1.0 + GROWTH * seconds;
        if *limit > rate * 1.5 {
            self.limit = None;
            self.state = State::Clear;
        }
    }
}

#[cfg(test)]
mod tests;

//! A line of a limited rate with a queue before it, and others' traffic in both.

use std::time::{Duration, Instant};

use crate::element::cross_traffic::Flow;
use crate::element::delay::Leaving;
use crate::element::queue::{Queue, Waiting};
use crate::element::{Meter, Packet, Stage};
use crate::scenario::{Change, bits_per_second};

/// Packets leave one after the other, each when the line has had the time for its bits.
pub(crate) struct Bottleneck<T> {
    /// In bits per second; 0 in an outage.
    rate: u64,
    /// The rate that the queue's bound is for: the last that was not 0.
    bound: u64,
    queue: Queue<Whose<T>>,
    sending: Option<Sending<T>>,
    left: Leaving<T>,
    /// How many of ours are in the queue and being sent.
    ours: usize,
    flows: Vec<Flow>,
    /// Everything until then has happened.
    now: Instant,
}

pub(crate) enum Whose<T> {
    Ours(Packet<T>),
    Flow { flow: usize, number: u64 },
}

impl<T> Whose<T> {
    const fn is_ours(&self) -> bool {
        matches!(self, Self::Ours(_))
    }
}

struct Sending<T> {
    what: Waiting<Whose<T>>,
    since: Instant,
    /// In billionths of a bit: a nanosecond at a rate of one bit per second does one of it.
    work: u64,
}

/// The bits of so many bytes, in billionths.
const fn bits(bytes: usize) -> u64 {
    (bytes as u64 * 8).saturating_mul(1_000_000_000)
}

impl<T> Bottleneck<T> {
    pub(crate) fn of(
        (start, kbps): (Instant, f64),
        queue: Queue<Whose<T>>,
        flows: Vec<Flow>,
        meter: &mut Meter,
    ) -> Self {
        let rate = bits_per_second(kbps);
        meter.rate(start, rate);
        Self {
            rate,
            bound: rate.max(1),
            queue,
            sending: None,
            left: Leaving::new(),
            ours: 0,
            flows,
            now: start,
        }
    }

    fn pass(&mut self, to: Instant, meter: &mut Meter) {
        loop {
            let sent = self.sent();
            let flows = self.flows.iter().zip(0..);
            let flow = flows.filter_map(|(flow, at)| Some((flow.next()?, at)));
            let flow = flow.min();
            let due = [sent, flow.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(due) = due.filter(|due| *due <= to) else {
                break;
            };
            self.now = self.now.max(due);
            match flow {
                Some((at, number)) if sent.is_none_or(|sent| at < sent) => {
                    self.let_flow(number, meter);
                }
                _ => self.finish(meter),
            }
        }
        self.now = self.now.max(to);
    }

    /// When the packet that is being sent has been.
    fn sent(&self) -> Option<Instant> {
        let sending = self.sending.as_ref().filter(|_| self.rate > 0)?;
        Some(sending.since + Duration::from_nanos(sending.work.div_ceil(self.rate)))
    }

    fn let_flow(&mut self, flow: usize, meter: &mut Meter) {
        self.flows[flow].handle(self.now);
        while let Some(number) = self.flows[flow].poll(self.now) {
            let whose = Whose::Flow { flow, number };
            self.enqueue(Flow::PACKET, whose, meter);
        }
    }

    fn enqueue(&mut self, size: usize, whose: Whose<T>, meter: &mut Meter) {
        let under_way = self.sending.as_ref().map_or(0, |sending| sending.work);
        let work = bits(self.queue.bytes()) + under_way;
        let wait = Duration::from_nanos(work / self.bound);
        let is_ours = whose.is_ours();
        let came = self.now;
        let what = Waiting { came, size, whose };
        if self.queue.push(wait, what) {
            self.ours += usize::from(is_ours);
            self.send_next(meter);
        } else if is_ours {
            meter.lost(self.now);
        }
    }

    /// Begins with the next packet where the line is free.
    fn send_next(&mut self, meter: &mut Meter) {
        while self.sending.is_none()
            && self.rate > 0
            && let Some((what, is_lost)) = self.queue.pop(self.now)
        {
            let is_ours = what.whose.is_ours();
            if is_lost {
                if is_ours {
                    self.ours -= 1;
                    meter.lost(self.now);
                }
                continue;
            }
            if is_ours {
                meter.waited(self.now, self.now.saturating_duration_since(what.came));
            }
            let (work, since) = (bits(what.size), self.now);
            self.sending = Some(Sending { what, since, work });
        }
    }

    fn finish(&mut self, meter: &mut Meter) {
        let Some(Sending { what, .. }) = self.sending.take() else {
            return;
        };
        meter.carried(self.now, what.size, what.whose.is_ours());
        match what.whose {
            Whose::Ours(mut packet) => {
                self.ours -= 1;
                packet.at = self.now;
                self.left.push(packet, meter);
            }
            Whose::Flow { flow, number } => self.flows[flow].carried(self.now, number),
        }
        self.send_next(meter);
    }

    fn set_rate(&mut self, kbps: f64, meter: &mut Meter) {
        if let Some(sending) = &mut self.sending {
            let time = self.now.saturating_duration_since(sending.since);
            let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            sending.work = sending.work.saturating_sub(time.saturating_mul(self.rate));
            sending.since = self.now;
        }
        self.rate = bits_per_second(kbps);
        if self.rate > 0 {
            self.bound = self.rate;
        }
        meter.rate(self.now, self.rate);
        self.send_next(meter);
    }
}

impl<T: Send> Stage<T> for Bottleneck<T> {
    fn put(&mut self, packet: Packet<T>, meter: &mut Meter) {
        self.pass(packet.at, meter);
        self.enqueue(packet.size, Whose::Ours(packet), meter);
    }

    fn take(&mut self, now: Instant, meter: &mut Meter) -> Option<Packet<T>> {
        self.pass(now, meter);
        self.left.take(now)
    }

    fn next(&self) -> Option<Instant> {
        // Others' traffic alone wakes nobody: what it does is found out when it matters.
        let sent = self.sent().filter(|_| self.ours > 0);
        [self.left.next(), sent].into_iter().flatten().min()
    }

    fn change(&mut self, at: Instant, change: &Change, meter: &mut Meter) {
        if let Some(kbps) = change.kbps {
            self.pass(at, meter);
            self.set_rate(kbps, meter);
        }
    }

    fn advance(&mut self, now: Instant, meter: &mut Meter) {
        self.pass(now, meter);
    }
}

#[cfg(test)]
mod tests;

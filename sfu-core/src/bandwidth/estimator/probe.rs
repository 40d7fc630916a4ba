//! When to try what the link carries: at the start, and whenever more is wanted than is known to
//! fit. What is sent in layers does not grow by itself, so that nothing else could tell.

use arrayvec::ArrayVec;

use super::probe_result::Outcome;
use crate::bandwidth::departure::{Demand, Probe, ProbeId};
use crate::bandwidth::recording::kept::kept;
use crate::unit::Bitrate;

/// The first two probes, by the first estimate, and the next after one that came through. The second is as far
/// above what is known to fit as any probe goes.
const FIRST: [f64; 2] = [3.0, 6.0];
const FURTHER: f64 = 2.0;

/// A probe that proves this part of its rate calls for the next.
const CAME_THROUGH: f64 = 0.7;

/// How long a probe lasts, in seconds: the first ones, and those beside media; and the fewest packets
/// of one.
///
/// Longer: a surer result, and a longer queue when it fails: what a failed one leaves behind is this
/// long where it asks for twice what the link carries. Shorter: noise, and one that is shorter than the
/// time between pictures finds room between those of another flow that is none.
const FIRST_LENGTH: f64 = 0.020;
const LENGTH: f64 = 0.045;
const PACKETS: u8 = 5;

/// How much longer it lasts by the jitter, and the longest, in seconds: what chance does to its
/// ends must not look like a full link.
const BY_JITTER: f64 = 4.0;
const LONGEST: f64 = 0.100;

/// The queue that a probe leaves where no more than the estimate is carried, in seconds, and the
/// shortest that it may become for that.
const LEAVES: f64 = 0.040;
const SHORTEST: f64 = 0.015;

/// The least of a probe, in bytes.
const LEAST_BYTES: f64 = 1_000.0;

/// How far above the next layer a probe goes: what is proven lies below what is tried, and the
/// allocator leaves room.
const ABOVE_NEXT: f64 = 1.2;

/// How far above all that is wanted a probe goes.
const ABOVE_MOST: f64 = 1.25;

/// The time between probes, in microseconds, at first and after many have failed.
///
/// A longer last one: less is spent in vain. A shorter one: a link that has become better is found
/// out sooner; 8 s are promised, with what the allocator takes.
const FIRST_PAUSE: u64 = 1_000_000;
const LAST_PAUSE: u64 = 4_000_000;

/// A queue that grows so soon after a probe came through says that the probe was wrong, in
/// microseconds. The pause then doubles, to as much as after many that failed.
const MISLED: u64 = 8_000_000;

/// The time after which nothing more is expected of a probe, beside the round trip.
const GIVE_UP: u64 = 1_000_000;

/// What is known when a probe may be due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// In microseconds.
    pub(super) now: u64,
    /// In bits per second.
    pub(super) estimate: f64,
    pub(super) demand: Demand,
    pub(super) rtt: u64,
    /// No probe has come to anything yet.
    pub(super) is_first: bool,
    /// How much packets are late by chance, in microseconds.
    pub(super) jitter: f64,
    /// No queue grows or drains, nothing is lost beyond what is inherent, and feedback comes.
    pub(super) is_calm: bool,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    last: ProbeId,
    rate: f64,
    deadline: u64,
}

/// Decides on probes.
#[derive(Clone, Debug, Default)]
pub(super) struct ProbeControl {
    next_id: u32,
    ready: ArrayVec<Probe, 2>,
    under_way: Option<UnderWay>,
    has_begun: bool,
    has_answer: bool,
    not_before: u64,
    pause: u64,
    /// When a probe raised the estimate last, and the pause after those that were wrong.
    raised: Option<u64>,
    misled: u64,
    /// When it was looked for a due probe last.
    looked: u64,
    fruitful: u32,
}

impl ProbeControl {
    /// Probes asked for.
    pub(super) const fn count(&self) -> u32 {
        self.next_id
    }

    /// Probes that raised the estimate.
    pub(super) const fn fruitful(&self) -> u32 {
        self.fruitful
    }

    /// True while one that was sent is to come to something.
    pub(super) fn is_sent(&self) -> bool {
        self.under_way.is_some() && self.ready.is_empty()
    }

    /// True when the first probe was asked for.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// True when the first probe has come to something.
    pub(super) const fn has_answer(&self) -> bool {
        self.has_answer
    }

    /// The next probe to send.
    pub(super) fn poll(&mut self) -> Option<Probe> {
        self.ready.pop_at(0)
    }

    /// When to look again, in microseconds.
    pub(super) fn deadline(&self, estimate: f64, demand: Demand) -> Option<u64> {
        match self.under_way {
            Some(under_way) => Some(under_way.deadline),
            // What was due and did not go waits for calm, which only feedback brings.
            None if self.not_before <= self.looked => None,
            None => wanted(estimate, demand).map(|_| self.not_before),
        }
    }

    /// The probe that nothing more is expected of.
    pub(super) fn given_up(&self, now: u64) -> Option<ProbeId> {
        let under_way = self.under_way.filter(|probe| now >= probe.deadline)?;
        Some(under_way.last)
    }

    /// The probe under way was never sent.
    pub(super) fn give_up(&mut self, now: u64) {
        self.ready.clear();
        self.under_way = None;
        self.not_before = now + FIRST_PAUSE;
    }

    /// The estimate fell: what was proven is so no more, and the link is left in peace for a moment.
    pub(super) fn fell(&mut self, now: u64) {
        let mut pause = FIRST_PAUSE;
        // A fall that no probe led to calls for no more: those that were wrong have had their pause.
        if let Some(raised) = self.raised.take() {
            self.misled = match now - raised < MISLED {
                true => (self.misled * 2).clamp(2 * FIRST_PAUSE, LAST_PAUSE),
                false => 0,
            };
            pause = pause.max(self.misled);
        }
        self.not_before = self.not_before.max(now + pause);
        self.pause = self.pause.max(FIRST_PAUSE);
    }

    /// Feedback is back after silence: nothing is known of the link.
    pub(super) fn begin_anew(&mut self, now: u64) {
        self.under_way = None;
        self.not_before = now + FIRST_PAUSE / 4;
        self.pause = 0;
        self.raised = None;
        self.misled = 0;
    }

    /// Asks for a probe when one is due.
    pub(super) fn update(&mut self, situation: &Situation) {
        self.looked = situation.now;
        if self.under_way.is_some() || !situation.is_calm {
            return;
        }
        let Some(next) = wanted(situation.estimate, situation.demand) else {
            return;
        };
        if situation.now < self.not_before {
            return;
        }
        if self.has_begun {
            self.ask(situation, next * ABOVE_NEXT);
            return;
        }
        self.has_begun = true;
        let first = situation.estimate;
        for times in FIRST {
            if self.most(situation) > first {
                self.ask(situation, first * times);
            }
        }
    }

    /// A probe has raised the estimate, or that of its line.
    pub(super) const fn raised(&mut self, now: u64) {
        self.fruitful += 1;
        self.raised = Some(now);
    }

    /// A probe came to something or nothing. `estimate` is that after it.
    pub(super) fn ended(&mut self, outcome: &Outcome, situation: &Situation) {
        self.has_answer |= outcome.proven.is_some();
        let Some(under_way) = self.under_way.filter(|probe| probe.last == outcome.id) else {
            return;
        };
        self.under_way = None;
        let came_through = outcome
            .proven
            .filter(|&proven| !outcome.is_saturated && proven > under_way.rate * CAME_THROUGH);
        let now = situation.now;
        if let Some(proven) = came_through {
            self.pause = 0;
            self.not_before = now + FIRST_PAUSE / 2;
            if situation.is_calm && wanted(situation.estimate, situation.demand).is_some() {
                self.ask(situation, proven * FURTHER);
            }
        } else if outcome.proven.is_some() || outcome.is_saturated {
            self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LAST_PAUSE);
            self.not_before = now + self.pause;
        } else {
            // It was not sent, or squeezed on its way.
            self.not_before = now + FIRST_PAUSE;
        }
    }

    fn most(&self, situation: &Situation) -> f64 {
        situation.demand.most.bps() as f64 * ABOVE_MOST
    }

    fn ask(&mut self, situation: &Situation, rate: f64) {
        let rate = rate
            .min(self.most(situation))
            .min(situation.estimate * FIRST[1]);
        if self.ready.is_full() || rate <= situation.estimate {
            return;
        }
        let own = if situation.is_first {
            FIRST_LENGTH
        } else {
            LENGTH
        };
        let length = (own + situation.jitter * BY_JITTER / 1e6).min(LONGEST);
        let excess = (rate / situation.estimate - 1.0).max(0.01);
        let length = length.min((LEAVES / excess).max(SHORTEST));
        let id = ProbeId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.ready.push(Probe {
            id,
            rate: Bitrate::from_bps(rate as u64),
            bytes: (rate * length / 8.0).max(LEAST_BYTES) as u32,
            packets: PACKETS,
        });
        let deadline = situation.now + situation.rtt + GIVE_UP;
        self.under_way = Some(UnderWay {
            last: id,
            rate,
            deadline,
        });
    }
}

/// What more is wanted than is known to fit.
fn wanted(estimate: f64, demand: Demand) -> Option<f64> {
    let next = demand.next?.bps() as f64;
    (next > estimate).then_some(next)
}

kept!(UnderWay {
    last,
    rate,
    deadline
});
kept!(ProbeControl {
    next_id,
    ready,
    under_way,
    has_begun,
    has_answer,
    not_before,
    pause,
    raised,
    misled,
    looked,
    fruitful
});

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(now_ms: u64, estimate: f64, next: u64, most: u64) -> Situation {
        Situation {
            now: now_ms * 1_000,
            estimate,
            demand: Demand {
                allotted: Bitrate::default(),
                next: Some(Bitrate::from_bps(next)),
                most: Bitrate::from_bps(most),
            },
            rtt: 50_000,
            is_first: false,
            jitter: 0.0,
            is_calm: true,
        }
    }

    fn outcome(id: ProbeId, proven: f64, is_saturated: bool) -> Outcome {
        Outcome {
            id,
            proven: Some(proven),
            is_saturated,
        }
    }

    #[test]
    fn it_begins_with_three_and_six_times_the_first_estimate() {
        let mut control = ProbeControl::default();
        control.update(&situation(0, 300e3, 500_000, 5_000_000));
        let rates: Vec<u64> = std::iter::from_fn(|| control.poll())
            .map(|probe| probe.rate.bps())
            .collect();
        assert_eq!(rates, [900_000, 1_800_000]);
        control.update(&situation(100, 300e3, 500_000, 5_000_000));
        assert_eq!(control.poll(), None, "one at a time");
    }

    #[test]
    fn it_goes_no_further_than_what_is_wanted() {
        let mut control = ProbeControl::default();
        control.update(&situation(0, 300e3, 310_000, 400_000));
        assert_eq!(control.poll().map(|probe| probe.rate.bps()), Some(500_000));
        let mut control = ProbeControl::default();
        control.update(&situation(0, 300e3, 200_000, 200_000));
        assert_eq!(control.poll(), None, "what is wanted is known to fit");
    }

    #[test]
    fn one_that_comes_through_calls_for_the_next_and_failures_are_spaced() {
        let mut control = ProbeControl::default();
        control.update(&situation(0, 300e3, 500_000, 9_000_000));
        let last = std::iter::from_fn(|| control.poll()).last().expect("two");
        let after = situation(200, 1.8e6, 4_000_000, 9_000_000);
        control.ended(&outcome(last.id, 1.8e6, false), &after);
        let further = control.poll().expect("at once");
        assert_eq!(further.rate.bps(), 3_600_000);
        let mut now = 400;
        let mut id = further.id;
        let mut pauses = Vec::new();
        for _ in 0..4 {
            let failed = situation(now, 1.8e6, 4_000_000, 9_000_000);
            control.ended(&outcome(id, 1.7e6, true), &failed);
            let before = now;
            let probe = loop {
                now += 100;
                control.update(&situation(now, 1.8e6, 4_000_000, 9_000_000));
                if let Some(probe) = control.poll() {
                    break probe;
                }
            };
            id = probe.id;
            pauses.push(now - before);
        }
        assert_eq!(pauses, [1_000, 2_000, 4_000, 4_000]);
    }

    /// Asks for a probe at `now_ms` and lets it raise the estimate, which falls after so long.
    fn mislead(control: &mut ProbeControl, now_ms: u64, after_ms: u64) {
        let before = situation(now_ms, 500e3, 900_000, 900_000);
        control.update(&before);
        let after = situation(now_ms, 900e3, 900_000, 900_000);
        while let Some(probe) = control.poll() {
            control.ended(&outcome(probe.id, 900e3, false), &after);
        }
        control.raised(now_ms * 1_000);
        control.fell((now_ms + after_ms) * 1_000);
    }

    /// How long it waits from `now_ms` on until it probes.
    fn waits(control: &mut ProbeControl, now_ms: u64) -> u64 {
        let mut waits = (0..20_000).step_by(500);
        let is_due = |after: &u64| {
            control.update(&situation(now_ms + after, 500e3, 900_000, 900_000));
            !control.ready.is_empty()
        };
        waits.find(is_due).expect("sooner or later")
    }

    #[test]
    fn misleading_ones_are_spaced_as_failures_are() {
        let mut control = ProbeControl::default();
        let mut now = 1_000;
        let mut pauses = Vec::new();
        for _ in 0..5 {
            mislead(&mut control, now, 500);
            now += 500;
            pauses.push(waits(&mut control.clone(), now));
            now += pauses.last().expect("one");
        }
        assert_eq!(pauses, [2_000, 4_000, 4_000, 4_000, 4_000]);
    }

    #[test]
    fn a_fall_that_no_probe_led_to_delays_the_next_no_longer_than_the_first() {
        let mut control = ProbeControl::default();
        for now in [1_000, 11_000, 21_000] {
            mislead(&mut control, now, 500);
        }
        control.fell(41_000_000);
        assert_eq!(waits(&mut control, 41_000), 1_000);
    }

    #[test]
    fn only_a_probe_that_raised_the_estimate_was_wrong() {
        for (has_raised, pause) in [(false, 1_000), (true, 2_000)] {
            let mut control = ProbeControl::default();
            control.update(&situation(0, 300e3, 500_000, 9_000_000));
            let last = std::iter::from_fn(|| control.poll()).last().expect("two");
            let after = situation(200, 1.8e6, 1_000_000, 9_000_000);
            control.ended(&outcome(last.id, 1.8e6, true), &after);
            if has_raised {
                control.raised(200_000);
            }
            control.fell(5_000_000);
            let due = control.deadline(300e3, situation(0, 0.0, 500_000, 0).demand);
            assert_eq!(due, Some(5_000_000 + pause * 1_000));
        }
    }

    #[test]
    fn nothing_is_tried_while_a_queue_grows() {
        let mut control = ProbeControl::default();
        let busy = Situation {
            is_calm: false,
            ..situation(0, 300e3, 500_000, 5_000_000)
        };
        control.update(&busy);
        assert_eq!(control.poll(), None);
        assert_eq!(
            control.deadline(300e3, busy.demand),
            None,
            "feedback brings calm"
        );
    }
}

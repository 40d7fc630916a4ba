//! One bottleneck and those behind it: subscribers of one address that see the same queue at the same
//! time are controlled as one, and share what their line carries.
//!
//! This is coupled congestion control as in RFC 8699, whose flow state exchange is this [`Line`]: the
//! sum of what its members send is controlled by one [`RateControl`], and each has a fair share of it.
//! What one does not need is lent to the others, as layers never take just what is fair. Which flows
//! share a bottleneck is measured, in the spirit of RFC 8382: here by queues that rise together.
//!
//! What a member says is as little to be trusted as any feedback, and here it could cost others than
//! itself. One that tells of a queue which nobody else sees lowers the rate of all until it is put
//! out, which takes [`MOST_ALONE`] such queues, and stays out for [`STAYS_OUT`]. One that claims to
//! get what the line does not carry is believed no more than it is sent; what it raises the rate to
//! makes a queue, which the others tell of. That is what it could do to them uncoupled too, by taking
//! what it claims. Its own share is never more for it, but for what others leave unused. A queue that is
//! made up as long as the short ones that others have, or by two alike, cannot be told from one that is
//! there: who is behind the same address can hold the rate of all down.

mod evidence;
mod member;
mod probed;
mod rate;
#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests;

use std::time::Instant;

use arrayvec::ArrayVec;

use member::Member;
use probed::Probes;

use super::facts::Facts;
use super::micros_of;
use super::probe_result::Proven;
use super::rate_control::RateControl;
use crate::bandwidth::departure::{Demand, ProbeId};
use crate::bandwidth::recording::kept::kept;

/// The most members that a line has.
///
/// Higher: more of those behind one address share fairly, and each feedback costs more. Lower: the
/// reverse; who is one too many is controlled alone.
pub const MAX_MEMBERS: usize = 16;

/// The longest that a probe keeps others from theirs, in microseconds.
///
/// Longer: one whose feedback stays away holds the others up. Shorter: on a long way two probes meet.
const PROBE_LASTS: u64 = 1_500_000;

/// The least that a member counts as using, as a part of an even part of the line.
///
/// Higher: who begins to be sent more has it sooner, and who is sent much is slowed down for those that are
/// sent little. Lower: the first picture of one that was sent sound alone comes late.
const LEAST_USED: f64 = 0.1;

/// What a member of a line may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// What it could have if it wanted all that it can get, in bits per second.
    pub(in crate::bandwidth) fair: f64,
    /// The same, and what the others leave unused.
    pub(in crate::bandwidth) most: f64,
    /// Its part of the line's rate by what it uses: that of all members together is the line's rate.
    pub(in crate::bandwidth) part: f64,
    /// A queue drains.
    pub(in crate::bandwidth) holds: bool,
    /// A queue has grown near the line's rate.
    pub(in crate::bandwidth) is_limited: bool,
    /// By its last feedback its probe has raised the line's rate. One that found no more than was known is
    /// not what a later queue comes from.
    pub(in crate::bandwidth) has_raised: bool,
}

/// What an estimator has to say to its line after feedback.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub(super) facts: Facts,
    /// What a probe has proven.
    pub(super) proven: Option<Proven>,
    /// A probe has been sent and has not come to anything yet.
    pub(super) is_probing: bool,
}

/// Those behind one address, of whom some share a bottleneck.
#[derive(Clone, Debug)]
pub struct Line {
    epoch: Instant,
    control: RateControl,
    members: ArrayVec<Member, MAX_MEMBERS>,
    probes: Probes,
}

impl Line {
    /// A line without members.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            control: RateControl::new(0.0),
            members: ArrayVec::new(),
            probes: Probes::default(),
        }
    }

    /// Somebody is behind the address. False when there are [`MAX_MEMBERS`] already.
    pub fn join(&mut self, id: u64) -> bool {
        self.members.try_push(Member::new(id)).is_ok()
    }

    /// Somebody has gone; what it had is the others'.
    pub fn leave(&mut self, id: u64) {
        self.members.retain(|one| one.id != id);
        self.probes.end(id);
    }

    /// Whether nobody is behind the address any more.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members that are coupled.
    pub fn coupled(&self) -> impl Iterator<Item = u64> {
        let coupled = self.members.iter().filter(|one| one.is_coupled());
        coupled.map(|one| one.id)
    }

    /// A member's feedback has come. True when the others may send less than before.
    pub fn heard(&mut self, now: Instant, id: u64, heard: &Heard) -> bool {
        let Some(at) = self.place(id) else {
            return false;
        };
        let now = self.micros(now);
        let member = &mut self.members[at];
        member.heard = Some((now, member::believed(heard.facts)));
        member.peak.add(now as i64, -heard.facts.waits);
        member.probing = member.probing.filter(|_| heard.is_probing);
        member.has_raised = false;
        let before = self.control.rate();
        let is_new = self.look_for_others(now, at);
        self.part(now, at);
        if !self.members[at].is_coupled() {
            return is_new;
        }
        self.obey(now, at, heard);
        if !heard.is_probing {
            self.probes.end(id);
        }
        is_new || self.control.rate() < before
    }

    /// A packet of a member's has left with `size` bytes on the wire, as part of a probe or not.
    pub fn sent(&mut self, id: u64, probe: Option<ProbeId>, size: u16) {
        if probe.is_none() && self.probes.is_empty() {
            return;
        }
        let place = self.place(id);
        if place.is_some_and(|at| self.members[at].is_coupled()) {
            self.probes.sent(id, probe, size);
        }
    }

    /// What a member is sent and what it wants. True when others have to give back what was lent to
    /// them.
    pub fn demand(&mut self, id: u64, demand: Demand) -> bool {
        let Some(at) = self.place(id) else {
            return false;
        };
        self.members[at].demand = demand;
        let sum: f64 = self.coupled_members().map(Member::used).sum();
        self.members[at].is_coupled() && sum > self.control.rate()
    }

    /// What a member may send; `None` when it is controlled alone.
    #[must_use]
    pub fn share(&self, id: u64) -> Option<Share> {
        let own = self.coupled_members().find(|one| one.id == id)?;
        let all = self.control.rate();
        let others = || self.coupled_members().filter(move |one| one.id != id);
        let fair = self.level(id);
        let used: f64 = others().map(Member::used).sum();
        Some(Share {
            fair,
            most: fair.max(all - used),
            part: self.part_of(id),
            holds: self.control.holds(),
            is_limited: self.control.is_limited(),
            has_raised: own.has_raised,
        })
    }

    /// A member's part of the line's rate, by what it and the others use. Whoever gets what is not used,
    /// it can be sent but once at a time.
    fn part_of(&self, id: u64) -> f64 {
        let all = self.control.rate();
        let count = self.coupled_members().count().max(1);
        let least = all / count as f64 * LEAST_USED;
        let used = |one: &Member| one.used().max(least);
        let own = self.coupled_members().find(|one| one.id == id);
        let sum: f64 = self.coupled_members().map(used).sum();
        own.map_or(0.0, |own| all * used(own) / sum.max(1.0))
    }

    /// Whether a member may probe: two probes at a time would each find what the other leaves.
    #[must_use]
    pub fn may_probe(&self, now: Instant, id: u64) -> bool {
        let now = self.micros(now);
        let is_probing = |one: &Member| one.probing.is_some_and(|at| now - at < PROBE_LASTS);
        let mut others = self.coupled_members().filter(|one| one.id != id);
        !others.any(is_probing)
    }

    /// A member begins a probe.
    pub fn begin_probe(&mut self, now: Instant, id: u64) {
        let now = self.micros(now);
        if let Some(at) = self.place(id) {
            self.members[at].probing = Some(now);
        }
    }

    fn micros(&self, now: Instant) -> u64 {
        micros_of(now.saturating_duration_since(self.epoch))
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.members.iter().position(|one| one.id == id)
    }

    fn coupled_members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|one| one.is_coupled())
    }

    /// Up to where a member could be filled, with all others filled as far as they want: water in
    /// vessels of different heights (max-min fairness).
    fn level(&self, id: u64) -> f64 {
        let wanted = |one: &Member| match one.id == id {
            true => f64::INFINITY,
            false => one.wanted(),
        };
        let mut heights: ArrayVec<f64, MAX_MEMBERS> = self.coupled_members().map(wanted).collect();
        heights.sort_unstable_by(f64::total_cmp);
        let mut left = self.control.rate();
        let mut count = heights.len();
        for height in heights {
            let level = left / count as f64;
            if height >= level {
                return level;
            }
            left -= height;
            count -= 1;
        }
        left
    }
}

kept!(Share {
    fair,
    most,
    part,
    holds,
    is_limited,
    has_raised
});

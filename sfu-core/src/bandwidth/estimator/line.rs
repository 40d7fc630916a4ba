//! One bottleneck and those behind it: subscribers of one address that see the same queue at the same
//! time are controlled as one, and share what their line carries.
//!
//! This is coupled congestion control as in RFC 8699, whose flow state exchange is this [`Line`]: the
//! sum of what its members send is controlled by one [`RateControl`], and each has a fair share of it.
//! What one does not need is lent to the others, as layers never take just what is fair. Which flows
//! share a bottleneck is measured, in the spirit of RFC 8382: here by queues that rise together.
//!
//! What a member says is as little to be trusted as any feedback. One that tells of a queue which
//! nobody else sees lowers the rate of all until it is put out, which takes [`MOST_ALONE`] of its
//! queues; one that claims what the line does not carry makes a queue, which the others tell of. That
//! is no more than it could do to who shares its line by asking for more, uncoupled.

use std::time::Instant;

use arrayvec::ArrayVec;

use super::facts::Facts;
use super::queueing::Least;
use super::rate_control::RateControl;
use super::report::Usage;
use super::{MIN_ESTIMATE, micros_of};
use crate::bandwidth::departure::Demand;
use crate::bandwidth::recording::kept::kept;

/// The most members that a line has.
///
/// Higher: more of those behind one address share fairly, and each feedback costs more. Lower: the
/// reverse; who is one too many is controlled alone.
pub const MAX_MEMBERS: usize = 16;

/// How long a member that was not heard of counts, in microseconds.
///
/// Longer: the line counts as full with one that has gone. Shorter: one that is sent little is
/// overlooked.
const FRESH: u64 = 1_000_000;

/// The span over which the longest queue of a member is kept, and another of the same, in
/// microseconds: feedback of the far ones comes later.
///
/// Longer: queues that have nothing to do with each other look like one. Shorter: the same queue, seen
/// from afar, looks like another.
const PEAK_SPAN: i64 = 300_000;

/// How long after its begin a queue is judged, in microseconds: by then all have told of it.
const JUDGED_AFTER: u64 = 500_000;

/// The shortest queue that is one, in microseconds, and the part of another's that is the same queue.
///
/// Higher: a shared line is found later. Lower: chance couples who share nothing.
const LEAST_QUEUE: i64 = 10_000;
const SAME: f64 = 0.5;

/// So many queues that nobody else sees put a member out.
///
/// Higher: one with a bad link of its own costs the others more. Lower: chance parts who share a line.
const MOST_ALONE: u8 = 2;

/// How long after the last queue in common a member stays, in microseconds.
///
/// Longer: who has moved to another line is held to this one. Shorter: who shares a line that nothing
/// fills is controlled alone, until it fills again.
const STANDS: u64 = 60_000_000;

/// What a member of a line may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// What it could have if it wanted all that it can get, in bits per second.
    pub(super) fair: f64,
    /// The same, and what the others leave unused.
    pub(super) most: f64,
    /// A queue drains.
    pub(super) holds: bool,
    /// A queue has grown near the line's rate.
    pub(super) is_limited: bool,
    /// Nobody else's probe is under way.
    pub(super) may_probe: bool,
}

/// What an estimator has to say to its line after feedback.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub(super) facts: Facts,
    /// A rate that a probe has proven, and whether it filled the line.
    pub(super) proven: Option<(f64, bool)>,
    /// A probe is under way.
    pub(super) is_probing: bool,
}

/// A queue that one member sees.
#[derive(Clone, Copy, Debug)]
struct Episode {
    since: u64,
    is_common: bool,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    id: u64,
    heard: Option<(u64, Facts)>,
    /// The longest queues of late, negative.
    peak: Least,
    demand: Demand,
    is_probing: bool,
    episode: Option<Episode>,
    alone: u8,
    /// When it last had a queue in common with others: it is coupled.
    common: Option<u64>,
}

/// Those behind one address, of whom some share a bottleneck.
#[derive(Clone, Debug)]
pub struct Line {
    epoch: Instant,
    control: RateControl,
    members: ArrayVec<Member, MAX_MEMBERS>,
}

impl Line {
    /// A line without members.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            control: RateControl::new(0.0),
            members: ArrayVec::new(),
        }
    }

    /// Somebody is behind the address. False when there are [`MAX_MEMBERS`] already.
    pub fn join(&mut self, id: u64) -> bool {
        let member = Member {
            id,
            heard: None,
            peak: Least::new(PEAK_SPAN),
            demand: Demand::default(),
            is_probing: false,
            episode: None,
            alone: 0,
            common: None,
        };
        self.members.try_push(member).is_ok()
    }

    /// Somebody has gone.
    pub fn leave(&mut self, id: u64) {
        if let Some(at) = self.place(id) {
            self.uncouple(at);
            self.members.swap_remove(at);
        }
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
        let now = micros_of(now.saturating_duration_since(self.epoch));
        let member = &mut self.members[at];
        member.heard = Some((now, heard.facts));
        member.peak.add(now as i64, -heard.facts.queueing);
        member.is_probing = heard.is_probing;
        let before = self.control.rate();
        let is_new = self.look_for_others(now, at);
        self.part(now, at);
        if !self.members[at].is_coupled() {
            return is_new;
        }
        self.obey(now, at, heard);
        is_new || self.control.rate() < before
    }

    /// What a member is sent and what it wants. True when others have to give back what was lent to
    /// them.
    pub fn demand(&mut self, id: u64, demand: Demand) -> bool {
        let Some(at) = self.place(id) else {
            return false;
        };
        self.members[at].demand = demand;
        let sum: f64 = self.coupled_members().map(|one| one.used()).sum();
        self.members[at].is_coupled() && sum > self.control.rate()
    }

    /// What a member may send; `None` when it is controlled alone.
    #[must_use]
    pub fn share(&self, id: u64) -> Option<Share> {
        let at = self.place(id).filter(|&at| self.members[at].is_coupled())?;
        let all = self.control.rate();
        let others = || self.coupled_members().filter(move |one| one.id != id);
        let fair = self.level(id);
        let used: f64 = others().map(Member::used).sum();
        Some(Share {
            fair,
            most: fair.max(all - used),
            holds: self.control.holds(),
            is_limited: self.control.is_limited(),
            may_probe: others().all(|one| !one.is_probing),
        })
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

    /// Couples a member whose queue has grown with those who see the same queue. True when the
    /// others' share has become another.
    fn look_for_others(&mut self, now: u64, at: usize) -> bool {
        let member = &mut self.members[at];
        let Some((_, facts)) = member.heard else {
            return false;
        };
        if facts.usage == Usage::Over && member.episode.is_none() {
            member.episode = Some(Episode {
                since: now,
                is_common: false,
            });
        }
        let Some(mut episode) = member.episode else {
            return false;
        };
        let queue = member.queue();
        let has_line = self.coupled_members().next().is_some();
        let is_same = |one: &Member| one.is_fresh(now) && one.has_same(queue);
        let same = |one: &&Member| one.is_coupled() == has_line && is_same(one);
        let others = self
            .members
            .iter()
            .filter(|one| one.id != self.members[at].id);
        let mut is_new = false;
        if queue >= LEAST_QUEUE && others.filter(same).next().is_some() {
            episode.is_common = true;
            self.members[at].alone = 0;
            let same: ArrayVec<usize, MAX_MEMBERS> = (0..self.members.len())
                .filter(|&other| other == at || is_same(&self.members[other]))
                .collect();
            for other in same {
                is_new |= self.couple(now, other);
            }
        }
        if now - episode.since < JUDGED_AFTER {
            self.members[at].episode = Some(episode);
            return is_new;
        }
        self.members[at].episode = None;
        if !episode.is_common && self.hears_others(now, at) {
            self.members[at].alone = self.members[at].alone.saturating_add(1);
        }
        is_new
    }

    fn hears_others(&self, now: u64, at: usize) -> bool {
        let id = self.members[at].id;
        self.coupled_members()
            .any(|one| one.id != id && one.is_fresh(now))
    }

    /// Parts a member from the line that has had nothing in common with it for long.
    fn part(&mut self, now: u64, at: usize) {
        let member = &self.members[at];
        let Some(common) = member.common else {
            return;
        };
        if member.alone >= MOST_ALONE || now - common >= STANDS {
            self.uncouple(at);
        }
    }

    /// True when it was not coupled.
    fn couple(&mut self, now: u64, at: usize) -> bool {
        let is_first = self.coupled_members().next().is_none();
        let member = &mut self.members[at];
        let is_new = member.common.replace(now).is_none();
        if is_new {
            let brings = member.heard.map_or(0.0, |(_, facts)| facts.acknowledged);
            if is_first {
                self.control = RateControl::new(0.0);
            }
            self.control.widen(brings);
        }
        is_new
    }

    fn uncouple(&mut self, at: usize) {
        if !self.members[at].is_coupled() {
            return;
        }
        let takes = self.level(self.members[at].id);
        self.control.widen(-takes);
        self.members[at].common = None;
        self.members[at].alone = 0;
        // Who is left alone shares with nobody.
        if self.coupled_members().count() == 1 {
            for member in &mut self.members {
                member.common = None;
            }
        }
    }

    /// Lets the line's rate follow a member's feedback.
    fn obey(&mut self, now: u64, at: usize, heard: &Heard) {
        let id = self.members[at].id;
        let fresh = || {
            let fresh = self.coupled_members().filter(|one| one.is_fresh(now));
            fresh.filter_map(|one| Some((one.id, one.heard?.1)))
        };
        let own = heard.facts;
        if own.usage != Usage::Over && fresh().any(|(_, facts)| facts.usage == Usage::Over) {
            return;
        }
        let sum = |of: fn(&Facts) -> f64| fresh().map(|(_, facts)| of(&facts)).sum::<f64>();
        let most = |of: fn(&Facts) -> u64| fresh().map(|(_, facts)| of(&facts)).max();
        let lately = |facts: &Facts| facts.acknowledged.min(facts.acknowledged_now);
        let facts = Facts {
            now,
            acknowledged: sum(|facts| facts.acknowledged),
            acknowledged_now: sum(|facts| facts.acknowledged_now),
            sent: sum(|facts| facts.sent),
            busy: own.busy.map(|_| {
                sum(|facts| {
                    facts
                        .busy
                        .unwrap_or(facts.acknowledged.min(facts.acknowledged_now))
                })
            }),
            queueing: fresh()
                .map(|(_, facts)| facts.queueing)
                .max()
                .unwrap_or(own.queueing),
            // What is on its way beyond what the way itself holds, for ways of different lengths.
            in_flight: sum(|facts| {
                let way = facts.acknowledged * facts.least_rtt as f64 / 1e6;
                (facts.in_flight - way).max(0.0)
            }),
            rtt: most(|facts| facts.rtt).unwrap_or(own.rtt),
            least_rtt: 0,
            ..own
        };
        let others: f64 = fresh()
            .filter(|(other, _)| *other != id)
            .map(|(_, facts)| lately(&facts))
            .sum();
        let least = MIN_ESTIMATE.bps() as f64 * self.coupled_members().count() as f64;
        self.control.update(&facts);
        if let Some((rate, is_full)) = heard.proven {
            self.control.prove(rate + others, is_full);
        }
        self.control.keep_within(least, f64::INFINITY);
    }
}

impl Member {
    const fn is_coupled(&self) -> bool {
        self.common.is_some()
    }

    fn is_fresh(&self, now: u64) -> bool {
        self.heard.is_some_and(|(at, _)| now - at < FRESH)
    }

    /// Its longest queue of late, in microseconds.
    const fn queue(&self) -> i64 {
        match self.peak.least() {
            i64::MAX => 0,
            least => -least,
        }
    }

    /// Whether its queue may be the same as one that another sees.
    fn has_same(&self, queue: i64) -> bool {
        let own = self.queue();
        own >= LEAST_QUEUE && own as f64 >= queue as f64 * SAME
    }

    /// What it is sent, in bits per second.
    fn used(&self) -> f64 {
        match self.demand == Demand::default() {
            true => self.heard.map_or(0.0, |(_, facts)| facts.acknowledged),
            false => self.demand.allotted.bps() as f64,
        }
    }

    /// What it would take if it could.
    fn wanted(&self) -> f64 {
        match self.demand == Demand::default() {
            true => f64::INFINITY,
            false => self.demand.most.bps() as f64,
        }
    }
}

kept!(Share {
    fair,
    most,
    holds,
    is_limited,
    may_probe
});

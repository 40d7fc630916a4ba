//! Who shares the line: those whose queues rise together.

use super::super::rate_control::RateControl;
use super::super::report::Usage;
use super::Line;
use super::member::Episode;

/// How long after its begin a queue is judged, in microseconds: by then all have told of it.
const JUDGED_AFTER: u64 = 500_000;

/// So many queues that nobody else sees put a member out.
///
/// Higher: one with a bad link of its own costs the others more. Lower: chance parts who share a line.
const MOST_ALONE: u8 = 2;

/// Less than this part of a member's queue is nothing of it.
///
/// Higher: one of the same line is put out whose feedback came at another moment. Lower: one with a bad
/// link of its own stays while others have short queues of theirs.
const NOTHING: f64 = 0.25;

/// How long who was put out is controlled alone, in microseconds.
///
/// Longer: who was put out by chance goes without its share. Shorter: who lies costs the others
/// [`MOST_ALONE`] falls more often.
const STAYS_OUT: u64 = 30_000_000;

/// How long after the last queue in common a member stays, in microseconds.
///
/// Longer: who has moved to another line is held to this one. Shorter: who shares a line that nothing
/// fills is controlled alone, until it fills again.
pub(super) const STANDS: u64 = 60_000_000;

impl Line {
    /// Couples a member whose queue has grown with those who see the same queue. True when the
    /// others' share has become another.
    pub(super) fn look_for_others(&mut self, now: u64, at: usize) -> bool {
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
        let mut is_new = false;
        if self.sees_what_others_see(now, at) {
            episode.is_common = true;
            self.members[at].alone = 0;
            is_new = self.couple_with_same(now, at);
        }
        if now - episode.since < JUDGED_AFTER {
            self.members[at].episode = Some(episode);
            return is_new;
        }
        self.members[at].episode = None;
        if !episode.is_common && self.is_alone(now, at) {
            self.members[at].alone = self.members[at].alone.saturating_add(1);
        }
        is_new
    }

    /// Whether a member's queue is one that others have, of the line if there is one.
    fn sees_what_others_see(&self, now: u64, at: usize) -> bool {
        let member = &self.members[at];
        let has_line = self.coupled_members().next().is_some();
        let mut others = self.members.iter().filter(|one| one.id != member.id);
        others.any(|one| one.is_coupled() == has_line && one.has_same_as(member, now))
    }

    /// Couples a member and all that have the same queue. True when somebody is new.
    fn couple_with_same(&mut self, now: u64, at: usize) -> bool {
        let member = self.members[at];
        let mut is_new = false;
        for other in 0..self.members.len() {
            if other == at || self.members[other].has_same_as(&member, now) {
                is_new |= self.couple(now, other);
            }
        }
        is_new
    }

    /// Whether others were heard of, and none of them sees next to anything of a member's queue.
    fn is_alone(&self, now: u64, at: usize) -> bool {
        let member = &self.members[at];
        let others = self.coupled_members().filter(|one| one.id != member.id);
        let mut fresh = others.filter(|one| one.is_fresh(now)).peekable();
        let nothing = member.queue() as f64 * NOTHING;
        fresh.peek().is_some() && fresh.all(|one| (one.queue() as f64) < nothing)
    }

    /// Parts a member from the line that has had nothing in common with it for long.
    pub(super) fn part(&mut self, now: u64, at: usize) {
        let member = &self.members[at];
        let Some(common) = member.common else {
            return;
        };
        let is_alone = member.alone >= MOST_ALONE;
        if is_alone {
            self.members[at].out = now + STAYS_OUT;
        }
        if is_alone || now - common >= STANDS {
            self.uncouple(at);
        }
    }

    /// True when it was not coupled.
    fn couple(&mut self, now: u64, at: usize) -> bool {
        let is_first = self.coupled_members().next().is_none();
        let member = &mut self.members[at];
        if now < member.out {
            return false;
        }
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

    /// A member goes on alone with its part, which is no longer the others'.
    fn uncouple(&mut self, at: usize) {
        let takes = self.part_of(self.members[at].id);
        self.control.widen(-takes);
        self.members[at].common = None;
        self.members[at].alone = 0;
    }
}

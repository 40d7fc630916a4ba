//! Which frames go by their dependency descriptors: those of one decode target whose references
//! went (RTP Payload Format For AV1, version 1.0, Appendix A).

use super::Choice;
use super::frames::{Frames, Standing};
use crate::media::layer::{DecodeTargets, FrameDependencies, Layer};
use crate::media::packet::PacketFacts;

/// A decode target: its index, and up to which layer it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Target {
    index: u8,
    top: Layer,
}

impl Target {
    const fn is_in(self, mask: u32) -> bool {
        mask >> self.index & 1 == 1
    }
}

/// The decode target that is sent, and what was sent of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ByDescriptor {
    frames: Frames,
    /// The structure that indexes and masks are of.
    structure: u8,
    current: Target,
    /// The best one that the publisher sends of those that are wanted.
    wanted: Target,
    /// The one before the last move, and the frame that moved.
    before: Target,
    moved_at: u64,
    /// What `wanted` was found by.
    active: u32,
    aim: Layer,
    /// Spatial layers that active decode targets go up to, one bit each.
    spatial: u8,
    /// Decode targets that go no further than the current one.
    below: u32,
    /// Decode targets of which a frame was left out since a receiver could last start with them.
    broken: u32,
    /// The subscriber was told of other active decode targets than the publisher's, and must go on
    /// being told: whichever packet is lost, it then knows.
    told: bool,
    /// A switch to the wanted decode target came, and what it needs was not sent.
    stuck: bool,
    /// What the publisher sends by the last frame that was no keyframe. A keyframe's own word counts
    /// for less: where layers are independent, each one's says only how far the picture has come.
    settled: Option<u32>,
    /// The timestamp of the newest frame.
    newest: Option<u32>,
    /// The timestamp of a picture with which the publisher begins to send what is wanted: its frames
    /// need none that was not sent.
    rising: Option<u32>,
}

impl ByDescriptor {
    /// Starts with the keyframe of these `dependencies`. False, and nothing is changed, when it is
    /// not of what is wanted: where layers are independent, each has its own.
    pub(super) fn start(
        &mut self,
        dependencies: &FrameDependencies,
        targets: &DecodeTargets,
        aim: Layer,
    ) -> bool {
        let settled = self
            .settled
            .filter(|_| self.structure == dependencies.structure);
        let mut fresh = Self {
            settled,
            structure: dependencies.structure,
            ..Self::default()
        };
        fresh.frames.start(dependencies.number);
        fresh.map(settled.unwrap_or(u32::MAX) & all_of(targets), targets, aim);
        fresh.current = fresh.wanted;
        fresh.limit(targets);
        let starts = fresh.current.is_in(dependencies.present);
        if starts {
            *self = fresh;
        }
        starts
    }

    /// Hears of a frame before the start: what the publisher sends.
    pub(super) fn hear(&mut self, dependencies: &FrameDependencies) {
        if !rests_on_nothing(dependencies) {
            self.structure = dependencies.structure;
            self.settled = Some(dependencies.active);
        }
    }

    /// Up to which layer is sent.
    pub(super) const fn top(&self) -> Layer {
        self.current.top
    }

    /// Whether a keyframe is needed for what is wanted, which may be other than at the last frame.
    pub(super) fn needs_keyframe(&self, aim: Layer) -> bool {
        // The highest active spatial layer that is wanted, or else the lowest there is.
        let reach = u16::MAX >> 15u8.saturating_sub(aim.spatial.min(15));
        let within = u16::from(self.spatial) & reach;
        let wanted = within.checked_ilog2();
        let rises = wanted.is_some_and(|wanted| wanted > u32::from(self.current.top.spatial));
        let by_itself = self.rising.is_some() && self.rising == self.newest;
        rises && !by_itself || self.stuck && aim.spatial == self.aim.spatial
    }

    /// Finds out what the decode targets are, and the one that is wanted of them.
    fn map(&mut self, active: u32, targets: &DecodeTargets, aim: Layer) {
        (self.active, self.aim) = (active, aim);
        self.stuck = false;
        let all = (0..)
            .zip(&targets.tops)
            .map(|(index, &top)| Target { index, top });
        let active = all.filter(|target| target.is_in(active));
        self.spatial = active
            .clone()
            .fold(0, |mask, target| mask | 1 << target.top.spatial.min(7));
        let fits = |target: &Target| {
            target.top.spatial <= aim.spatial && target.top.temporal <= aim.temporal
        };
        let best = active.clone().filter(fits).max_by_key(|target| target.top);
        // The least there is, where all is more than is wanted.
        let best = best.or_else(|| active.min_by_key(|target| target.top));
        self.wanted = best.unwrap_or(self.wanted);
    }

    /// Notes the decode targets that go no further than the current one.
    fn limit(&mut self, targets: &DecodeTargets) {
        let top = self.current.top;
        let within = (0..)
            .zip(&targets.tops)
            .filter(|(_, other)| other.spatial <= top.spatial && other.temporal <= top.temporal);
        self.below = within.fold(0, |mask, (index, _): (u32, _)| mask | 1 << index);
    }

    fn move_to(&mut self, frame: u64, target: Target) {
        (self.before, self.moved_at) = (self.current, frame);
        self.current = target;
        self.stuck = false;
    }

    /// Whether a keyframe's number goes on from the frames before it: a publisher may begin anew.
    pub(super) fn goes_on_with(&self, dependencies: &FrameDependencies) -> bool {
        let frame = self.frames.extend(dependencies.number);
        self.frames.standing(frame) == Standing::Ahead
    }

    /// What was decided about a frame of which this packet only tells the number: its structure has
    /// not come yet, or is of the past. `None`: that is not decided before its structure comes.
    pub(super) fn recall(&mut self, number: u16) -> Option<Choice> {
        let frame = self.frames.extend(number);
        let standing = self.frames.standing(frame);
        if standing == Standing::Ahead {
            return None;
        }
        if standing == Standing::Undecided {
            self.frames.decide(frame, false);
        }
        let target = if frame < self.moved_at {
            self.before
        } else {
            self.current
        };
        Some(Choice {
            sends: standing == Standing::Sent,
            top: target.top,
            active: None,
        })
    }

    /// Decides about the frame of this packet, at its first packet for all of them. `is_ahead`: it
    /// is the newest packet of the stream.
    pub(super) fn choose(
        &mut self,
        is_ahead: bool,
        facts: &PacketFacts,
        dependencies: &FrameDependencies,
        targets: Option<&DecodeTargets>,
        aim: Layer,
    ) -> Choice {
        let frame = self.frames.extend(dependencies.number);
        let sends = match self.frames.standing(frame) {
            Standing::Sent => true,
            Standing::LeftOut => false,
            Standing::Forgotten => {
                self.stuck |= is_ahead;
                false
            }
            Standing::Ahead => {
                let sends = self.decide(frame, facts, dependencies, targets, aim);
                self.frames.decide(frame, sends);
                self.note(facts, dependencies, sends);
                sends
            }
            Standing::Undecided => {
                let sends = self.decide_late(frame, dependencies);
                self.frames.decide(frame, sends);
                sends
            }
        };
        let target = if frame < self.moved_at {
            self.before
        } else {
            self.current
        };
        let is_rising = self.rising == Some(facts.timestamp);
        let top = if is_rising { self.wanted } else { target }.top;
        Choice {
            sends,
            top,
            active: self.told.then_some(self.mask()),
        }
    }

    /// A frame that those behind it were decided before.
    fn decide_late(&self, frame: u64, dependencies: &FrameDependencies) -> bool {
        let target = if frame < self.moved_at {
            self.before
        } else {
            self.current
        };
        dependencies.structure == self.structure
            && target.is_in(dependencies.present)
            && self.frames.has_all(frame, &dependencies.references)
    }

    fn decide(
        &mut self,
        frame: u64,
        facts: &PacketFacts,
        dependencies: &FrameDependencies,
        targets: Option<&DecodeTargets>,
        aim: Layer,
    ) -> bool {
        let targets = targets.filter(|targets| targets.structure == dependencies.structure);
        let is_known = dependencies.structure == self.structure;
        let starts = facts.video.keyframe_start && (is_known || targets.is_some());
        if !is_known && !starts {
            return false;
        }
        self.settled = if rests_on_nothing(dependencies) {
            self.settled.filter(|_| is_known)
        } else {
            Some(dependencies.active)
        };
        self.structure = dependencies.structure;
        // A picture is sent in the same layers from its first frame to its last.
        let is_new_picture = self.newest != Some(facts.timestamp);
        self.newest = Some(facts.timestamp);
        let aim = if is_new_picture { aim } else { self.aim };
        if let Some(targets) = targets {
            self.aim_at(!is_known, facts, targets, aim);
        }
        let may_rise = is_new_picture || self.rising == Some(facts.timestamp);
        let may_rise = may_rise || self.wanted.top.spatial <= self.current.top.spatial;
        let has_all = self.frames.has_all(frame, &dependencies.references);
        self.stuck &= !starts;
        if self.current != self.wanted || !is_known {
            let switches = self.wanted.is_in(dependencies.switch);
            let is_gone = !self.current.is_in(self.active);
            if starts || is_gone || switches && has_all && may_rise {
                self.move_to(frame, self.wanted);
                if let Some(targets) = targets {
                    self.limit(targets);
                }
            } else if switches {
                self.stuck = true;
            }
        }
        let is_present = self.current.is_in(dependencies.present);
        if is_present && !has_all && !self.current.is_in(dependencies.discardable) {
            self.stuck = true;
        }
        is_present && has_all
    }

    /// Finds the wanted decode target anew when something about it has changed.
    fn aim_at(&mut self, is_new: bool, facts: &PacketFacts, targets: &DecodeTargets, aim: Layer) {
        let active = self.settled.unwrap_or(u32::MAX) & all_of(targets);
        let (added, is_same_aim) = (active & !self.active, aim == self.aim);
        if is_new || !is_same_aim || active != self.active {
            self.map(active, targets, aim);
            let rises = self.wanted.top.spatial > self.current.top.spatial;
            let comes = !is_new && is_same_aim && self.wanted.is_in(added) && rises;
            self.rising = comes.then_some(facts.timestamp);
        }
    }

    /// Keeps count of the decode targets that a receiver can still decode.
    fn note(&mut self, facts: &PacketFacts, dependencies: &FrameDependencies, sent: bool) {
        if sent {
            self.broken &= !dependencies.switch;
        } else {
            self.broken |= dependencies.present;
        }
        // A structure says that all are active, or what the publisher says with it.
        let starts = sent && facts.video.keyframe_start;
        self.told = self.told && !starts || self.mask() != self.active;
    }

    /// The decode targets that the subscriber can count on.
    const fn mask(&self) -> u32 {
        self.active & self.below & !self.broken
    }
}

/// A frame that needs no other.
fn rests_on_nothing(dependencies: &FrameDependencies) -> bool {
    dependencies.references.iter().all(|&older| older == 0)
}

/// The mask of all decode targets.
fn all_of(targets: &DecodeTargets) -> u32 {
    (0..targets.tops.len()).fold(0, |mask, index| mask | 1 << index)
}

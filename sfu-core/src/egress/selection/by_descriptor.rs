//! Which frames go by their dependency descriptors: those of one decode target whose references
//! went (RTP Payload Format For AV1, version 1.0, Appendix A).

use super::Choice;
use super::frames::{Frames, Standing};
use super::moves::Moves;
use super::promise::Promise;
use super::target::{Target, all_of, rests_on_nothing};
use crate::media::layer::{DecodeTargets, FrameDependencies, Layer};
use crate::media::packet::PacketFacts;

/// The decode target that is sent, and what was sent of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ByDescriptor {
    frames: Frames,
    /// The structure that indexes and masks are of.
    structure: u8,
    current: Target,
    /// The best one that the publisher sends of those that are wanted.
    wanted: Target,
    moves: Moves,
    /// What `wanted` was found by.
    active: u32,
    aim: Layer,
    /// Spatial layers that active decode targets go up to, one bit each.
    spatial: u8,
    promise: Promise,
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
    /// A frame of the newest picture was sent.
    is_begun: bool,
}

impl ByDescriptor {
    /// Starts with the keyframe of these `dependencies`. False, and nothing is changed, when it is
    /// not of what is wanted: where layers are independent, each has its own. `goes_on`: what was
    /// heard before is of the same stream.
    pub(super) fn start(
        &mut self,
        dependencies: &FrameDependencies,
        targets: &DecodeTargets,
        aim: Layer,
        goes_on: bool,
    ) -> bool {
        // Structures are counted by each stream for itself.
        let knows = goes_on && self.structure == dependencies.structure;
        let settled = self.settled.filter(|_| knows);
        let mut fresh = Self {
            settled,
            structure: dependencies.structure,
            ..Self::default()
        };
        fresh.frames.start(dependencies.number);
        fresh.map(settled.unwrap_or(u32::MAX) & all_of(targets), targets, aim);
        fresh.current = fresh.wanted;
        fresh.promise.limit(fresh.current.top, targets);
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

    /// The decode target that was sent at a frame.
    fn target_at(&self, frame: u64, facts: &PacketFacts) -> Target {
        let before = self.moves.before(frame, facts);
        before.map_or(self.current, |before| before.target)
    }

    /// Whether a keyframe's number goes on from the frames before it: a publisher may begin anew.
    pub(super) fn goes_on_with(&self, dependencies: &FrameDependencies) -> bool {
        let frame = self.frames.extend(dependencies.number);
        self.frames.standing(frame) == Standing::Ahead
    }

    /// What was decided about a frame of which this packet only tells the number: its structure has
    /// not come yet, or is of the past. `None`: that is not decided before its structure comes.
    pub(super) fn recall(&mut self, number: u16, facts: &PacketFacts) -> Option<Choice> {
        let frame = self.frames.extend(number);
        let standing = self.frames.standing(frame);
        if standing == Standing::Ahead {
            return None;
        }
        if standing == Standing::Undecided {
            self.frames.decide(frame, false);
        }
        let target = self.target_at(frame, facts);
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
                self.is_begun |= sends;
                self.frames.decide(frame, sends);
                self.promise.note(self.active, facts, dependencies, sends);
                sends
            }
            Standing::Undecided => {
                let sends = self.decide_late(frame, facts, dependencies);
                self.frames.decide(frame, sends);
                if sends && self.newest == Some(facts.timestamp) {
                    self.promise.note_late(dependencies);
                }
                sends
            }
        };
        let target = self.target_at(frame, facts);
        let is_rising = self.rising == Some(facts.timestamp);
        let top = if is_rising { self.wanted } else { target }.top;
        // A frame of before the move is not to say what is so after it.
        let active = match self.moves.before(frame, facts) {
            Some(before) => before.said,
            None => self.promise.said(self.active),
        };
        Choice { sends, top, active }
    }

    /// A frame that those behind it were decided before.
    fn decide_late(
        &self,
        frame: u64,
        facts: &PacketFacts,
        dependencies: &FrameDependencies,
    ) -> bool {
        let target = self.target_at(frame, facts);
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
            let settled = self.settled.filter(|_| is_known);
            settled.map(|settled| settled | dependencies.active)
        } else {
            Some(dependencies.active)
        };
        self.structure = dependencies.structure;
        // A picture is sent in the same layers from its first frame to its last.
        let is_new_picture = self.newest != Some(facts.timestamp);
        self.newest = Some(facts.timestamp);
        self.is_begun &= !is_new_picture;
        if is_new_picture {
            self.promise.begin_picture();
        }
        let said = self.promise.said(self.active);
        let aim = if is_new_picture { aim } else { self.aim };
        if let Some(targets) = targets {
            self.aim_at(!is_known, facts, targets, aim);
        }
        // What was sent of the picture may have been called its end, unless more was to come. Nor does
        // it go lower then: where layers are independent, the lower one that comes late would be a second
        // end.
        let is_rising = self.rising == Some(facts.timestamp);
        let may_move =
            is_rising || !self.is_begun || self.wanted.top.spatial == self.current.top.spatial;
        let has_all = self.frames.has_all(frame, &dependencies.references);
        self.stuck &= !starts;
        if self.current != self.wanted || !is_known {
            let switches = self.wanted.is_in(dependencies.switch);
            let is_gone = !self.current.is_in(self.active);
            let has_sent = self.frames.has_sent(frame, &dependencies.references);
            if is_gone || may_move && (starts || switches && has_sent) {
                self.moves.note(frame, facts, self.current, said);
                self.current = self.wanted;
                self.stuck = false;
                if let Some(targets) = targets {
                    self.promise.limit(self.current.top, targets);
                }
            } else if switches && !(has_all && may_move) {
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
            // What was left out of it meanwhile is missing.
            let comes = self.wanted.is_in(added & !self.promise.broken()) && rises;
            let comes = comes && !is_new && is_same_aim && !self.is_begun;
            self.rising = comes.then_some(facts.timestamp);
        }
    }
}

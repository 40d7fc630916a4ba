//! Which of an encoding's frames a subscription gets.
//!
//! It is decided once for each frame, at the first of its packets that comes, and for all of them.
//! Where the encoding has dependency descriptors, they decide; else the frames' layers do.

mod by_descriptor;
mod by_rules;
mod frames;
mod moves;
mod promise;
mod target;

use self::by_descriptor::ByDescriptor;
use self::by_rules::ByRules;
use crate::media::layer::{DecodeTargets, FrameDependencies, Layer};
use crate::media::packet::PacketFacts;

/// What was decided about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// It goes.
    pub(super) sends: bool,
    /// The highest layer that is sent at its picture.
    pub(super) top: Layer,
    /// The decode targets that its descriptor is to call active; `None`: as the publisher has them.
    pub(super) active: Option<u32>,
}

impl Choice {
    /// All goes as it came: sound.
    pub(super) const ALL: Self = Self {
        sends: true,
        top: Layer {
            spatial: u8::MAX,
            temporal: u8::MAX,
        },
        active: None,
    };

    /// All goes up to the layer `top`.
    fn by_layer(facts: &PacketFacts, top: Layer) -> Self {
        let layer = facts.video.layer;
        Self {
            sends: layer.spatial <= top.spatial && layer.temporal <= top.temporal,
            top,
            active: None,
        }
    }

    /// Whether a receiver is to take this packet for the last of its picture.
    pub(super) const fn ends_picture(&self, facts: &PacketFacts) -> bool {
        let is_top = facts.video.layer.spatial == self.top.spatial;
        facts.marker || facts.video.frame_end && is_top
    }
}

/// The choice among one encoding's frames.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    /// The highest layer wanted.
    aim: Layer,
    is_described: bool,
    rules: ByRules,
    descriptor: ByDescriptor,
    /// The encoding that `descriptor` has heard of last.
    heard: Option<u8>,
    /// The timestamp of a keyframe that was not of what is wanted.
    refused: Option<u32>,
}

impl Selection {
    /// Starts at a keyframe of `encoding` whose packet is number `number`. False, and nothing is
    /// changed of what is sent, when it is not of what is wanted.
    pub(super) fn start(
        &mut self,
        encoding: u8,
        number: u64,
        facts: &PacketFacts,
        targets: Option<&DecodeTargets>,
        aim: Layer,
    ) -> bool {
        if let Some((dependencies, targets)) = described(facts, targets) {
            let goes_on = self.heard == Some(encoding);
            let starts = self.descriptor.start(dependencies, targets, aim, goes_on);
            self.is_described |= starts;
            self.refused = (!starts).then_some(facts.timestamp);
            if starts {
                self.aim = aim;
                self.heard = Some(encoding);
            }
            return starts;
        }
        self.refused = None;
        self.is_described = false;
        self.aim = aim;
        self.rules.start(number, facts, aim);
        true
    }

    /// Hears of a packet of `encoding` before the start. True when a keyframe has passed for good
    /// that had nothing of what is wanted: of the next one more is known.
    pub(super) fn hear(&mut self, encoding: u8, facts: &PacketFacts) -> bool {
        let Some(dependencies) = &facts.video.dependencies else {
            return false;
        };
        if self.heard.replace(encoding) != Some(encoding) {
            self.descriptor = ByDescriptor::default();
        }
        self.descriptor.hear(dependencies);
        let is_over = !facts.video.keyframe_start
            && self
                .refused
                .is_some_and(|picture| picture != facts.timestamp);
        is_over && self.refused.take().is_some()
    }

    /// What was heard of an encoding is not of what comes under its number from now on.
    pub(super) fn forget_source(&mut self, encoding: u8) {
        self.heard.take_if(|heard| *heard == encoding);
    }

    /// Wants layers up to `aim` from the next frame on.
    pub(super) const fn set_aim(&mut self, aim: Layer) {
        self.aim = aim;
    }

    /// Up to which layer is sent.
    pub(super) fn top(&self) -> Layer {
        if self.is_described {
            self.descriptor.top()
        } else {
            self.rules.top()
        }
    }

    /// Whether what is wanted waits for a keyframe.
    pub(super) fn needs_keyframe(&self) -> bool {
        if self.is_described {
            self.descriptor.needs_keyframe(self.aim)
        } else {
            self.rules.needs_keyframe(self.aim)
        }
    }

    /// Takes a keyframe for a start, where the way of choosing changes with it.
    fn start_anew(&mut self, number: u64, facts: &PacketFacts, targets: Option<&DecodeTargets>) {
        match described(facts, targets) {
            Some((dependencies, targets))
                if !self.is_described || !self.descriptor.goes_on_with(dependencies) =>
            {
                let starts = self.descriptor.start(dependencies, targets, self.aim, true);
                self.is_described |= starts;
            }
            None if self.is_described && facts.video.dependencies.is_none() => {
                self.is_described = false;
                self.rules.start(number, facts, self.aim);
            }
            _ => {}
        }
    }

    /// Decides about one packet, whose number is `number`; `is_ahead`: none with a higher one came.
    /// `None` for one that cannot be judged before another one comes.
    pub(super) fn choose(
        &mut self,
        number: u64,
        is_ahead: bool,
        facts: &PacketFacts,
        targets: Option<&DecodeTargets>,
    ) -> Option<Choice> {
        if facts.video.keyframe_start && is_ahead {
            self.start_anew(number, facts, targets);
        }
        if !self.is_described {
            let top = self.rules.top_at(number, is_ahead, facts, self.aim);
            return Some(Choice::by_layer(facts, top));
        }
        match (&facts.video.dependencies, facts.extensions.descriptor) {
            (Some(dependencies), _) => {
                let aim = self.aim;
                Some(
                    self.descriptor
                        .choose(is_ahead, facts, dependencies, targets, aim),
                )
            }
            (None, Some(place)) => self.descriptor.recall(place.frame_number, facts),
            (None, None) => Some(Choice::by_layer(facts, self.descriptor.top())),
        }
    }
}

/// What a frame's descriptor says, where the structure that it is of is known.
fn described<'a>(
    facts: &'a PacketFacts,
    targets: Option<&'a DecodeTargets>,
) -> Option<(&'a FrameDependencies, &'a DecodeTargets)> {
    let dependencies = facts.video.dependencies.as_ref()?;
    let targets = targets.filter(|targets| targets.structure == dependencies.structure)?;
    Some((dependencies, targets))
}

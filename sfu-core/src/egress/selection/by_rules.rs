//! Which frames go where only their layers are known: all up to the one that is sent.

use arrayvec::ArrayVec;

use crate::media::layer::Layer;
use crate::media::packet::PacketFacts;

/// Changes of the layer sent that are remembered, so that what comes late of a frame goes the way of
/// the frame. Raising it helps only where layers change this often while a repair is under way;
/// lowering it treats packets that come late by what was sent at another time.
const MAX_CHANGES: usize = 4;

/// From one frame on, what is sent.
#[derive(Clone, Copy, Debug)]
struct Change {
    /// The number of the frame's packet that was seen first.
    number: u64,
    /// Other packets of the frame may have lower numbers, but have this timestamp.
    timestamp: u32,
    top: Layer,
}

/// The layer that is sent, now and lately.
#[derive(Clone, Debug, Default)]
pub(super) struct ByRules {
    /// Oldest first.
    changes: ArrayVec<Change, MAX_CHANGES>,
    /// The newest picture's.
    timestamp: u32,
    /// The highest layers that the source has had.
    seen: Layer,
}

impl ByRules {
    /// Starts with a keyframe: all that is wanted can be sent.
    pub(super) fn start(&mut self, number: u64, facts: &PacketFacts, wanted: Layer) {
        self.timestamp = facts.timestamp;
        self.seen = facts.video.layer;
        self.change(number, facts.timestamp, wanted);
    }

    /// The layer that is sent, as far as the source has layers.
    pub(super) fn top(&self) -> Layer {
        let current = self.current();
        Layer {
            spatial: current.spatial.min(self.seen.spatial),
            temporal: current.temporal.min(self.seen.temporal),
        }
    }

    fn current(&self) -> Layer {
        self.changes
            .last()
            .map_or(Layer::default(), |last| last.top)
    }

    fn change(&mut self, number: u64, timestamp: u32, top: Layer) {
        if self.changes.is_full() {
            self.changes.remove(0);
        }
        self.changes.push(Change {
            number,
            timestamp,
            top,
        });
    }

    /// Whether a keyframe is needed for `wanted`. Temporal layers come by themselves.
    pub(super) fn needs_keyframe(&self, wanted: Layer) -> bool {
        let current = self.current().spatial;
        wanted.spatial > current && self.seen.spatial > current
    }

    /// The highest layer sent at the frame of this packet, which is number `number`; `is_ahead`: of
    /// those that came before none has a higher one.
    pub(super) fn top_at(
        &mut self,
        number: u64,
        is_ahead: bool,
        facts: &PacketFacts,
        wanted: Layer,
    ) -> Layer {
        if is_ahead {
            let top = self.next_top(facts, wanted);
            if top != self.current() {
                self.change(number, facts.timestamp, top);
            }
            self.timestamp = facts.timestamp;
            self.seen.spatial = self.seen.spatial.max(facts.video.layer.spatial);
            self.seen.temporal = self.seen.temporal.max(facts.video.layer.temporal);
        }
        let holds =
            |change: &&Change| change.number <= number || change.timestamp == facts.timestamp;
        let holding = self.changes.iter().rev().find(holds);
        // From before all that is remembered: by the oldest.
        let holding = holding.or(self.changes.first());
        holding.map_or(Layer::default(), |change| change.top)
    }

    fn next_top(&self, facts: &PacketFacts, wanted: Layer) -> Layer {
        let (video, mut top) = (&facts.video, self.current());
        if video.keyframe_start {
            return wanted;
        }
        // A picture is sent in the same layers from its first frame to its last.
        if facts.timestamp == self.timestamp || top == wanted {
            return top;
        }
        // Where there is nothing above, nothing above is missing.
        if self.seen.spatial <= top.spatial || wanted.spatial < top.spatial {
            top.spatial = wanted.spatial;
        }
        let rises = video.temporal_switch
            && video.layer.temporal == top.temporal.saturating_add(1)
            && video.layer.temporal <= wanted.temporal;
        if self.seen.temporal <= top.temporal || wanted.temporal < top.temporal {
            top.temporal = wanted.temporal;
        } else if rises {
            top.temporal = video.layer.temporal;
        }
        top
    }
}

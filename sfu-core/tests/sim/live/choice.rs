//! Which layers of a source a plain sender forwards: for the reference, whose estimator is another's
//! and whose choice is as simple as can be.

use crate::live::feed::{Feed, FeedKind, Shot};

/// The part of a layer's rate that its temporal layers up to each one take.
const TEMPORAL: [f64; 3] = [0.4, 0.6, 1.0];

/// What headers add.
const HEADERS: f64 = 1.07;

/// One step of a ladder.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    spatial: u8,
    temporal: u8,
    kbps: f64,
}

/// What of a source is sent.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    steps: Vec<Step>,
    at: usize,
    /// The spatial layer that is sent.
    current: Option<u8>,
    stacked: bool,
}

impl Choice {
    pub(crate) fn new(feed: &Feed) -> Self {
        let stacked = feed.kind == FeedKind::Layered;
        let temporal: &[f64] = match feed.kind {
            FeedKind::Camera | FeedKind::Layered => &TEMPORAL,
            FeedKind::Screen | FeedKind::Microphone => &[1.0],
        };
        let mut steps = Vec::new();
        let mut below = 0.0;
        for (spatial, rung) in (0..).zip(feed.rungs()) {
            for (layer, part) in (0..).zip(temporal) {
                let lower = if stacked { below * part } else { 0.0 };
                let kbps = (rung.most * part + lower) * HEADERS;
                steps.push(Step {
                    spatial,
                    temporal: layer,
                    kbps,
                });
            }
            below += rung.most;
        }
        steps.sort_by(|one, other| one.kbps.total_cmp(&other.kbps));
        Self {
            steps,
            at: 0,
            current: None,
            stacked,
        }
    }

    /// Whether a frame is sent. A spatial layer is begun with a keyframe.
    pub(crate) fn takes(&mut self, shot: &Shot) -> bool {
        let step = self.steps[self.at];
        let tag = &shot.tag;
        let is_sound = tag.height == 0;
        if is_sound || tag.keyframe && self.is_wanted(tag.id.layer, step) {
            self.current = Some(step.spatial);
        }
        let Some(current) = self.current else {
            return is_sound;
        };
        let spatial = match self.stacked {
            true => tag.id.layer <= current,
            false => tag.id.layer == current,
        };
        // A lower spatial layer of a stack is enough at once.
        let spatial = spatial && !(self.stacked && tag.id.layer > step.spatial);
        spatial && (tag.temporal <= step.temporal || current != step.spatial)
    }

    fn is_wanted(&self, layer: u8, step: Step) -> bool {
        if self.stacked {
            layer == 0
        } else {
            layer == step.spatial
        }
    }

    /// True: a keyframe is needed for what is to be sent.
    pub(crate) fn needs_keyframe(&self) -> bool {
        let wanted = self.steps[self.at].spatial;
        match self.current {
            Some(current) if self.stacked => current < wanted,
            current => current != Some(wanted),
        }
    }
}

/// Chooses for all sources: sound, every first step, then the cheapest next one as long as it fits.
/// Gives what the next one would take together with all others; `None`: all is sent.
pub(crate) fn choose(choices: &mut [&mut Choice], kbps: f64) -> Option<f64> {
    choices.iter_mut().for_each(|choice| choice.at = 0);
    loop {
        let sum: f64 = choices
            .iter()
            .map(|choice| choice.steps[choice.at].kbps)
            .sum();
        let next = choices.iter_mut().filter_map(|choice| {
            let next = choice.steps.get(choice.at + 1)?.kbps;
            Some((next - choice.steps[choice.at].kbps, choice))
        });
        let (more, choice) = next.min_by(|one, other| one.0.total_cmp(&other.0))?;
        if sum + more > kbps {
            return Some(sum + more);
        }
        choice.at += 1;
    }
}

#[test]
fn the_cheapest_step_that_fits_is_taken_first() {
    let camera = Feed::new(FeedKind::Camera, 1, 1);
    let (mut one, mut other) = (Choice::new(&camera), Choice::new(&camera));
    let next = choose(&mut [&mut one, &mut other], 700.0);
    assert!(
        next.is_some_and(|next| (700.0..1500.0).contains(&next)),
        "{next:?}"
    );
    let sum = one.steps[one.at].kbps + other.steps[other.at].kbps;
    assert!((400.0..700.0).contains(&sum), "{sum}");
    assert_eq!(choose(&mut [&mut one, &mut other], 9000.0), None);
    assert_eq!(
        (one.at, other.at),
        (one.steps.len() - 1, other.steps.len() - 1)
    );
}

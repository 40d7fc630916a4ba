//! What can be sent of a track: rungs of rising cost and rising value.

use arrayvec::ArrayVec;

use crate::media::layer::Layers;
use crate::unit::Bitrate;

/// Most rungs of a track: three encodings of four temporal layers make 12, one encoding of four
/// spatial and four temporal layers 16.
///
/// Higher: finer steps for publishers that have more, and each look at a subscriber costs more.
/// Lower: the layers of four times four are not all told apart.
pub const MAX_RUNGS: usize = 16;

/// The least that a rung is taken to cost. A screen that stands still costs nothing, until it moves.
///
/// Higher: fewer still screens fit a thin link. Lower: more of them are promised what they cannot
/// have when they move.
const LEAST: Bitrate = Bitrate::from_bps(5_000);

/// One choice of layers, with all that they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The layers.
    pub layers: Layers,
    /// What they take in all, headers of UDP and IP included.
    pub bitrate: Bitrate,
    /// What they show: [`value_of`] their pictures.
    pub value: u32,
}

/// What pictures of so many pixels, so many times a second, are worth to who looks at them: the root
/// of their product. Twice as much to see is not twice as good, which is what keeps a second
/// picture's first step ahead of a first picture's last.
#[must_use]
pub const fn value_of(pixels: u32, frame_rate: u32) -> u32 {
    let shown = (pixels as u64) * (frame_rate as u64);
    // The root of 64 bits has 32.
    shown.isqrt() as u32
}

/// The rungs of one track, each dearer than the one before and worth more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    rungs: ArrayVec<Rung, MAX_RUNGS>,
}

impl Ladder {
    /// Orders what is on offer and leaves out what costs more than another and shows no more, and
    /// what is over [`MAX_RUNGS`]. Whatever rates a publisher claims, the result is a ladder.
    #[must_use]
    pub fn new(offered: impl IntoIterator<Item = Rung>) -> Self {
        let mut all: ArrayVec<Rung, MAX_RUNGS> = offered.into_iter().take(MAX_RUNGS).collect();
        for rung in &mut all {
            rung.bitrate = rung.bitrate.max(LEAST);
        }
        let layers = |rung: &Rung| (rung.layers.encoding, rung.layers.top);
        all.sort_by_key(|rung| (rung.bitrate, std::cmp::Reverse(rung.value), layers(rung)));
        let mut rungs = ArrayVec::<Rung, MAX_RUNGS>::new();
        for rung in all {
            if rungs.last().is_none_or(|last| last.value < rung.value) {
                rungs.push(rung);
            }
        }
        Self { rungs }
    }

    /// The rungs, the cheapest first.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// The rung of those layers.
    pub(super) fn place_of(&self, layers: Layers) -> Option<usize> {
        self.rungs.iter().position(|rung| rung.layers == layers)
    }

    /// The highest rung that shows no more than `value`.
    pub(super) fn up_to(&self, value: u32) -> Option<usize> {
        self.rungs.iter().rposition(|rung| rung.value <= value)
    }
}

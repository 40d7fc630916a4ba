//! How much like speech a stretch of sound is: the speech activity scores of the published method.
//!
//! Ilana Volfin and Israel Cohen, "Dominant speaker identification for multipoint
//! videoconferencing", Computer Speech and Language 27 (2013) 895-910, below "the paper". A stretch
//! has so many units, some of them active: a frame its sub-bands, a medium stretch its frames, a
//! long one its medium blocks. In speech their number is binomial, in noise it falls off
//! exponentially, and the score is the logarithm of the likelihoods' ratio.

/// Sub-bands of a frame, N1 of the paper. A packet tells one level and no spectrum, so they are
/// slices of its height above the noise, see [`super::loudness`].
pub(super) const BANDS: u32 = 13;

/// Frames of a medium stretch, N2.
pub(super) const MEDIUM_FRAMES: u32 = 5;

/// Medium blocks of a long stretch, N3.
pub(super) const LONG_BLOCKS: u32 = 10;

/// How fast the likelihood of noise falls off with each active unit: the rates that go with the
/// sizes above. Higher: fewer active units are speech.
const IMMEDIATE_RATE: f64 = 0.78;
const MEDIUM_RATE: f64 = 24.0;
const LONG_RATE: f64 = 47.0;

/// A unit of speech is active with this likelihood, p of the paper.
const LIKELIHOOD: f64 = 0.5;

/// Scores are compared by their ratio: no less than this.
const LEAST: f64 = 1e-10;

/// One sound's scores at a decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scores {
    /// Over the newest frames.
    pub(super) immediate: f64,
    /// Over the newest [`MEDIUM_FRAMES`].
    pub(super) medium: f64,
    /// Over the newest [`LONG_BLOCKS`].
    pub(super) long: f64,
}

impl Scores {
    /// The scores of so many active sub-bands, frames and blocks.
    pub(super) fn of(bands: u32, frames: u32, blocks: u32) -> Self {
        Self {
            immediate: score(bands, BANDS, IMMEDIATE_RATE),
            medium: score(frames, MEDIUM_FRAMES, MEDIUM_RATE),
            long: score(blocks, LONG_BLOCKS, LONG_RATE),
        }
    }
}

/// The paper's score of one stretch: log p(active | speech) - log p(active | noise).
fn score(active: u32, units: u32, rate: f64) -> f64 {
    let active = active.min(units);
    let (some, others) = (f64::from(active), f64::from(units - active));
    let speech =
        ways(units, active).ln() + some * LIKELIHOOD.ln() + others * (1.0 - LIKELIHOOD).ln();
    let noise = rate.ln() - rate * some;
    (speech - noise).max(LEAST)
}

/// In how many ways so many of the units can be the active ones.
fn ways(units: u32, active: u32) -> f64 {
    let step = |ways: f64, n: u32| ways * f64::from(units - n) / f64::from(n + 1);
    (0..active).fold(1.0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_binomial_coefficients() {
        let all = |units| (0..=units).map(|n| ways(units, n)).collect::<Vec<_>>();
        assert_eq!(all(5), [1.0, 5.0, 10.0, 10.0, 5.0, 1.0]);
        assert_eq!(all(13)[6].round(), 1716.0);
        assert_eq!(all(10)[5].round(), 252.0);
    }

    #[test]
    fn more_activity_is_more_like_speech_and_none_is_not_at_all() {
        let scores: Vec<_> = (0..=5).map(|n| Scores::of(0, n, 2 * n)).collect();
        assert!(scores.windows(2).all(|two| two[0].medium < two[1].medium));
        assert!(scores.windows(2).all(|two| two[0].long < two[1].long));
        assert_eq!(scores[0].medium, LEAST);
        assert_eq!(Scores::of(2, 0, 0).immediate, LEAST, "a murmur is noise");
        // As the formula says: ln 1287 + 13 ln 0.5 - ln 0.78 + 0.78 * 8.
        let by_hand = 1287_f64.ln() + 13.0 * 0.5_f64.ln() - 0.78_f64.ln() + 0.78 * 8.0;
        assert!((Scores::of(8, 0, 0).immediate - by_hand).abs() < 1e-9);
        // Out of bounds is as much as there can be.
        assert_eq!(Scores::of(99, 99, 99), Scores::of(13, 5, 10));
    }
}

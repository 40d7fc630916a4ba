//! The dominant speaker of a room, by the paper's comparison of scores, see [`super::score`].

use super::score::Scores;

/// The thresholds C1 and C2 of the paper's global decision: how far the logarithm of the ratio
/// between a sound's score and the dominant one's must be above zero, over the immediate and the medium
/// stretch.
///
/// Higher: a dominant speaker stays it for longer. Lower: a word thrown in takes its place. With
/// these a dominant one must have paused.
const IMMEDIATE: f64 = 3.0;
const MEDIUM: f64 = 2.0;

/// The threshold C3 over the long stretch: about twice as much said in the last
/// second. The published constant is
/// zero; over a stretch as short as this two who talk at once would take the lead from each other
/// with every breath.
///
/// Higher: turns are followed later. Lower: so is each breath.
const LONG: f64 = std::f64::consts::LN_2;

/// Active blocks of 100 ms that a sound must have in the last second to become dominant, whoever was
/// before: coughs, slammed doors and knocks have three. The paper's long stretch is longer, so
/// that its score alone keeps them out; a second follows a conversation faster.
///
/// Higher: begins are found later. Lower: a cough in a pause is dominant.
const LEAST_BLOCKS: u32 = 4;

/// A sound that may become dominant: what it is called, its scores and its active blocks.
pub(super) type Candidate<T> = (T, (Scores, u32));

/// Who takes the place of the dominant one, whose scores are `dominant`; `None`: nobody does.
pub(super) fn successor<T>(
    dominant: Option<Scores>,
    candidates: impl Iterator<Item = Candidate<T>>,
) -> Option<T> {
    // Without anybody dominant, there is nothing to be compared with but silence.
    let dominant = dominant.unwrap_or(Scores::of(0, 0, 0));
    // The paper's relative speech activities, c1 to c3.
    let ratio = |score: f64, to: f64| (score / to).ln();
    let exceeds = |scores: &Scores| {
        ratio(scores.immediate, dominant.immediate) > IMMEDIATE
            && ratio(scores.medium, dominant.medium) > MEDIUM
            && ratio(scores.long, dominant.long) > LONG
    };
    let eligible =
        candidates.filter(|(_, (scores, blocks))| *blocks >= LEAST_BLOCKS && exceeds(scores));
    // Of several the one of the highest c2, which has the order of the medium scores; among
    // equals, who has said more, then who is louder now.
    let order = |one: &Scores| [one.medium, one.long, one.immediate];
    let higher = |a: &Candidate<T>, b: &Candidate<T>| {
        order(&a.1.0)
            .partial_cmp(&order(&b.1.0))
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    eligible.max_by(higher).map(|(who, _)| who)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sub-bands, frames and blocks.
    fn next(dominant: Option<[u32; 3]>, sounds: &[[u32; 3]]) -> Option<usize> {
        let of = |[bands, frames, blocks]: [u32; 3]| Scores::of(bands, frames, blocks);
        let sounds = sounds.iter().enumerate();
        let sounds = sounds.map(|(n, one)| (n, (of(*one), one[2])));
        successor(dominant.map(of), sounds)
    }

    #[test]
    fn all_three_stretches_must_be_won() {
        let paused = Some([0, 0, 3]);
        assert_eq!(next(paused, &[[13, 5, 7]]), Some(0));
        assert_eq!(next(paused, &[[0, 5, 7]]), None, "the immediate one");
        assert_eq!(next(paused, &[[13, 0, 7]]), None, "the medium one");
        assert_eq!(next(paused, &[[13, 5, 5]]), None, "the long one");
        assert_eq!(next(Some([13, 5, 1]), &[[13, 5, 10]]), None, "it speaks");
    }

    #[test]
    fn what_is_short_is_dominant_over_nobody() {
        assert_eq!(next(None, &[[13, 5, 3]]), None);
        assert_eq!(next(None, &[[13, 5, 4]]), Some(0));
        assert_eq!(next(Some([0, 0, 0]), &[[13, 5, 3]]), None);
    }

    #[test]
    fn of_several_the_most_active_takes_over() {
        let some = [[13, 4, 9], [13, 5, 7], [9, 5, 8], [13, 5, 3]];
        assert_eq!(next(None, &some), Some(2));
        assert_eq!(next(None, &[]), None);
    }
}

//! How large frames are: near a rate, never exact, keyframes several times a usual frame, and the
//! overshoot of one taken out of those after it.

use fastrand::Rng;

/// Rates in bytes and seconds; frames of one layer.
pub(crate) struct Encoder {
    luck: Rng,
    /// Bytes sent above the rate and not made up for.
    debt: f64,
}

/// How much frames of one scene differ: the standard deviation of the logarithm.
const SPREAD: f64 = 0.22;

/// A keyframe is so many usual frames, within this factor either way.
const KEYFRAME: f64 = 5.0;
const KEYFRAME_RANGE: f64 = 1.2;

/// In how many seconds an encoder makes up for what it sent too much.
const MAKES_UP_IN: f64 = 0.5;

/// How far a frame is made smaller or larger to make up.
const LEAST_FACTOR: f64 = 0.5;
const MOST_FACTOR: f64 = 1.15;

impl Encoder {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            luck: Rng::with_seed(seed),
            debt: 0.0,
        }
    }

    /// The size of the next frame, in bytes: one that has `share` of the rate for `seconds` until
    /// the layer's next frame of any kind.
    pub(crate) fn size(&mut self, kbps: f64, seconds: f64, share: f64, keyframe: bool) -> usize {
        let rate = kbps * 125.0;
        let due = rate * seconds;
        let usual = due * share;
        let makes_up = 1.0 - self.debt / (rate * MAKES_UP_IN).max(1.0);
        let size = if keyframe {
            due * KEYFRAME * KEYFRAME_RANGE.powf(normal(&mut self.luck).clamp(-1.0, 1.0))
        } else {
            usual
                * (SPREAD * normal(&mut self.luck)).exp()
                * makes_up.clamp(LEAST_FACTOR, MOST_FACTOR)
        };
        self.debt += size - due;
        // What lies long ago is forgotten: a burst of keyframes does not starve a minute.
        self.debt = self.debt.clamp(-rate * 0.2, rate * 1.5);
        size.max(1.0) as usize
    }
}

/// Of the standard normal distribution: twelve evenly spread numbers less six.
pub(crate) fn normal(luck: &mut Rng) -> f64 {
    (0..12).map(|_| luck.f64()).sum::<f64>() - 6.0
}

#[test]
fn sizes_keep_to_the_rate_and_keyframes_are_larger() {
    let mut encoder = Encoder::new(1);
    let step = 1.0 / 30.0;
    let sizes: Vec<f64> = (0..900)
        .map(|n| encoder.size(1000.0, step, 1.0, n % 300 == 0) as f64)
        .collect();
    let rate = sizes.iter().sum::<f64>() / 30.0 / 125.0;
    assert!((930.0..1070.0).contains(&rate), "{rate} kbit/s");
    let usual = 1000.0 * 125.0 * step;
    assert!((4.0..6.2).contains(&(sizes[300] / usual)), "{}", sizes[300]);
    let smallest = sizes.iter().copied().fold(f64::MAX, f64::min);
    assert!(smallest < usual * 0.7 && smallest > usual * 0.1);
}

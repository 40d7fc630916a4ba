//! What is before a camera, and the camera: how much of their rate its layers take from moment to
//! moment, and when its pictures are taken. Nothing of it is even, and who takes it for even raises a
//! layer to drop it again: a second of 31 pictures after one of 30 has cost a real call its best layer.

use std::time::Duration;

use fastrand::Rng;

use crate::live::encoder::normal;

/// How far the rate of all layers of a source strays, and that of each by itself: the standard deviation
/// of the logarithm. A moving picture through libvpx in Chromium, measured on the wire, differs by 10 to
/// 30 % from one second to the next.
const STRAYS: f64 = 0.13;
const STRAYS_ALONE: f64 = 0.06;

/// In how many seconds it comes back.
const LASTS: f64 = 1.5;

/// An encoder stays below its rate with ease, and not far above it: it has a bound to keep.
const LEAST: f64 = 0.65;
const MOST: f64 = 1.1;

/// Pictures come off their time by this standard deviation and at most by that, in milliseconds: some
/// seconds have 29 of them, some 31.
const OFF_MS: f64 = 4.0;
const MOST_OFF_MS: f64 = 12.0;

/// One picture of so many is never taken, or not encoded, because something else was due.
const LEFT_OUT: u32 = 120;

/// Wavers, as a seed says.
pub(crate) struct Motion {
    luck: Rng,
    scene: f64,
    layers: Vec<f64>,
    /// How late the present picture is, against an even time.
    off: f64,
}

impl Motion {
    pub(crate) fn new(layers: usize, seed: u64) -> Self {
        Self {
            luck: Rng::with_seed(seed),
            scene: 0.0,
            layers: vec![0.0; layers],
            off: 0.0,
        }
    }

    /// Some time goes by, in seconds.
    pub(crate) fn pass(&mut self, seconds: f64) {
        let part = (seconds / LASTS).min(1.0);
        let all = std::iter::once((&mut self.scene, STRAYS));
        let own = self.layers.iter_mut().map(|layer| (layer, STRAYS_ALONE));
        for (place, strays) in all.chain(own) {
            // A process of Ornstein and Uhlenbeck.
            *place += strays * (2.0 * part).sqrt() * normal(&mut self.luck) - part * *place;
        }
    }

    /// The part of its rate that a layer takes now.
    pub(crate) fn part(&self, layer: usize) -> f64 {
        (self.scene + self.layers[layer]).exp().clamp(LEAST, MOST)
    }

    /// Whether the picture that is due is missing.
    pub(crate) fn leaves_out(&mut self) -> bool {
        self.luck.u32(..LEFT_OUT) == 0
    }

    /// The time from this picture to the next.
    pub(crate) fn next(&mut self, interval: Duration) -> Duration {
        let off = (OFF_MS * normal(&mut self.luck)).clamp(-MOST_OFF_MS, MOST_OFF_MS);
        let before = std::mem::replace(&mut self.off, off);
        Duration::from_secs_f64(interval.as_secs_f64() + (off - before) / 1e3)
    }

    /// How late this picture is, in ticks of a clock of so many a second; negative where it is early.
    pub(crate) fn late(&self, ticks: u32) -> i32 {
        (self.off / 1e3 * f64::from(ticks)).round() as i32
    }
}

#[test]
fn seconds_differ_in_pictures_and_rates_and_minutes_do_not() {
    let mut motion = Motion::new(2, 7);
    let interval = Duration::from_nanos(1_000_000_000 / 30);
    let (mut at, mut pictures, mut rates) = (Duration::ZERO, vec![0_u32; 60], vec![0.0; 60]);
    while at.as_secs() < 60 {
        motion.pass(interval.as_secs_f64());
        if !motion.leaves_out() {
            pictures[at.as_secs() as usize] += 1;
            rates[at.as_secs() as usize] += motion.part(1) / 30.0;
        }
        at += motion.next(interval);
    }
    let counts: std::collections::BTreeSet<u32> = pictures.iter().copied().collect();
    assert!(counts.contains(&29) && counts.contains(&31), "{counts:?}");
    assert!(*counts.first().unwrap() >= 28 && *counts.last().unwrap() <= 31);
    let all: f64 = rates.iter().sum::<f64>() / 60.0;
    assert!(
        (0.9..1.05).contains(&all),
        "{all} of the rate over a minute"
    );
    let changes = rates.windows(2).map(|pair| (pair[1] / pair[0]).ln().abs());
    let changes: Vec<f64> = changes.collect();
    let mean = changes.iter().sum::<f64>() / changes.len() as f64;
    assert!((0.04..0.15).contains(&mean), "{mean} from second to second");
    let most = changes.into_iter().fold(0.0, f64::max);
    assert!(most > 0.15, "{most} at most");
}

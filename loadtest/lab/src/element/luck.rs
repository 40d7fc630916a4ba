//! Luck from a seed.

use fastrand::Rng;

use crate::element::Packet;

/// How many kinds of packets can have luck of their own.
pub const LANES: usize = 4;

/// A generator for each lane.
pub(crate) struct Luck([Rng; LANES]);

impl Luck {
    pub(crate) fn of(seed: u64) -> Self {
        let mut seeds = Rng::with_seed(seed);
        Self(std::array::from_fn(|_| Rng::with_seed(seeds.u64(..))))
    }

    /// From 0 to below 1.
    pub(crate) fn draw<T>(&mut self, packet: &Packet<T>) -> f64 {
        self.0[lane(packet)].f64()
    }

    /// The absolute value of a normal distribution of this standard deviation.
    pub(crate) fn half_normal<T>(&mut self, packet: &Packet<T>, deviation: f64) -> f64 {
        // Box and Muller; `1 - u` is never 0.
        let (u, v) = (self.draw(packet), self.draw(packet));
        let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (normal * deviation).abs()
    }
}

/// The packet's lane; one that does not exist is the last.
pub(crate) fn lane<T>(packet: &Packet<T>) -> usize {
    packet.lane.min(LANES - 1)
}

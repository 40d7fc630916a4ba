//! What can happen to packets on their way: a leaf for each, put together in a [`Line`].
//!
//! Time comes in as an argument and luck from a seed, so that a line is the same in the simulation,
//! under a test's clock, and between two devices of a real network. What the packets carry is the
//! caller's: a datagram with its destination, or the bytes of an IP packet.

mod bottleneck;
mod burst_loss;
mod codel;
mod cross_traffic;
mod delay;
mod duplicate;
mod jitter;
mod line;
mod loss;
mod luck;
mod meter;
mod queue;
mod reorder;
#[cfg(test)]
mod trial;

use std::time::Instant;

use crate::scenario::Change;

pub use line::Line;
pub use luck::LANES;
pub use meter::Meter;

/// A packet on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<T> {
    /// When it came to where it is now.
    pub at: Instant,
    /// Its size in bytes, from its IP header on: what a bottleneck's time is spent on.
    pub size: usize,
    /// Which luck it has, below [`LANES`]. Packets of one lane do not change the luck of another's:
    /// where the number of some packets is not from the seed (a handshake's), what follows still is.
    pub lane: usize,
    /// What is carried.
    pub what: T,
}

impl<T> Packet<T> {
    /// A packet in the first lane.
    pub const fn new(at: Instant, size: usize, what: T) -> Self {
        let lane = 0;
        Self {
            at,
            size,
            lane,
            what,
        }
    }

    /// The same in another lane.
    #[must_use]
    pub fn in_lane(self, lane: usize) -> Self {
        Self { lane, ..self }
    }
}

/// One thing that happens to packets. Everything is told of times in their order.
trait Stage<T>: Send {
    /// Takes a packet that has come at [`Packet::at`].
    fn put(&mut self, packet: Packet<T>, meter: &mut Meter);

    /// The next packet that has left by `now`, with the time at which it left. That is not later
    /// because the call is: being late does not add up over a line.
    fn take(&mut self, now: Instant, meter: &mut Meter) -> Option<Packet<T>>;

    /// When something may happen to the packets within: not after the next of them leaves. `None`
    /// when there are none, or when they wait for a change.
    fn next(&self) -> Option<Instant>;

    /// It is different from `at` on.
    fn change(&mut self, at: Instant, change: &Change, meter: &mut Meter) {
        let _ = (at, change, meter);
    }

    /// Lets the time pass until `now`, for those in whom something happens without packets of ours.
    fn advance(&mut self, now: Instant, meter: &mut Meter) {
        let _ = (now, meter);
    }
}

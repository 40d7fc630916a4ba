//! What a publisher means to spend on each layer of a track, by its own word.
//!
//! It is known before a packet of the layer has come, and for layers that nobody is sent: what a
//! measurement cannot tell.

use std::time::Instant;

use crate::media::layer::Layers;
use crate::unit::Bitrate;
use crate::wire::layers_allocation::{AllocatedLayer, AllocatedPictures, LayersAllocation};

/// The newest allocation of a track. On any of its encodings a publisher speaks of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    told: LayersAllocation,
    at: Instant,
}

impl Allocation {
    /// What a publisher tells at `now`, where it is the first time.
    #[must_use]
    pub const fn new(now: Instant, told: LayersAllocation) -> Self {
        Self { told, at: now }
    }

    /// What it tells at `now`, after what it told before: sizes that are left out are the same.
    pub fn renew(&mut self, now: Instant, told: LayersAllocation) {
        let before = std::mem::replace(self, Self::new(now, told));
        for layer in &mut self.told.layers {
            let same = before.layer(layer.stream, layer.spatial);
            layer.pictures = layer.pictures.or(same.and_then(|same| same.pictures));
        }
    }

    /// When it was told.
    #[must_use]
    pub const fn told_at(&self) -> Instant {
        self.at
    }

    /// A layer that the publisher sends: `encoding` in the order of its offer. `None` when it sends
    /// no such layer now.
    #[must_use]
    pub fn layer(&self, encoding: u8, spatial: u8) -> Option<&AllocatedLayer> {
        let mut layers = self.told.layers.iter();
        layers.find(|layer| layer.stream == encoding && layer.spatial == spatial)
    }

    /// The highest spatial layer sent of those that `layers` takes in.
    fn top(&self, layers: Layers) -> Option<&AllocatedLayer> {
        let of_it = |layer: &&AllocatedLayer| {
            layer.stream == layers.encoding && layer.spatial <= layers.top.spatial
        };
        let all = self.told.layers.iter().filter(of_it);
        all.max_by_key(|layer| layer.spatial)
    }

    /// What it takes to receive `layers`, as far as they are sent: `None` when nothing of them is.
    #[must_use]
    pub fn bitrate(&self, layers: Layers) -> Option<Bitrate> {
        let rates = &self.top(layers)?.bitrates;
        let top = usize::from(layers.top.temporal).min(rates.len().checked_sub(1)?);
        rates.get(top).copied()
    }

    /// How large and how many the pictures of `layers` are at most; `None` when nothing of them is
    /// sent, or its size was not told.
    #[must_use]
    pub fn pictures(&self, layers: Layers) -> Option<AllocatedPictures> {
        self.top(layers)?.pictures
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::media::layer::Layer;
    use crate::wire::layers_allocation::parse;

    fn layers(encoding: u8, spatial: u8, temporal: u8) -> Layers {
        Layers {
            encoding,
            top: Layer { spatial, temporal },
        }
    }

    fn kbps(allocation: &Allocation, wanted: Layers) -> Option<u64> {
        Some(allocation.bitrate(wanted)?.bps() / 1000)
    }

    /// Two streams: one layer of two temporal ones, and two spatial layers of one each.
    const VALUE: [u8; 8] = [0x10, 0x13, 0b0100_0000, 50, 80, 100, 0xac, 0x02];

    #[test]
    fn layers_cost_what_the_highest_sent_of_them_does() {
        let allocation = Allocation::new(Instant::now(), parse(&VALUE).unwrap());
        assert_eq!(kbps(&allocation, layers(0, 0, 0)), Some(50));
        assert_eq!(kbps(&allocation, layers(0, 0, 1)), Some(80));
        assert_eq!(kbps(&allocation, Layers::all_of(0)), Some(80));
        assert_eq!(kbps(&allocation, layers(1, 0, 3)), Some(100));
        assert_eq!(kbps(&allocation, Layers::all_of(1)), Some(300));
        assert_eq!(kbps(&allocation, Layers::all_of(2)), None, "not sent");
    }

    #[test]
    fn sizes_stay_until_others_are_told() {
        let start = Instant::now();
        let sizes = [0, 159, 0, 89, 15, 1, 63, 0, 179, 30, 2, 127, 1, 103, 30];
        let with_sizes = [&VALUE[..], &sizes].concat();
        let mut allocation = Allocation::new(start, parse(&with_sizes).unwrap());
        let later = start + Duration::from_secs(1);
        allocation.renew(later, parse(&VALUE).unwrap());
        assert_eq!(allocation.told_at(), later);
        let pictures = allocation.pictures(layers(1, 0, 0)).unwrap();
        assert_eq!((pictures.width, pictures.height), (320, 180));
        let best = allocation.pictures(Layers::all_of(1)).unwrap();
        assert_eq!((best.width, best.max_frame_rate), (640, 30));
        // The upper spatial layer is sent no more: its size goes with it.
        allocation.renew(later, parse(&[0x10, 0x11, 0, 50, 100]).unwrap());
        assert!(allocation.layer(1, 1).is_none());
        assert_eq!(allocation.pictures(Layers::all_of(1)).unwrap().width, 320);
        allocation.renew(later, parse(&[0]).unwrap());
        assert_eq!(allocation.bitrate(Layers::all_of(0)), None);
    }
}

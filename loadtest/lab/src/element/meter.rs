//! What a line did, in bins of a tenth of a second.

use std::time::{Duration, Instant};

use crate::log::{BIN_MS, LinkBin};

/// Counts what a line does, from its start on.
pub struct Meter {
    start: Instant,
    bins: Vec<Bin>,
    /// How many waited for so many milliseconds, rounded up.
    waits: Vec<u32>,
    /// The bottleneck's rates in bits per second, and since when.
    rates: Vec<(Duration, u64)>,
}

#[derive(Clone, Copy, Default)]
struct Bin {
    came: u64,
    ours: u64,
    cross: u64,
    longest: Duration,
    waited: Duration,
    waits: u32,
    packets: u32,
    lost: u32,
}

impl Meter {
    /// An hour. Raising it costs memory in a link that is never ended; what comes later is not counted.
    const MOST_BINS: usize = 36_000;
    /// A minute. Raising it costs memory after a long outage; what waited longer counts as this.
    const LONGEST_MS: usize = 60_000;
    const BIN: Duration = Duration::from_millis(BIN_MS as u64);

    pub(crate) const fn new(start: Instant) -> Self {
        Self {
            start,
            bins: Vec::new(),
            waits: Vec::new(),
            rates: Vec::new(),
        }
    }

    /// One of ours has come.
    pub(crate) fn came(&mut self, at: Instant, bytes: usize) {
        self.count(at, |bin| {
            bin.packets += 1;
            bin.came += bytes as u64 * 8;
        });
    }

    /// One of ours is lost.
    pub(crate) fn lost(&mut self, at: Instant) {
        self.count(at, |bin| bin.lost += 1);
    }

    /// One of ours has left a bottleneck's queue, to be sent over its line.
    pub(crate) fn waited(&mut self, at: Instant, time: Duration) {
        self.count(at, |bin| {
            bin.longest = bin.longest.max(time);
            bin.waited += time;
            bin.waits += 1;
        });
        let ms = time.as_micros().div_ceil(1_000);
        let ms = usize::try_from(ms).map_or(Self::LONGEST_MS, |ms| ms.min(Self::LONGEST_MS));
        if self.waits.len() <= ms {
            self.waits.resize(ms + 1, 0);
        }
        self.waits[ms] += 1;
    }

    /// A bottleneck has carried this many bytes.
    pub(crate) fn carried(&mut self, at: Instant, bytes: usize, is_ours: bool) {
        let bits = bytes as u64 * 8;
        self.count(at, |bin| match is_ours {
            true => bin.ours += bits,
            false => bin.cross += bits,
        });
    }

    /// The bottleneck has this rate from `at` on.
    pub(crate) fn rate(&mut self, at: Instant, bits_per_second: u64) {
        let since = at.saturating_duration_since(self.start);
        self.rates.push((since, bits_per_second));
    }

    /// Whether there is a bottleneck.
    pub(crate) const fn has_rate(&self) -> bool {
        !self.rates.is_empty()
    }

    /// All that is lost.
    pub(crate) fn all_lost(&self) -> u64 {
        self.bins.iter().map(|bin| u64::from(bin.lost)).sum()
    }

    /// How many of ours waited for so many milliseconds, rounded up, until now.
    pub(crate) fn waits(&self) -> &[u32] {
        &self.waits
    }

    /// Everything until `now`.
    pub(crate) fn bins(&self, now: Instant) -> Vec<LinkBin> {
        let until = now.saturating_duration_since(self.start);
        let count = until.as_nanos().div_ceil(Self::BIN.as_nanos());
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let bins = self.bins.iter().copied();
        let bins = bins.chain(std::iter::repeat(Bin::default()));
        let bins = bins.take(count.min(Self::MOST_BINS));
        let numbered = bins.zip(0..);
        numbered.map(|(bin, at)| self.bin(bin, at)).collect()
    }

    fn bin(&self, bin: Bin, number: u32) -> LinkBin {
        let kbps = |bits: u64| bits as f64 / f64::from(BIN_MS);
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        LinkBin {
            capacity_kbps: self.mean_rate(Self::BIN * number, Self::BIN * (number + 1)) / 1e3,
            came_kbps: kbps(bin.came),
            carried_kbps: kbps(bin.ours),
            cross_kbps: kbps(bin.cross),
            queue_ms_max: ms(bin.longest),
            queue_ms_mean: ms(bin.waited) / f64::from(bin.waits.max(1)),
            packets: bin.packets,
            lost: bin.lost,
        }
    }

    fn mean_rate(&self, from: Duration, to: Duration) -> f64 {
        let ends = self.rates.iter().skip(1).map(|(at, _)| *at);
        let ends = ends.chain([Duration::MAX]);
        let parts = self.rates.iter().zip(ends).map(|((since, rate), until)| {
            let time = until.min(to).saturating_sub(from.max(*since));
            *rate as f64 * time.as_secs_f64()
        });
        parts.sum::<f64>() / (to - from).as_secs_f64()
    }

    fn count(&mut self, at: Instant, counts: impl FnOnce(&mut Bin)) {
        let since = at.saturating_duration_since(self.start);
        let number = since.as_nanos() / Self::BIN.as_nanos();
        let Some(number) = usize::try_from(number)
            .ok()
            .filter(|number| *number < Self::MOST_BINS)
        else {
            return;
        };
        if self.bins.len() <= number {
            self.bins.resize(number + 1, Bin::default());
        }
        counts(&mut self.bins[number]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_happens_counts_in_its_tenth_of_a_second() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        meter.came(start + MS * 99, 250);
        meter.came(start + MS * 100, 125);
        meter.lost(start + MS * 101);
        meter.carried(start + MS * 250, 1_250, true);
        meter.carried(start + MS * 299, 2_500, false);
        meter.waited(start + MS * 250, MS * 10);
        meter.waited(start + MS * 260, MS * 30);
        let bins = meter.bins(start + MS * 301);
        assert_eq!(bins.len(), 4, "a part of a bin is one");
        assert_eq!((bins[0].packets, bins[1].packets, bins[1].lost), (1, 1, 1));
        assert_eq!((bins[2].carried_kbps, bins[2].cross_kbps), (100.0, 200.0));
        assert_eq!((bins[2].queue_ms_max, bins[2].queue_ms_mean), (30.0, 20.0));
        assert_eq!((bins[0].came_kbps, bins[1].came_kbps), (20.0, 10.0));
        assert_eq!(bins[3], LinkBin::default());
    }

    #[test]
    fn each_packet_counts_by_how_long_it_waited() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        let waits = [0, 1, 1_000, 1_001, 2_000].map(Duration::from_micros);
        waits.into_iter().for_each(|wait| meter.waited(start, wait));
        assert_eq!(meter.waits(), [1, 2, 2]);
        meter.waited(start, Duration::from_secs(3_600));
        assert_eq!(meter.waits().len(), 60_001);
    }

    #[test]
    fn capacity_is_the_mean_over_the_bin() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        meter.rate(start, 1_000_000);
        meter.rate(start + MS * 150, 0);
        meter.rate(start + MS * 175, 2_000_000);
        let bins = meter.bins(start + MS * 300);
        let capacity: Vec<f64> = bins.iter().map(|bin| bin.capacity_kbps.round()).collect();
        assert_eq!(capacity, [1_000.0, 1_000.0, 2_000.0]);
    }
}

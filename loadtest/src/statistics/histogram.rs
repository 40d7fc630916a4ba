//! Percentiles: of many delays within a bounded memory, and of few values exactly.

/// Below this every microsecond has a bucket of its own.
const EXACT: u64 = 64;

/// Buckets for each doubling from [`EXACT`] on. Raising it costs memory for each subscriber;
/// lowering it makes percentiles coarser: a bucket is at most 1/32 of its value wide.
const STEPS: usize = 32;

/// Doublings from [`EXACT`] on: the last bucket holds everything from an hour on.
const DOUBLINGS: usize = 26;

const BUCKETS: usize = EXACT as usize + DOUBLINGS * STEPS;

/// A distribution of microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    highest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            total: 0,
            highest: 0,
        }
    }
}

impl Histogram {
    /// Counts one value.
    pub(crate) fn add(&mut self, micros: u64) {
        self.counts[bucket(micros)] += 1;
        self.total += 1;
        self.highest = self.highest.max(micros);
    }

    /// Counts what `other` has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.highest = self.highest.max(other.highest);
    }

    /// How many values were counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The highest value, exactly; `None` when there is none.
    pub(crate) fn highest(&self) -> Option<u64> {
        (self.total > 0).then_some(self.highest)
    }

    /// The value that `percent` of 100 values do not exceed (nearest rank), too high by 1/32 of it
    /// at most; `None` when there is none.
    pub(crate) fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = rank(self.total, percent)?;
        let mut below = 0;
        for (at, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return Some(upper_edge(at).min(self.highest));
            }
        }
        Some(self.highest)
    }
}

/// The value that `percent` of 100 of them do not exceed (nearest rank); `None` when there is none.
pub(crate) fn percentile<T: Copy + Ord>(values: &[T], percent: u64) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = rank(sorted.len() as u64, percent)?;
    sorted.get(usize::try_from(rank).ok()? - 1).copied()
}

/// The nearest rank, from 1 on.
fn rank(total: u64, percent: u64) -> Option<u64> {
    (total > 0).then(|| (total * percent.min(100)).div_ceil(100).max(1))
}

fn bucket(micros: u64) -> usize {
    if micros < EXACT {
        return micros as usize;
    }
    let doubling = (micros / EXACT).ilog2();
    let step = ((micros >> doubling) - EXACT) as usize * STEPS / EXACT as usize;
    (EXACT as usize + doubling as usize * STEPS + step).min(BUCKETS - 1)
}

/// The highest value of a bucket.
fn upper_edge(bucket: usize) -> u64 {
    let Some(beyond) = bucket.checked_sub(EXACT as usize) else {
        return bucket as u64;
    };
    let (doubling, step) = (beyond / STEPS, beyond % STEPS);
    let width = EXACT / STEPS as u64;
    ((EXACT + (step as u64 + 1) * width) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_few_values_are_exact() {
        assert_eq!(percentile::<u64>(&[], 50), None);
        assert_eq!(percentile(&[7], 50), Some(7));
        assert_eq!(percentile(&[7], 99), Some(7));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentile(&hundred, 50), Some(50));
        assert_eq!(percentile(&hundred, 99), Some(99));
        assert_eq!(percentile(&hundred, 100), Some(100));
        assert_eq!(percentile(&[1, 2, 3], 50), Some(2));
    }

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_are_narrow() {
        for micros in (0..200_000).chain([1 << 22, (1 << 31) - 1]) {
            let at = bucket(micros);
            let upper = upper_edge(at);
            assert!(upper >= micros, "{micros} lies above its bucket");
            assert!(upper - micros <= micros / 32, "{micros} in a wide bucket");
            assert!(
                at == 0 || upper_edge(at - 1) < micros,
                "{micros} lies below its bucket"
            );
        }
    }

    #[test]
    fn percentiles_of_many_values_are_within_a_bucket() {
        let mut histogram = Histogram::default();
        assert_eq!(
            (histogram.percentile(50), histogram.highest()),
            (None, None)
        );
        for micros in 1..=10_000 {
            histogram.add(micros);
        }
        let near = |percent: u64, exact: u64| {
            let found = histogram.percentile(percent).unwrap();
            assert!(
                (exact..=exact + exact / 32).contains(&found),
                "{percent}: {found}"
            );
        };
        near(50, 5_000);
        near(99, 9_900);
        assert_eq!(histogram.percentile(100), Some(10_000));
        assert_eq!(histogram.highest(), Some(10_000));
    }

    #[test]
    fn absurd_values_are_counted_too() {
        let mut histogram = Histogram::default();
        histogram.add(u64::MAX);
        assert_eq!(histogram.highest(), Some(u64::MAX));
        assert_eq!(histogram.total(), 1);
        assert!(histogram.percentile(50).is_some());
    }

    #[test]
    fn merging_is_counting_together() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.add(10);
        other.add(1_000);
        other.add(50);
        one.merge(&other);
        assert_eq!(one.total(), 3);
        assert_eq!(one.percentile(50), Some(50));
        assert_eq!(one.highest(), Some(1_000));
    }
}

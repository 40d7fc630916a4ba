//! What each layer of an encoding takes, as it comes.
//!
//! A packet is an addition; four times a second of media the sums go into a mean. What its
//! subscribers are to be sent is planned by this, so a keyframe, which comes rarely and is many times
//! a frame, must not make a layer look dear: one in two seconds is left out.

use std::time::{Duration, Instant};

use crate::media::layer::Layer;
use crate::unit::Bitrate;

/// Spatial, and temporal, layers told apart; what is above counts for the last. Higher: memory for
/// each encoding. Lower: the layers of L3T3 look as one.
pub const MAX_MEASURED_LAYERS: usize = 4;

/// How long bytes are summed up. Longer: fewer sums, and later. Shorter: a slow layer has no frame
/// in most of them.
const BIN: Duration = Duration::from_millis(250);

/// How many of them a mean is over: the quick one, that sees a layer begin and end, and the calm one.
/// Layers are chosen for seconds, so that what they cost is what they take in the mean of some.
///
/// More is calmer and later.
const BINS: u32 = 5;
const CALM_BINS: u32 = 20;

/// Where the quick mean is more than so many percent from the calm one, the encoder does something else
/// than before, and the calm one begins anew from there. Frames of one scene make less of a difference.
///
/// Higher: what a new rate costs is seen later. Lower: a breath of the encoder is a new rate.
const OTHER_PERCENT: u64 = 25;

/// So many of them tell what an encoding will go on to send. More: publishers are taken at their word
/// for longer. Fewer: what has just begun looks cheap.
const SETTLED: u32 = 8;

/// What is silent for longer is measured by what it sent before: nobody wanted it, and now somebody
/// might. Longer: a pause reads as a lower rate. Shorter: a screen that stands still costs what it
/// did when it moved.
const PAUSE: Duration = Duration::from_secs(2);

/// A keyframe in so much time does not count. Longer: a publisher that is asked for many looks
/// dearer. Shorter: cheaper than it is.
const KEYFRAME_EVERY: Duration = Duration::from_secs(2);

/// Bytes that a packet takes on a subscriber's wire beside itself: UDP (RFC 768), IP version 4 (RFC
/// 791) and the seal (RFC 7714).
const BESIDE: usize = 8 + 20 + 16;

/// A layer of fewer bits a second has ended: a mean never becomes nothing. Higher: layers that hardly
/// move are overlooked. Lower: one that has ended is thought to be there for longer.
const FAINT: u64 = 1000;

/// One of each spatial and temporal layer.
type Sums<T> = [[T; MAX_MEASURED_LAYERS]; MAX_MEASURED_LAYERS];

/// The layers of one encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerRates {
    since: Instant,
    bytes: Sums<u32>,
    /// Bits a second of each layer by itself, over `counted` bins.
    rates: Sums<u64>,
    /// Whole bins of each layer since it began, up to [`CALM_BINS`].
    whole: Sums<u32>,
    counted: u32,
    /// The same over more of them.
    calm: Sums<u64>,
    calm_counted: u32,
    /// Bins since the start, up to [`SETTLED`].
    settled: u32,
    /// The newest keyframe that does not count: when it came, and its timestamp.
    excused: Option<(Instant, u32)>,
}

impl LayerRates {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            since: now,
            bytes: [[0; MAX_MEASURED_LAYERS]; MAX_MEASURED_LAYERS],
            rates: [[0; MAX_MEASURED_LAYERS]; MAX_MEASURED_LAYERS],
            whole: [[0; MAX_MEASURED_LAYERS]; MAX_MEASURED_LAYERS],
            counted: 0,
            calm: [[0; MAX_MEASURED_LAYERS]; MAX_MEASURED_LAYERS],
            calm_counted: 0,
            settled: 0,
            excused: None,
        }
    }

    /// Takes note of a packet of media of `size` bytes.
    pub(super) fn add(
        &mut self,
        now: Instant,
        layer: Layer,
        timestamp: u32,
        keyframe_start: bool,
        size: usize,
    ) {
        let span = now.saturating_duration_since(self.since);
        if span >= BIN {
            self.close(now, span);
        }
        if keyframe_start {
            let is_rare = |(at, _)| now.saturating_duration_since(at) >= KEYFRAME_EVERY;
            if self.excused.is_none_or(is_rare) {
                self.excused = Some((now, timestamp));
            }
        }
        if self
            .excused
            .is_some_and(|(_, excused)| excused == timestamp)
        {
            return;
        }
        let place = |layer: u8| usize::from(layer).min(MAX_MEASURED_LAYERS - 1);
        let sum = &mut self.bytes[place(layer.spatial)][place(layer.temporal)];
        // A datagram's length in 16 bits.
        *sum = sum.saturating_add((size + BESIDE) as u32);
    }

    fn close(&mut self, now: Instant, span: Duration) {
        self.since = now;
        let bytes = std::mem::take(&mut self.bytes);
        if span >= PAUSE {
            return;
        }
        self.counted = (self.counted + 1).min(BINS);
        self.settled = (self.settled + 1).min(SETTLED);
        self.calm_counted = (self.calm_counted + 1).min(CALM_BINS);
        let came = bytes
            .map(|layers| layers.map(|bytes| Bitrate::from_bytes_over(bytes.into(), span).bps()));
        self.count_layers();
        take_into(&mut self.rates, &came, &self.whole, self.counted);
        take_into(&mut self.calm, &came, &self.whole, self.calm_counted);
        let sum = |rates: &Sums<u64>| rates.iter().flatten().sum::<u64>();
        let (quick, calm) = (sum(&self.rates), sum(&self.calm));
        // An encoder that begins says little of what it will send.
        let begins = self.settled < SETTLED;
        if begins || quick.abs_diff(calm) > calm / 100 * OTHER_PERCENT {
            (self.calm, self.calm_counted) = (self.rates, self.counted);
        }
    }

    /// A layer that begins while others go on is measured from its own beginning: the mean over bins in
    /// which there was none of it is a fraction of what it takes, and who is sent it by that gets
    /// several times as much as was planned.
    fn count_layers(&mut self) {
        let is_first = self.counted == 1;
        let rates = self.rates.iter().flatten();
        for (whole, rate) in self.whole.iter_mut().flatten().zip(rates) {
            *whole = match *rate < FAINT {
                // It begins somewhere in that bin, if it does.
                true => u32::from(is_first),
                false => (*whole + 1).min(CALM_BINS),
            };
        }
    }

    /// What it takes to receive all layers up to `top`; `None` while too little has come.
    pub(super) fn up_to(&self, top: Layer) -> Option<Bitrate> {
        let within = |top: u8| ..=usize::from(top).min(MAX_MEASURED_LAYERS - 1);
        let spatial = self.calm.get(within(top.spatial))?;
        let all = spatial
            .iter()
            .flat_map(|rates| &rates[within(top.temporal)]);
        (self.counted >= 2).then(|| Bitrate::from_bps(all.sum()))
    }

    /// Whether enough has come to go by it alone: an encoder begins below its rate, and makes up for
    /// its first keyframe.
    pub(super) const fn is_settled(&self) -> bool {
        self.settled >= SETTLED
    }

    /// The highest layers of which anything came lately.
    pub(super) fn top(&self) -> Layer {
        let mut top = Layer::default();
        for (spatial, rates) in (0..).zip(&self.rates) {
            for (temporal, _) in (0..).zip(rates).filter(|(_, rate)| **rate >= FAINT) {
                top.spatial = top.spatial.max(spatial);
                top.temporal = top.temporal.max(temporal);
            }
        }
        top
    }
}

/// Takes what came in a bin into the mean of `counted` of them, or of fewer where a layer has begun since.
fn take_into(mean: &mut Sums<u64>, came: &Sums<u64>, whole: &Sums<u32>, counted: u32) {
    let of = came.iter().flatten().zip(whole.iter().flatten());
    for (rate, (came, whole)) in mean.iter_mut().flatten().zip(of) {
        let share = u64::from(counted.min((*whole).max(1)));
        *rate = (*rate * (share - 1) + came) / share;
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn layer(spatial: u8, temporal: u8) -> Layer {
        Layer { spatial, temporal }
    }

    fn kbps(rates: &LayerRates, top: Layer) -> u64 {
        rates.up_to(top).unwrap().bps() / 1000
    }

    /// Thirty frames of 1000 bytes on the wire a second, in three temporal layers.
    fn second(rates: &mut LayerRates, start: Instant, from: u32) {
        for frame in 0..30 {
            let temporal = [0, 2, 1, 2][frame as usize % 4];
            let at = start + (from * 30 + frame) * 33_333 * MS / 1000;
            let timestamp = (from * 30 + frame) * 3000;
            rates.add(at, layer(0, temporal), timestamp, false, 1000 - BESIDE);
        }
    }

    #[test]
    fn layers_cost_what_they_and_those_below_take() {
        let start = Instant::now();
        let mut rates = LayerRates::new(start);
        assert_eq!(rates.up_to(layer(0, 2)), None);
        (0..5).for_each(|from| second(&mut rates, start, from));
        assert!((225..255).contains(&kbps(&rates, layer(0, 2))));
        assert!((45..75).contains(&kbps(&rates, layer(0, 0))));
        assert!((105..135).contains(&kbps(&rates, layer(0, 1))));
        assert_eq!(rates.top(), layer(0, 2));
        assert_eq!(
            rates.up_to(layer(0, 2)),
            rates.up_to(layer(u8::MAX, u8::MAX))
        );
    }

    #[test]
    fn a_keyframe_does_not_count_and_many_do() {
        let start = Instant::now();
        let (mut one, mut many) = (LayerRates::new(start), LayerRates::new(start));
        for from in 0..5 {
            second(&mut one, start, from);
            second(&mut many, start, from);
            let at = start + from * 1000 * MS + 990 * MS;
            for packet in 0..20 {
                if from == 4 {
                    one.add(at, layer(0, 0), 1, packet == 0, 1000 - BESIDE);
                }
                let timestamp = 1_000_000 + from;
                many.add(at, layer(0, 0), timestamp, packet == 0, 1000 - BESIDE);
            }
        }
        assert!(kbps(&one, layer(0, 2)) < 255, "{one:?}");
        assert!(kbps(&many, layer(0, 2)) > 300, "{many:?}");
    }

    /// Ten bins of `percent` of 240 kbit/s.
    fn breathe(rates: &mut LayerRates, start: Instant, from: u32, percent: usize) {
        for bin in from..from + 10 {
            let size = 7_500 * percent / 100 - BESIDE;
            rates.add(start + bin * BIN, layer(0, 0), bin, false, size);
        }
    }

    #[test]
    fn a_breath_of_the_encoder_costs_nothing() {
        let start = Instant::now();
        let mut rates = LayerRates::new(start);
        (0..4).for_each(|ten| breathe(&mut rates, start, ten * 10, 100));
        breathe(&mut rates, start, 40, 112);
        let after = kbps(&rates, layer(0, 0));
        assert!((240..255).contains(&after), "{after}");
    }

    #[test]
    fn another_rate_is_seen_as_soon_as_it_is_clear() {
        let start = Instant::now();
        let mut rates = LayerRates::new(start);
        (0..4).for_each(|ten| breathe(&mut rates, start, ten * 10, 100));
        breathe(&mut rates, start, 40, 200);
        let after = kbps(&rates, layer(0, 0));
        assert!((420..=480).contains(&after), "{after}");
    }

    #[test]
    fn what_was_turned_off_costs_what_it_did() {
        let start = Instant::now();
        let mut rates = LayerRates::new(start);
        (0..5).for_each(|from| second(&mut rates, start, from));
        let before = kbps(&rates, layer(0, 2));
        rates.add(start + 60_000 * MS, layer(0, 0), 7, false, 100);
        assert_eq!(kbps(&rates, layer(0, 2)), before);
    }

    #[test]
    fn a_layer_that_begins_late_costs_what_it_takes_at_once() {
        let start = Instant::now();
        let mut rates = LayerRates::new(start);
        for bin in 0..60 {
            let at = start + bin * BIN;
            rates.add(at, layer(0, 0), bin, false, 15_000 - BESIDE);
            // From the middle of a bin on.
            if bin >= 40 {
                rates.add(at + BIN / 2, layer(1, 0), bin, false, 12_500 - BESIDE);
            }
            if bin == 43 {
                assert_eq!(rates.top(), layer(1, 0));
                let all = kbps(&rates, layer(1, 0));
                assert!((860..=900).contains(&all), "{all}");
            }
        }
    }
}

//! The best that layers on offer can do within a capacity: the greatest sum of one choice for each
//! track that fits.

use crate::log::{Log, OfferLog, SubscriberLog};

/// How much of a link a sender can fill that does not fill its queue: frames differ in size.
const FILL: f64 = 0.95;

/// Sums are told apart by this, in kbit/s.
const GRAIN: f64 = 4.0;

/// Layers come and go with their publisher's uplink: each so many bins are judged by themselves.
const PART: usize = 50;

/// What is offered at a time is told from what comes next by so many.
const SHORT: usize = 10;

/// A subscriber, and whether it wants pictures.
pub(super) type Wanting<'l> = (&'l SubscriberLog, bool);

/// The most that `subscribers` can be sent together through `capacity` kbit/s, in the mean of the
/// bins from `from` to `to`. Sound always goes.
pub(super) fn most(
    log: &Log,
    subscribers: &[Wanting<'_>],
    window: (usize, usize),
    capacity: f64,
) -> f64 {
    mean_of_parts(window, PART, |part| {
        let (sound, tracks) = tracks(log, subscribers, part);
        let ladders: Vec<_> = tracks.into_iter().map(ladder).collect();
        let all: f64 = ladders.iter().filter_map(|costs| costs.last()).sum();
        let room = (capacity * FILL - sound).clamp(0.0, all + GRAIN);
        sound + greatest(&ladders, room)
    })
}

/// All that `subscribers` can be sent together: of each track what costs most at the time, whether that
/// shows more than another choice or not.
pub(super) fn all(log: &Log, subscribers: &[Wanting<'_>], window: (usize, usize)) -> f64 {
    mean_of_parts(window, SHORT, |part| {
        let (sound, tracks) = tracks(log, subscribers, part);
        let dearest =
            |choices: &Vec<Choice>| choices.iter().map(|one| one.cost).fold(0.0, f64::max);
        sound + tracks.iter().map(dearest).sum::<f64>()
    })
}

/// The mean of what parts of so many bins come to.
fn mean_of_parts(
    (from, to): (usize, usize),
    bins: usize,
    of: impl Fn((usize, usize)) -> f64,
) -> f64 {
    let starts = (from..to).step_by(bins);
    let parts = starts.map(|start| (start, to.min(start + bins)));
    let sums = parts.map(|(from, to)| of((from, to)) * (to - from) as f64);
    sums.sum::<f64>() / to.saturating_sub(from).max(1) as f64
}

/// What sound costs, and the choices of each track with pictures that is wanted.
fn tracks(log: &Log, subscribers: &[Wanting<'_>], part: (usize, usize)) -> (f64, Vec<Vec<Choice>>) {
    let mut sound = 0.0;
    let mut tracks = Vec::new();
    for (subscriber, pictures) in subscribers {
        for publisher in log.publishers.iter().filter(|p| p.name != subscriber.name) {
            for offer in &publisher.tracks {
                let choices = choices(offer, part);
                if offer.is_audio {
                    sound += choices.last().map_or(0.0, |one| one.cost);
                } else if *pictures {
                    tracks.push(choices);
                }
            }
        }
    }
    (sound, tracks)
}

/// One way to send a track.
struct Choice {
    /// In kbit/s.
    cost: f64,
    /// Pixels a second, up to a factor that all of a track share.
    shown: u64,
}

/// Every spatial layer with every number of temporal layers, the cheapest first.
fn choices(offer: &OfferLog, (from, to): (usize, usize)) -> Vec<Choice> {
    let bins = (to - from).max(1) as f64;
    let rate = |kbps: &[f64]| kbps.iter().take(to).skip(from).sum::<f64>() / bins;
    let mut choices = Vec::new();
    for top in offer.layers.iter().filter(|top| rate(&top.kbps) > 0.0) {
        let part = offer.layers.iter().filter(|layer| {
            let spatial =
                layer.spatial == top.spatial || offer.stacked && layer.spatial < top.spatial;
            spatial && layer.temporal <= top.temporal
        });
        choices.push(Choice {
            cost: part.map(|layer| rate(&layer.kbps)).sum(),
            // Each temporal layer doubles the frame rate.
            shown: u64::from(top.height).pow(2) << top.temporal.min(7),
        });
    }
    choices.sort_by(|one, other| one.cost.total_cmp(&other.cost));
    choices
}

/// What the choices cost, but for those that cost more than another and show no more pixels a second. A
/// large picture that stutters is not what anybody is to be given for a whole link.
fn ladder(mut choices: Vec<Choice>) -> Vec<f64> {
    let mut most = None;
    choices.retain(|choice| {
        let more = most.is_none_or(|most| choice.shown > most);
        most = most.max(Some(choice.shown));
        more
    });
    choices.into_iter().map(|choice| choice.cost).collect()
}

/// The greatest sum of at most one of each ladder that is within `room`.
fn greatest(ladders: &[Vec<f64>], room: f64) -> f64 {
    let places = (room / GRAIN) as usize + 1;
    // The least exact sum that falls into each place.
    let mut sums = vec![f64::NAN; places];
    sums[0] = 0.0;
    for ladder in ladders {
        let former = sums.clone();
        for sum in former.into_iter().filter(|sum| !sum.is_nan()) {
            for cost in ladder {
                let next = sum + cost;
                if next <= room {
                    let place = &mut sums[(next / GRAIN) as usize];
                    *place = place.min(next);
                }
            }
        }
    }
    sums.into_iter().rfind(|sum| !sum.is_nan()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_that_costs_more_and_shows_no_more_is_none() {
        let layer = |spatial: u8, temporal, kbps| crate::log::LayerLog {
            spatial,
            temporal,
            height: 360 << spatial,
            kbps: vec![kbps; 10],
        };
        let layers = vec![
            layer(0, 0, 200.0),
            layer(0, 1, 100.0),
            layer(0, 2, 200.0),
            layer(1, 0, 700.0),
            layer(1, 1, 300.0),
            layer(1, 2, 700.0),
        ];
        let mut offer = OfferLog {
            layers,
            ..OfferLog::default()
        };
        let costs = ladder(choices(&offer, (0, 10)));
        assert_eq!(costs, [200.0, 300.0, 500.0, 1000.0, 1700.0]);
        offer.stacked = true;
        assert_eq!(ladder(choices(&offer, (0, 10)))[3..], [1300.0, 2200.0]);
    }

    #[test]
    fn the_greatest_sum_that_fits_is_found() {
        let camera = vec![150.0, 500.0, 1700.0];
        let two = [camera.clone(), camera];
        assert_eq!(greatest(&two, 100.0), 0.0);
        assert_eq!(greatest(&two, 660.0), 650.0);
        assert_eq!(greatest(&two, 1699.0), 1000.0);
        assert_eq!(greatest(&two, 9000.0), 3400.0);
    }

    #[test]
    fn a_layer_that_is_there_at_times_counts_as_long_as_it_is() {
        let layer = |spatial: u8, kbps: Vec<f64>| crate::log::LayerLog {
            spatial,
            temporal: 0,
            height: 360 << spatial,
            kbps,
        };
        let at_first = [vec![1000.0; 10], vec![0.0; 40]].concat();
        let camera = OfferLog {
            layers: vec![layer(0, vec![400.0; 50]), layer(1, at_first)],
            ..OfferLog::default()
        };
        let log = Log {
            publishers: vec![crate::log::PublisherLog {
                tracks: vec![camera],
                ..crate::log::PublisherLog::default()
            }],
            ..Log::default()
        };
        let ben = SubscriberLog {
            name: "ben".to_owned(),
            ..SubscriberLog::default()
        };
        assert_eq!(all(&log, &[(&ben, true)], (0, 50)), 520.0);
    }
}

//! The best that layers on offer can do within a capacity: the greatest sum of one choice for each
//! track that fits.

use crate::log::{Log, OfferLog, SubscriberLog};

/// How much of a link a sender can fill that does not fill its queue: frames differ in size.
const FILL: f64 = 0.95;

/// Sums are told apart by this, in kbit/s.
const GRAIN: f64 = 4.0;

/// Layers come and go with their publisher's uplink: each so many bins are judged by themselves.
const PART: usize = 50;

/// A subscriber, and whether it wants pictures.
pub(super) type Wanting<'l> = (&'l SubscriberLog, bool);

/// The most that `subscribers` can be sent together through `capacity` kbit/s, in the mean of the
/// bins from `from` to `to`. Sound always goes.
pub(super) fn most(
    log: &Log,
    subscribers: &[Wanting<'_>],
    (from, to): (usize, usize),
    capacity: f64,
) -> f64 {
    let parts = (from..to)
        .step_by(PART)
        .map(|start| (start, to.min(start + PART)));
    let sums =
        parts.map(|(from, to)| part(log, subscribers, (from, to), capacity) * (to - from) as f64);
    sums.sum::<f64>() / to.saturating_sub(from).max(1) as f64
}

fn part(log: &Log, subscribers: &[Wanting<'_>], (from, to): (usize, usize), capacity: f64) -> f64 {
    let mut sound = 0.0;
    let mut ladders = Vec::new();
    for (subscriber, pictures) in subscribers {
        for publisher in log.publishers.iter().filter(|p| p.name != subscriber.name) {
            for offer in &publisher.tracks {
                let costs = ladder(offer, (from, to));
                if offer.is_audio {
                    sound += costs.last().copied().unwrap_or(0.0);
                } else if *pictures {
                    ladders.push(costs);
                }
            }
        }
    }
    let all: f64 = ladders.iter().filter_map(|costs| costs.last()).sum();
    let room = (capacity * FILL - sound).clamp(0.0, all + GRAIN);
    sound + greatest(&ladders, room)
}

/// What each choice of a track costs: every spatial layer with every number of temporal layers, but
/// for those that cost more than another and show no more pixels a second. A large picture that
/// stutters is not what anybody is to be given for a whole link.
fn ladder(offer: &OfferLog, (from, to): (usize, usize)) -> Vec<f64> {
    let bins = (to - from).max(1) as f64;
    let rate = |kbps: &[f64]| kbps.iter().take(to).skip(from).sum::<f64>() / bins;
    let mut costs = Vec::new();
    for top in &offer.layers {
        let part = offer.layers.iter().filter(|layer| {
            let spatial =
                layer.spatial == top.spatial || offer.stacked && layer.spatial < top.spatial;
            spatial && layer.temporal <= top.temporal
        });
        let is_sent = rate(&top.kbps) > 0.0;
        if is_sent {
            let cost: f64 = part.map(|layer| rate(&layer.kbps)).sum();
            // Each temporal layer doubles the frame rate.
            let shown = u64::from(top.height).pow(2) << top.temporal.min(7);
            costs.push((cost, shown));
        }
    }
    costs.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut most = None;
    costs.retain(|(_, shown)| {
        let more = most.is_none_or(|most| *shown > most);
        most = most.max(Some(*shown));
        more
    });
    costs.into_iter().map(|(cost, _)| cost).collect()
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
        let costs = ladder(&offer, (0, 10));
        assert_eq!(costs, [200.0, 300.0, 500.0, 1000.0, 1700.0]);
        offer.stacked = true;
        assert_eq!(ladder(&offer, (0, 10))[3..], [1300.0, 2200.0]);
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
}

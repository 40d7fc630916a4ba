//! Figures of what a subscriber sees and hears.

use super::windows::{STARTS_IN, bins, seconds};
use super::{Figure, Kind, is_clean_from, optimum, way_to};
use crate::log::{BIN_MS, Log, SubscriberLog, TrackLog};
use crate::scenario::Scenario;

/// No picture stands for longer than this, in milliseconds.
const FREEZE: f64 = 300.0;

/// Random loss with no bottleneck leaves at least so much of the rate, in percent.
const RATE_OF_OFFER: f64 = 75.0;

pub(super) fn judge(
    scenario: &Scenario,
    log: &Log,
    subscriber: &SubscriberLog,
    figures: &mut Vec<Figure>,
) {
    let who = scenario
        .participants
        .iter()
        .find(|who| who.name == subscriber.name);
    let nature = way_to(scenario, &subscriber.name);
    let joins = who.map_or(0.0, |who| who.joins);
    let end = subscriber.bins.len();
    let settled = bins(joins + STARTS_IN);
    if !nature.is_narrow && settled < end {
        let offer = optimum::most(log, &[subscriber], (settled, end), f64::INFINITY);
        let bins = &subscriber.bins[settled..end];
        let media: f64 = bins
            .iter()
            .map(|bin| bin.sent_kbps - bin.padding_kbps)
            .sum();
        if offer > 0.0 {
            figures.push(Figure {
                kind: Kind::RateOfOffer,
                of: subscriber.name.clone(),
                value: 100.0 * media / bins.len() as f64 / offer,
                limit: nature.loses.then_some(RATE_OF_OFFER),
            });
        }
    }
    for track in &subscriber.tracks {
        let mut figure = |kind, value, limit| {
            let of = format!("{} {}", subscriber.name, track.name);
            figures.push(Figure {
                kind,
                of,
                value,
                limit,
            });
        };
        // What a publisher's own link does is not ours to mend.
        let publisher = track.name.split('/').next().unwrap_or_default();
        let ours = is_clean_from(scenario, publisher) && !nature.fails;
        let longest = track.freezes.iter().map(|(from, to)| to - from).max();
        let longest = f64::from(longest.unwrap_or(0));
        if track.is_audio {
            let all = (track.packets + track.lost_packets).max(1);
            let lost = 100.0 * track.lost_packets as f64 / all as f64;
            let asked = ours && !nature.loses && !nature.has_cross_traffic;
            figure(Kind::AudioLost, lost, asked.then_some(0.0));
            figure(Kind::Silence, longest, None);
            continue;
        }
        figure(
            Kind::FreezeLongest,
            longest,
            (!nature.fails).then_some(FREEZE),
        );
        let frozen: u32 = track.freezes.iter().map(|(from, to)| to - from).sum();
        let watched = shown(track);
        let minutes = watched.len() as f64 * f64::from(BIN_MS) / 60_000.0;
        if minutes > 0.0 {
            let frozen = f64::from(frozen) / 1000.0;
            figure(Kind::FreezeTotal, frozen / minutes, None);
            // Where the least picture fits, pausing is no way out of a freeze.
            let paused = seconds(watched.iter().filter(|bin| bin.paused).count());
            let asked = ours && !nature.has_cross_traffic;
            figure(Kind::Paused, paused / minutes, asked.then_some(0.0));
            // A frozen picture has no height.
            let moving = watched.iter().filter(|bin| bin.frames > 0);
            let height: f64 = moving.map(|bin| f64::from(bin.height)).sum();
            figure(Kind::Height, height / watched.len() as f64, None);
            let frames: f64 = watched.iter().map(|bin| f64::from(bin.frames)).sum();
            figure(Kind::FrameRate, frames / minutes / 60.0, None);
            figure(Kind::Switches, switches(watched) / minutes, None);
        }
        let first = track.bins.iter().position(|bin| bin.frames > 0);
        let first = first.map_or(f64::INFINITY, |first| seconds(first + 1));
        figure(
            Kind::FirstPicture,
            first - begins(scenario, subscriber, track),
            None,
        );
    }
}

/// The bins from the first picture on.
fn shown(track: &TrackLog) -> &[crate::log::TrackBin] {
    let first = track.bins.iter().position(|bin| bin.frames > 0);
    &track.bins[first.unwrap_or(track.bins.len())..]
}

/// How often another spatial layer is shown.
fn switches(bins: &[crate::log::TrackBin]) -> f64 {
    let shown: Vec<u32> = bins
        .iter()
        .filter(|bin| bin.frames > 0)
        .map(|bin| bin.height)
        .collect();
    shown.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64
}

/// When both a track's publisher and its subscriber are there, in seconds.
fn begins(scenario: &Scenario, subscriber: &SubscriberLog, track: &TrackLog) -> f64 {
    let publisher = track.name.split('/').next().unwrap_or_default();
    let joins = |name: &str| {
        let who = scenario.participants.iter().find(|who| who.name == name);
        who.map_or(0.0, |who| who.joins)
    };
    joins(publisher).max(joins(&subscriber.name))
}

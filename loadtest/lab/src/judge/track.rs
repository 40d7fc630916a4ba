//! Figures of what a subscriber sees and hears.

use std::borrow::Cow;

use super::windows::{STARTS_IN, bins, seconds};
use super::{Figure, Kind, is_clean_from, optimum, way_to};
use crate::log::{BIN_MS, Log, SubscriberBin, SubscriberLog, TrackLog};
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
    let nature = way_to(scenario, &subscriber.name);
    let rate = rate_of_offer(scenario, log, subscriber).filter(|_| !nature.is_narrow);
    figures.extend(rate.map(|value| Figure {
        kind: Kind::RateOfOffer,
        of: subscriber.name.clone(),
        value,
        limit: nature.loses.then_some(RATE_OF_OFFER),
    }));
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
        let asked = ours && !nature.has_cross_traffic;
        if track.is_audio {
            hear(track, asked && !nature.loses, &mut figure);
        } else {
            let joined = begins(scenario, subscriber, track);
            let track = wanted(scenario, subscriber, track);
            see(&track, joined, ours, asked, &mut figure);
        }
    }
}

/// What of the offer is sent once things have settled, without padding and repairs, in percent.
fn rate_of_offer(scenario: &Scenario, log: &Log, subscriber: &SubscriberLog) -> Option<f64> {
    let mut people = scenario.participants.iter();
    let who = people.find(|who| who.name == subscriber.name);
    let settled = bins(who.map_or(0.0, |who| who.joins) + STARTS_IN);
    let end = subscriber.bins.len();
    let late = subscriber.bins.get(settled..end)?;
    let offer = optimum::most(log, &[subscriber], (settled, end), f64::INFINITY);
    let media = |bin: &SubscriberBin| bin.sent_kbps - bin.padding_kbps - bin.repair_kbps;
    let media: f64 = late.iter().map(media).sum();
    (offer > 0.0).then(|| 100.0 * media / late.len() as f64 / offer)
}

/// A track without the bins in which its subscriber does not want pictures.
fn wanted<'l>(
    scenario: &Scenario,
    subscriber: &SubscriberLog,
    track: &'l TrackLog,
) -> Cow<'l, TrackLog> {
    let mut people = scenario.participants.iter();
    let who = people.find(|who| who.name == subscriber.name);
    let away = who.map_or(&[][..], |who| &who.looks_away);
    if away.is_empty() {
        return Cow::Borrowed(track);
    }
    let mut kept = track.clone();
    for [from, to] in away.iter().rev() {
        let end = kept.bins.len();
        kept.bins.drain(bins(*from).min(end)..bins(*to).min(end));
    }
    Cow::Owned(kept)
}

/// The longest time without anything new, in milliseconds.
fn longest(track: &TrackLog) -> f64 {
    let longest = track.freezes.iter().map(|(from, to)| to - from).max();
    f64::from(longest.unwrap_or(0))
}

fn hear(track: &TrackLog, asked: bool, figure: &mut impl FnMut(Kind, f64, Option<f64>)) {
    let all = (track.packets + track.lost_packets).max(1);
    let lost = 100.0 * track.lost_packets as f64 / all as f64;
    figure(Kind::AudioLost, lost, asked.then_some(0.0));
    figure(Kind::Silence, longest(track), None);
}

fn see(
    track: &TrackLog,
    joined: f64,
    freezes: bool,
    pauses: bool,
    figure: &mut impl FnMut(Kind, f64, Option<f64>),
) {
    figure(
        Kind::FreezeLongest,
        longest(track),
        freezes.then_some(FREEZE),
    );
    let first = track.bins.iter().position(|bin| bin.frames > 0);
    let watched = &track.bins[first.unwrap_or(track.bins.len())..];
    let minutes = watched.len() as f64 * f64::from(BIN_MS) / 60_000.0;
    if minutes > 0.0 {
        let frozen: u32 = track.freezes.iter().map(|(from, to)| to - from).sum();
        figure(
            Kind::FreezeTotal,
            f64::from(frozen) / 1000.0 / minutes,
            None,
        );
        // Where the least picture fits, pausing is no way out of a freeze.
        let paused = seconds(watched.iter().filter(|bin| bin.paused).count());
        figure(Kind::Paused, paused / minutes, pauses.then_some(0.0));
        // A picture that stands has no height.
        let heights = watched
            .iter()
            .filter(|bin| bin.frames > 0)
            .map(|bin| bin.height);
        let heights: Vec<u32> = heights.collect();
        let sum: f64 = heights.iter().copied().map(f64::from).sum();
        figure(Kind::Height, sum / heights.len() as f64, None);
        let frames: f64 = watched.iter().map(|bin| f64::from(bin.frames)).sum();
        figure(Kind::FrameRate, frames / minutes / 60.0, None);
        let switches = heights.windows(2).filter(|pair| pair[0] != pair[1]).count();
        figure(Kind::Switches, switches as f64 / minutes, None);
    }
    let first = first.map_or(f64::INFINITY, |first| seconds(first + 1));
    figure(Kind::FirstPicture, first - joined, None);
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

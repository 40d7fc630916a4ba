//! Figures of what a subscriber sees and hears.

use super::shared::Takes;
use super::windows::{STARTS_IN, bins, seconds};
use super::{Aim, Asked, Figure, Kind, Nature, is_clean_from, optimum, way_to};
use crate::log::{BIN_MS, Log, SubscriberBin, SubscriberLog, TrackBin, TrackLog};
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
        asked: nature.loses.then_some(Asked {
            limit: RATE_OF_OFFER,
            aim: aim(!nature.loses_in_bursts),
        }),
    }));
    for track in &subscriber.tracks {
        let mut figure = |kind, value, asked| {
            let of = format!("{} {}", subscriber.name, track.name);
            figures.push(Figure {
                kind,
                of,
                value,
                asked,
            });
        };
        let publisher = track.name.split('/').next().unwrap_or_default();
        let asks = Asks::of(nature, is_clean_from(scenario, publisher));
        if track.is_audio {
            hear(track, asks.sound, &mut figure);
        } else {
            let joined = begins(scenario, subscriber, track);
            let watched = shown(scenario, subscriber, track);
            see((track, &watched), joined, asks, &mut figure);
        }
    }
}

const fn aim(is_proof: bool) -> Aim {
    if is_proof { Aim::Proof } else { Aim::Own }
}

/// What is asked of a track over a link like this. The proof asks for whole sound and for no freeze
/// after a halving; that nothing freezes, is silent or paused elsewhere is our own aim.
#[derive(Clone, Copy)]
struct Asks {
    sound: Option<Asked>,
    freezes: Option<Asked>,
    pauses: Option<Asked>,
}

impl Asks {
    fn of(nature: Nature, is_clean: bool) -> Self {
        // What a publisher's own link does is not ours to mend.
        let ours = is_clean && !nature.fails;
        let alone = ours && !nature.has_cross_traffic;
        let halving = aim(nature.halves && alone && !nature.loses);
        let ask = |limit, aim, may: bool| may.then_some(Asked { limit, aim });
        Self {
            sound: ask(0.0, halving, alone && !nature.loses),
            freezes: ask(FREEZE, halving, ours),
            // Where the least picture fits, pausing is no way out of a freeze.
            pauses: ask(0.0, Aim::Own, alone),
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
    let offer = optimum::all(log, &[(subscriber, true)], (settled, end));
    let media = |bin: &SubscriberBin| bin.sent_kbps - bin.padding_kbps - bin.repair_kbps;
    let media: f64 = late.iter().map(media).sum();
    (offer > 0.0).then(|| 100.0 * media / late.len() as f64 / offer)
}

/// The longest time without anything new, in milliseconds.
fn longest(track: &TrackLog) -> f64 {
    let longest = track.freezes.iter().map(|(from, to)| to - from).max();
    f64::from(longest.unwrap_or(0))
}

fn hear(track: &TrackLog, asked: Option<Asked>, figure: &mut impl Takes) {
    let all = (track.packets + track.lost_packets).max(1);
    let lost = 100.0 * track.lost_packets as f64 / all as f64;
    figure(Kind::AudioLost, lost, asked);
    figure(Kind::Silence, longest(track), None);
}

fn see(
    (track, watched): (&TrackLog, &[TrackBin]),
    joined: f64,
    asks: Asks,
    figure: &mut impl Takes,
) {
    figure(Kind::FreezeLongest, longest(track), asks.freezes);
    let minutes = watched.len() as f64 * f64::from(BIN_MS) / 60_000.0;
    if minutes > 0.0 {
        let frozen: u32 = track.freezes.iter().map(|(from, to)| to - from).sum();
        figure(
            Kind::FreezeTotal,
            f64::from(frozen) / 1000.0 / minutes,
            None,
        );
        let paused = seconds(watched.iter().filter(|bin| bin.paused).count());
        figure(Kind::Paused, paused / minutes, asks.pauses);
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
    let first = track.bins.iter().position(|bin| bin.frames > 0);
    let first = first.map_or(f64::INFINITY, |first| seconds(first + 1));
    figure(Kind::FirstPicture, first - joined, None);
}

/// The bins from the first picture on, without those in which pictures are not wanted.
fn shown(scenario: &Scenario, subscriber: &SubscriberLog, track: &TrackLog) -> Vec<TrackBin> {
    let mut people = scenario.participants.iter();
    let who = people.find(|who| who.name == subscriber.name);
    let away = who.map_or(&[][..], |who| &who.looks_away);
    let is_away = |at: usize| {
        away.iter()
            .any(|[from, to]| (bins(*from)..bins(*to)).contains(&at))
    };
    let first = track.bins.iter().position(|bin| bin.frames > 0);
    let all = track.bins.iter().enumerate();
    let all = all.skip(first.unwrap_or(track.bins.len()));
    all.filter(|(at, _)| !is_away(*at))
        .map(|(_, bin)| *bin)
        .collect()
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

//! Why each of a participant's subscriptions is sent what it is sent: asked for by the control
//! plane, read from what the other rooms hold, and never on a packet's way.

use std::time::{Duration, Instant};

use super::peer::{Peer, Sending};
use super::{Room, Shared, rungs};
use crate::bandwidth::allocator::{Allotment, Limit as AllotmentLimit};
use crate::event::Event;
use crate::ingress::Ingress;
use crate::media::codec::MediaKind;
use crate::media::explanation::{
    Limit, LinkExplanation, SubscriptionExplanation, SubscriptionReason,
};
use crate::media::layer::{Layer, LayerWish, Layers};
use crate::room::tracks::{PeerIndex, Track};

/// The least time without packets that is called silence: Opus sends one in 400 ms while nobody
/// speaks. Raising it tells later that a publisher is gone; lowering it calls pauses silence.
const MIN_SILENCE: Duration = Duration::from_secs(2);

/// Answers the control plane's question `request`.
pub(super) fn subscriptions(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    request: u64,
) {
    let sent = room.peers[index].egresses.iter();
    let tracks: Vec<_> = sent.map(|(_, sending)| sending.track).collect();
    for track in tracks {
        rungs::refresh(room, track, now);
    }
    let room = &*room;
    let peer = &room.peers[index];
    let bound = peer.egresses.iter().filter_map(|(_, sending)| {
        let track = room.tracks.get(sending.track)?;
        Some(explain(room, peer, track, Some(sending), now))
    });
    let waiting = peer.waiting.iter().filter_map(|id| {
        let track = room.tracks.get(room.tracks.index_of(*id)?)?;
        Some(explain(room, peer, track, None, now))
    });
    shared.events.push_back(Event::SubscriptionsExplained {
        participant: peer.id,
        request,
        explanations: bound.chain(waiting).collect(),
        link: link(peer),
    });
}

/// What limits each of a participant's subscriptions.
pub(super) fn limits(room: &Room, peer: &Peer, now: Instant) -> impl Iterator<Item = Limit> {
    let bound = peer.egresses.iter().filter_map(move |(_, sending)| {
        let track = room.tracks.get(sending.track)?;
        let reason = reason(room, peer, track, Some(sending), now);
        Some(reason.limit(is_bounded(room, peer, track, Some(sending))))
    });
    let waiting = peer.waiting.iter().filter_map(move |id| {
        let track = room.tracks.get(room.tracks.index_of(*id)?)?;
        Some(reason(room, peer, track, None, now).limit(false))
    });
    bound.chain(waiting)
}

/// What a participant's network carries.
fn link(peer: &Peer) -> LinkExplanation {
    let demand = peer.allotments.demand();
    LinkExplanation {
        estimate: peer.bandwidth.estimate(),
        lent: peer.bandwidth.lent(),
        allotted: demand.allotted,
        wanted: demand.most,
        rtt: peer.rtt,
    }
}

fn explain(
    room: &Room,
    peer: &Peer,
    track: &Track,
    sending: Option<&Sending>,
    now: Instant,
) -> SubscriptionExplanation {
    let as_quality = |layers: Layers| Layers {
        encoding: track.qualities.quality_of(layers.encoding),
        ..layers
    };
    let wanted = sending.and_then(|sending| wanted(peer, track, sending));
    let target = sending.and_then(target);
    let reason = reason(room, peer, track, sending, now);
    SubscriptionExplanation {
        track: track.id,
        asked: peer.wish(track.id),
        enabled: !peer.paused.contains(&track.id),
        wanted: wanted.map(as_quality),
        wanted_rate: sending.and_then(|sending| {
            let ladder = rungs::ladder(room, track, peer.wish(track.id), sending.egress.target());
            ladder.rungs().last().map(|top| top.bitrate)
        }),
        target: target.map(as_quality),
        target_rate: target
            .and(peer.allotments.of(track.id))
            .map(|allotted| allotted.bitrate),
        current: sending
            .filter(|sending| !is_withheld(room, sending))
            .and_then(|sending| sending.egress.current_layers())
            .map(as_quality),
        reason,
        limit: reason.limit(is_bounded(room, peer, track, sending)),
    }
}

/// What a subscription would be sent if its subscriber's network carried everything.
fn wanted(peer: &Peer, track: &Track, sending: &Sending) -> Option<Layers> {
    track.target(peer.wish(track.id), sending.egress.target())
}

/// Whether a subscriber asks for less than there is.
fn is_bounded(room: &Room, peer: &Peer, track: &Track, sending: Option<&Sending>) -> bool {
    let Some(sending) = sending.filter(|_| track.kind == MediaKind::Video) else {
        return false;
    };
    let best = track.target(LayerWish::default(), sending.egress.target());
    match (best, wanted(peer, track, sending)) {
        (Some(best), Some(wanted)) => is_less(room, sending, track, wanted, best),
        _ => false,
    }
}

/// Whether `some` is less than `all` of what a track has.
fn is_less(room: &Room, sending: &Sending, track: &Track, some: Layers, all: Layers) -> bool {
    if some.encoding != all.encoding {
        let quality = |layers: Layers| track.qualities.quality_of(layers.encoding);
        return quality(some) < quality(all);
    }
    let ingress = room.ingress_of(sending.track, all.encoding);
    let current = Layer::default();
    let [some, all] = [some, all].map(|layers| goal(track, ingress, layers, current));
    some.spatial < all.spatial || some.temporal < all.temporal
}

/// Whether a sound is not forwarded to anybody now.
fn is_withheld(room: &Room, sending: &Sending) -> bool {
    room.speakers.withholds(sending.track, &room.tracks)
}

/// What a subscription is to be sent now.
fn target(sending: &Sending) -> Option<Layers> {
    let egress = &sending.egress;
    egress.target().filter(|_| egress.is_enabled())
}

fn reason(
    room: &Room,
    peer: &Peer,
    track: &Track,
    sending: Option<&Sending>,
    now: Instant,
) -> SubscriptionReason {
    use SubscriptionReason as Why;
    if peer.paused.contains(&track.id) {
        return Why::PausedBySubscriber;
    }
    let Some(sending) = sending else {
        return match track.formats.is_empty() {
            true => Why::NotPublished,
            false => Why::WaitingForSection,
        };
    };
    if !peer.transport.is_connected() || peer.transport.selected_path().is_none() {
        return Why::NotConnected;
    }
    if track.ended {
        return Why::NotPublished;
    }
    if track.announcement.muted {
        return Why::MutedByPublisher;
    }
    let publisher = room.peers.get(track.publisher);
    if !publisher.is_some_and(|publisher| publisher.transport.is_connected()) {
        return Why::PublisherNotConnected;
    }
    let newest = track.qualities.newest();
    let silent_for = newest.map(|at| now.saturating_duration_since(at));
    let patience = MIN_SILENCE.max(track.qualities.patience());
    let speaks = silent_for.is_some_and(|silent_for| silent_for < patience);
    if !speaks {
        return Why::PublisherSilent { silent_for };
    }
    let mut deliveries = sending.egress.deliveries().iter();
    if !deliveries.any(|delivery| Some(delivery.source) == track.needed_format()) {
        return Why::FormatNotAgreed;
    }
    let allotted = peer.allotments.of(track.id);
    match (track.kind, target(sending)) {
        (MediaKind::Video, None) if allotted.is_some_and(Allotment::is_paused) => {
            Why::PausedForBandwidth
        }
        (_, None) => Why::PublisherSilent { silent_for },
        (MediaKind::Video, Some(target)) => {
            layers_reason(room, peer, (track, sending), target, now)
        }
        (MediaKind::Audio, _) if is_withheld(room, sending) => Why::OthersSpeak,
        (MediaKind::Audio, _) => Why::AsAsked,
    }
}

/// Why a subscription's pictures that flow are those that flow.
fn layers_reason(
    room: &Room,
    peer: &Peer,
    (track, sending): (&Track, &Sending),
    target: Layers,
    now: Instant,
) -> SubscriptionReason {
    use SubscriptionReason as Why;
    let quality = track.qualities.quality_of(target.encoding);
    let ingress = room.ingress_of(sending.track, target.encoding);
    if sending.egress.wants_keyframe_of().is_some() {
        let asked = ingress.and_then(Ingress::keyframe_asked);
        return Why::WaitingForKeyframe {
            quality,
            asked_ago: asked.map(|at| now.saturating_duration_since(at)),
        };
    }
    let current = sending.egress.current_layers();
    if current.is_some_and(|current| current.top != goal(track, ingress, target, current.top)) {
        return Why::WaitingForLayerSwitch;
    }
    let allotted = peer.allotments.of(track.id);
    if allotted.is_some_and(|allotted| allotted.limit != AllotmentLimit::Nothing) {
        return Why::LimitedByBandwidth;
    }
    let wish = peer.wish(track.id);
    if let Some((best, offered)) = spatial_layers(track, ingress) {
        // One encoding: its spatial layers are the qualities.
        let asked = wish.max_quality.unwrap_or(offered).min(offered);
        return match best < asked {
            true => Why::QualityNotSent { best },
            false => Why::AsAsked,
        };
    }
    let offered = track.qualities.best_offered();
    let asked = wish.max_quality.unwrap_or(offered).min(offered);
    match quality.cmp(&asked) {
        std::cmp::Ordering::Less => Why::QualityNotSent { best: quality },
        std::cmp::Ordering::Equal => Why::AsAsked,
        std::cmp::Ordering::Greater => Why::OnlyBetterSent { least: quality },
    }
}

/// The highest spatial layer that a track of one encoding sends, and the highest that it has offered;
/// `None` with several encodings, and where no descriptor tells.
fn spatial_layers(track: &Track, ingress: Option<&Ingress>) -> Option<(u8, u8)> {
    if track.qualities.best_offered() > 0 {
        return None;
    }
    let ingress = ingress?;
    let active = ingress.active_decode_targets()?;
    let sent = (0_u32..).zip(&ingress.decode_targets()?.tops);
    let sent = sent.filter(|(index, _)| active >> index & 1 == 1);
    let best = sent.map(|(_, top)| top.spatial).max()?;
    Some((best, ingress.highest_spatial()))
}

/// The layer that a subscription is on its way to, as far as the encoding has layers.
fn goal(track: &Track, ingress: Option<&Ingress>, target: Layers, current: Layer) -> Layer {
    let targets = ingress.and_then(Ingress::decode_targets);
    let active = ingress.and_then(Ingress::active_decode_targets);
    if let (Some(targets), Some(active)) = (targets, active) {
        let sent = (0_u32..).zip(&targets.tops);
        let sent = sent.filter(|(index, _)| active >> index & 1 == 1);
        let tops = sent.map(|(_, top)| *top);
        let fits =
            |top: &Layer| top.spatial <= target.top.spatial && top.temporal <= target.top.temporal;
        // The least there is, where all is more than is wanted.
        let best = tops.clone().filter(fits).max().or_else(|| tops.min());
        return best.unwrap_or(current);
    }
    // Without a descriptor a higher spatial layer waits for a keyframe, and temporal ones are seen.
    let highest = track.qualities.highest_temporal(target.encoding);
    let risen = highest.min(target.top.temporal).max(current.temporal);
    Layer {
        temporal: risen.min(target.top.temporal),
        ..current
    }
}

//! Which stream carries what, and the ingress that receives it, in whatever format it comes.

use std::time::{Duration, Instant};

use super::fan_out::fan_out;
use super::identify::{StreamNames, identify};
use super::peer::Publishing;
use super::streams::Stream;
use super::{Room, Shared, formats};
use crate::drop_reason::DropReason;
use crate::id::PayloadType;
use crate::ingress::{Ingress, IngressSettings};
use crate::media::format::PayloadMapping;
use crate::media::packet_cache::PacketCache;
use crate::room::tracks::{PeerIndex, Track};
use crate::wire::rtp::RtpHeader;

/// How long a track's format lasts at least in the control plane's eyes, whichever of its streams
/// come and go. Raising it tells the others of a change later; lowering it lets a publisher that hops
/// between formats cost more: each change is told to everyone, and one of the clock makes the
/// ingress anew.
const MIN_FORMAT_SPAN: Duration = Duration::from_secs(1);

/// The first packet of a stream: what it carries.
pub(super) fn bind(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    header: &RtpHeader,
    names: &StreamNames,
) -> Result<Stream, DropReason> {
    let peer = &mut room.peers[index];
    let stream = identify(peer, header.ssrc, header.payload_type, names)?;
    let track = room
        .tracks
        .get(stream.track)
        .ok_or(DropReason::StreamUnknown)?;
    let carries = |p: &PayloadMapping| match stream.rtx {
        true => p.rtx == Some(header.payload_type),
        false => p.payload_type == header.payload_type,
    };
    if !track.formats.iter().any(carries) {
        return Err(DropReason::PayloadTypeUnknown);
    }
    if !stream.rtx && hops(track, header.payload_type, now) {
        return Err(DropReason::PayloadTypeUnknown);
    }
    peer.streams.add(now, stream)?;
    if !stream.rtx {
        // A new stream's numbers have nothing to do with those of the encoding's former one.
        end_ingress(shared, room, index, now, stream);
    }
    let peer = &room.peers[index];
    tracing::debug!(room = %room.id, participant = %peer.id, encoding = stream.encoding,
        rtx = stream.rtx, ssrc = header.ssrc.0, "stream bound");
    Ok(stream)
}

/// Sees to it that the stream's encoding has an ingress that knows `payload_type`, and that who
/// cannot decode it is told.
pub(super) fn follow_format(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    stream: Stream,
    payload_type: PayloadType,
) -> Result<(), DropReason> {
    let track = room
        .tracks
        .get(stream.track)
        .ok_or(DropReason::StreamUnknown)?;
    let hops = hops(track, payload_type, now);
    let slot = track.encodings[usize::from(stream.encoding)];
    let publishing = slot.and_then(|key| room.peers[index].ingresses.get_mut(key));
    match publishing {
        Some(publishing) if publishing.payload_type == payload_type => return Ok(()),
        // What hops to and fro costs nobody else anything: it is forwarded to who knows it.
        Some(publishing) if hops => {
            let goes_on = publishing.ingress.goes_on_as(payload_type);
            return goes_on.then_some(()).ok_or(DropReason::PayloadTypeUnknown);
        }
        Some(publishing) if publishing.ingress.goes_on_as(payload_type) => {
            publishing.payload_type = payload_type;
        }
        None if hops => return Err(DropReason::PayloadTypeUnknown),
        former => {
            let formats = track.formats.clone();
            let is_known = formats.iter().any(|one| one.payload_type == payload_type);
            if !is_known {
                return Err(DropReason::PayloadTypeUnknown);
            }
            let was_there = former.is_some();
            if was_there {
                end_ingress(shared, room, index, now, stream);
            }
            let settings = IngressSettings {
                formats,
                payload_type,
                media_ssrc: stream.ssrc,
            };
            let ingress = Ingress::new(settings, now).ok_or(DropReason::PayloadTypeUnknown)?;
            start_ingress(room, index, stream, payload_type, ingress);
        }
    }
    formats::changed(shared, room, now, stream.track, payload_type);
    Ok(())
}

/// Whether `payload_type` would change a track's format again before its span is over.
fn hops(track: &Track, payload_type: PayloadType, now: Instant) -> bool {
    let is_other = track.format.is_some_and(|format| format != payload_type);
    let changed = track.format_since.filter(|_| is_other);
    changed.is_some_and(|since| now < since + MIN_FORMAT_SPAN)
}

/// Gives an encoding its ingress.
fn start_ingress(
    room: &mut Room,
    index: PeerIndex,
    stream: Stream,
    payload_type: PayloadType,
    mut ingress: Ingress,
) {
    let peer = &mut room.peers[index];
    if let Some(rtt) = peer.rtt {
        ingress.set_rtt(rtt);
    }
    let Some(track) = room.tracks.get_mut(stream.track) else {
        return;
    };
    // A muted source has no pictures.
    ingress.set_paused(track.announcement.muted);
    let key = peer.ingresses.insert(Publishing {
        track: stream.track,
        ingress,
        cache: PacketCache::new(track.kind),
        ssrc: stream.ssrc,
        payload_type,
    });
    track.encodings[usize::from(stream.encoding)] = Some(key);
}

/// Ends an encoding's ingress; its subscriptions start over with what comes next.
fn end_ingress(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    stream: Stream,
) {
    // What came before belongs to the former stream.
    fan_out(shared, room, now);
    let Some(track) = room.tracks.get_mut(stream.track) else {
        return;
    };
    track.loudness.stream_restarted();
    track.qualities.restart(stream.encoding);
    let slot = &mut track.encodings[usize::from(stream.encoding)];
    let ingresses = &mut room.peers[index].ingresses;
    if let Some(mut former) = slot.take().and_then(|key| ingresses.try_remove(key)) {
        former.cache.clear(&mut shared.pool);
    }
    for route in &track.routes {
        let egress = &mut room.peers[route.peer].egresses[route.egress].egress;
        egress.source_restarted(stream.encoding);
    }
}

//! From an SRTP packet to a stored one: authenticate, tell the stream, receive, remember.

use std::time::Instant;

use super::fan_out::fan_out;
use super::identify::{StreamNames, identify};
use super::peer::{Peer, Publishing, UPKEEP};
use super::streams::Stream;
use super::traffic::TrafficKind;
use super::{PeerKey, Room, Shared, forward, owner, speakers};
use crate::drop_reason::DropReason;
use crate::ingress::{Ingress, IngressSettings, rtx};
use crate::media::packet::{PacketFacts, PacketRef};
use crate::media::packet_cache::PacketCache;
use crate::media::session::PayloadMapping;
use crate::room::tracks::PeerIndex;
use crate::wire::extensions;
use crate::wire::rtp::RtpHeader;

/// One RTP datagram, from SRTP to the subscribers' pacers.
pub(super) fn rtp(
    shared: &mut Shared,
    room: &mut Room,
    key: PeerKey,
    now: Instant,
    datagram: &mut [u8],
) -> Result<(), DropReason> {
    let (index, sealed_len) = (key.peer(), datagram.len());
    let sealed = RtpHeader::parse(datagram).ok_or(DropReason::RtpMalformed)?;
    let peer = room
        .peers
        .get_mut(index)
        .ok_or(DropReason::MediaUnknownPath)?;
    let header_len = usize::from(sealed.header_len);
    let (len, _) = peer
        .transport
        .open_rtp(datagram, header_len, sealed.ssrc, sealed.sequence)?;
    shared.stats.rtp_in += 1;
    let packet = &datagram[..len];
    let header = RtpHeader::parse_decrypted(packet).ok_or(DropReason::RtpMalformed)?;
    let (audio_level, names) = read_extensions(peer, now, &header, packet);
    shared.timers.arm(key, now + UPKEEP);
    let stream = match peer.streams.find(header.ssrc) {
        Some(stream) => stream,
        None => bind(shared, room, index, now, &header, &names)?,
    };
    let Some(track) = room.tracks.get(stream.track) else {
        return Err(DropReason::StreamUnknown);
    };
    let kind = TrafficKind::of(track.kind, stream.rtx);
    shared.stats.taken_in.count(kind, sealed_len);
    let muted = track.announcement.muted;
    let ingress = track.encodings[usize::from(stream.encoding)].ok_or(DropReason::StreamUnknown)?;
    let publishing = &mut room.peers[index].ingresses[ingress];
    let arrival = Arrival {
        now,
        header,
        packet,
        audio_level,
    };
    if muted {
        let (header, _) = original(publishing, &arrival, stream.rtx)?;
        publishing.ingress.skip(now, &header, stream.rtx)?;
        return Err(DropReason::NotPermitted);
    }
    let clock_rate = publishing.ingress.settings().codec.clock_rate();
    let (packet, facts) = store(shared, room.key, publishing, &arrival, stream.rtx)?;
    if stream.rtx {
        shared.stats.rtx_in += 1;
    }
    speakers::hear(shared, room, now, stream.track, &facts, clock_rate);
    forward::forward(shared, room, now, stream, packet, &facts);
    Ok(())
}

/// One authenticated packet on its way into the pool.
struct Arrival<'p> {
    now: Instant,
    header: RtpHeader,
    packet: &'p [u8],
    audio_level: Option<u8>,
}

type Stored = (PacketRef, PacketFacts);

/// The packet itself, or the one that a repair carries (RFC 4588 section 4): header and payload.
fn original<'p>(
    publishing: &Publishing,
    arrival: &Arrival<'p>,
    is_repair: bool,
) -> Result<(RtpHeader, &'p [u8]), DropReason> {
    let payload = &arrival.packet[arrival.header.payload_range(arrival.packet.len())];
    if !is_repair {
        if arrival.header.payload_type != publishing.payload_type {
            return Err(DropReason::PayloadTypeUnknown);
        }
        return Ok((arrival.header, payload));
    }
    let media = (publishing.ssrc, publishing.payload_type);
    rtx::unwrap(&arrival.header, payload, media).ok_or(DropReason::PaddingOnly)
}

/// Receives one packet, stores it, and keeps it for repairs.
fn store(
    shared: &mut Shared,
    room: usize,
    publishing: &mut Publishing,
    arrival: &Arrival<'_>,
    is_repair: bool,
) -> Result<Stored, DropReason> {
    let (header, payload) = original(publishing, arrival, is_repair)?;
    let (now, level, padding) = (arrival.now, arrival.audio_level, arrival.header.padding_len);
    let facts = publishing
        .ingress
        .receive(now, &header, padding, payload, level, is_repair)?;
    // Padding is not forwarded: the stored bytes end where the payload ends.
    let end = usize::from(facts.payload_start) + payload.len();
    let bytes = arrival.packet.get(..end).ok_or(DropReason::RtpMalformed)?;
    publishing.cache.expire(&mut shared.pool, now);
    let stored = shared.pool.insert(owner(room), facts, bytes);
    let packet = stored.ok_or(DropReason::PoolExhausted)?;
    // A packet a whole cache older than the newest is of no use to anybody.
    let kept = publishing
        .cache
        .insert(&mut shared.pool, facts.sequence, packet);
    kept.then_some((packet, facts)).ok_or(DropReason::TooOld)
}

/// Reads the packet's header extensions once: the transport-wide number is recorded, the audio
/// level and the stream's names are returned.
fn read_extensions(
    peer: &mut Peer,
    now: Instant,
    header: &RtpHeader,
    packet: &[u8],
) -> (Option<u8>, StreamNames) {
    let map = peer.extensions;
    let mut audio_level = None;
    let mut names = StreamNames::default();
    for (id, value) in extensions::iter(header.extension_profile, header.extension(packet)) {
        let id = Some(id);
        if id == map.transport_cc {
            if let Some(sequence) = extensions::transport_sequence(value) {
                peer.arrivals.record(now, sequence);
            }
        } else if id == map.audio_level {
            audio_level = extensions::audio_level(value).map(extensions::AudioLevel::to_byte);
        } else if id == map.mid {
            names.mid = extensions::mid(value);
        } else if id == map.rid {
            names.rid = extensions::rid(value);
        } else if id == map.repaired_rid {
            names.repaired_rid = extensions::rid(value);
        }
    }
    (audio_level, names)
}

/// The first packet of a stream: what it carries, and the ingress that receives it.
fn bind(
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
    let section = track.mid.as_ref().and_then(|mid| peer.section(mid));
    let payloads = &section.ok_or(DropReason::StreamUnknown)?.offered.payloads;
    let carries = |p: &&PayloadMapping| match stream.rtx {
        true => p.rtx == Some(header.payload_type),
        false => p.payload_type == header.payload_type,
    };
    let payload = *payloads
        .iter()
        .find(carries)
        .ok_or(DropReason::PayloadTypeUnknown)?;
    peer.streams.add(stream)?;
    let participant = peer.id;
    tracing::debug!(room = %room.id, %participant, track = %track.id, encoding = stream.encoding,
        rtx = stream.rtx, ssrc = header.ssrc.0, "stream bound");
    if !stream.rtx {
        let ingress = IngressSettings {
            codec: payload.codec,
            media_ssrc: header.ssrc,
            nack: payload.nack,
        };
        let publishing = Publishing {
            track: stream.track,
            encoding: stream.encoding,
            ingress: Ingress::new(ingress, now),
            cache: PacketCache::new(payload.codec.kind()),
            ssrc: header.ssrc,
            payload_type: payload.payload_type,
        };
        start_ingress(shared, room, index, now, publishing);
    }
    Ok(stream)
}

/// Gives an encoding its ingress. One that the encoding had before goes, and its subscriptions
/// start over: the new stream's numbers have nothing to do with the old one's.
fn start_ingress(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    mut publishing: Publishing,
) {
    // What came before belongs to the former stream.
    fan_out(shared, room, now);
    let encoding = publishing.encoding;
    if let Some(rtt) = room.peers[index].rtt {
        publishing.ingress.set_rtt(rtt);
    }
    let Some(track) = room.tracks.get_mut(publishing.track) else {
        return;
    };
    let peer = &mut room.peers[index];
    let slot = &mut track.encodings[usize::from(encoding)];
    if let Some(mut former) = slot
        .take()
        .and_then(|former| peer.ingresses.try_remove(former))
    {
        former.cache.clear(&mut shared.pool);
    }
    *slot = Some(peer.ingresses.insert(publishing));
    for route in &track.routes {
        let egress = &mut room.peers[route.peer].egresses[route.egress].egress;
        egress.source_restarted(encoding);
    }
}

//! From an SRTP packet to a stored one: authenticate, tell the stream, receive, remember.

use std::time::{Duration, Instant};

use super::binding::{bind, follow_format};
use super::identify::StreamNames;
use super::peer::{Peer, Publishing, UPKEEP};
use super::publisher_clock::PublisherClock;
use super::traffic::TrafficKind;
use super::{PeerKey, Room, Shared, allocation, forward, owner, speakers};
use crate::drop_reason::DropReason;
use crate::ingress::{Incoming, rtx};
use crate::media::packet::{
    CaptureTime, CarriedExtensions, DescriptorPlace, PacketFacts, PacketPool, PacketRef,
};
use crate::media::source_clock::duration_to_ntp;
use crate::wire::extensions::AbsCaptureTime;
use crate::wire::rtp::RtpHeader;
use crate::wire::{dependency_descriptor, extensions};

/// Packets that are read again when the structure comes that they are of: those of a large keyframe,
/// and of what follows within a round trip.
///
/// Higher: a hostile publisher that sends ever other structures costs more time for each. Lower: what
/// a subscriber then asks for of a keyframe is not known to be of it.
const MAX_READ_AGAIN: u64 = 128;

/// One RTP datagram, from SRTP to the subscribers' pacers: it is read now, and has arrived before.
pub(super) fn rtp(
    shared: &mut Shared,
    room: &mut Room,
    key: PeerKey,
    (now, arrived): (Instant, Instant),
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
    let (carried, names, told) = read_extensions(peer, arrived, &header, packet);
    shared.timers.arm(key, now + UPKEEP);
    let stream = match peer.streams.find(now, header.ssrc) {
        Some(stream) => stream,
        None => bind(shared, room, index, now, &header, &names)?,
    };
    if !stream.rtx {
        follow_format(shared, room, index, now, stream, header.payload_type)?;
    }
    let Some(track) = room.tracks.get_mut(stream.track) else {
        return Err(DropReason::StreamUnknown);
    };
    // What a repair repeats may have been told anew since.
    if let Some(told) = told.filter(|_| !stream.rtx) {
        allocation::renew(track, now, told);
    }
    let kind = TrafficKind::of(track.kind, stream.rtx);
    shared.stats.taken_in.count(kind, sealed_len);
    let muted = track.announcement.muted;
    let ingress = track.encodings[usize::from(stream.encoding)].ok_or(DropReason::StreamUnknown)?;
    let publishing = &mut room.peers[index].ingresses[ingress];
    let arrival = Arrival {
        now,
        header,
        packet,
        carried,
    };
    if muted {
        let (header, _) = original(publishing, &arrival, stream.rtx)?;
        publishing.ingress.skip(now, &header, stream.rtx)?;
        return Err(DropReason::NotPermitted);
    }
    let clock_rate = publishing.ingress.clock_rate();
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
    carried: CarriedExtensions,
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
        return Ok((arrival.header, payload));
    }
    let repaired = publishing.ingress.repaired_by(arrival.header.payload_type);
    let media = (
        publishing.ssrc,
        repaired.ok_or(DropReason::PayloadTypeUnknown)?,
    );
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
    let (now, carried) = (arrival.now, arrival.carried);
    let incoming = Incoming {
        header,
        padding_len: arrival.header.padding_len,
        payload,
        extensions: carried,
        descriptor: carried.descriptor.and_then(|it| it.of(arrival.packet)),
        repaired: is_repair,
    };
    let facts = publishing.ingress.receive(now, &incoming)?;
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
    if publishing.ingress.takes_structure() {
        read_again(&mut shared.pool, publishing, facts.sequence);
    }
    kept.then_some((packet, facts)).ok_or(DropReason::TooOld)
}

/// Reads again what came before its structure, which packet number `structure` has brought: who has
/// missed the rest of the keyframe asks for it, and the decision about it goes by what it is.
fn read_again(pool: &mut PacketPool, publishing: &mut Publishing, structure: u64) {
    for ahead in 1..=MAX_READ_AGAIN {
        let packet = publishing.cache.get(structure + ahead);
        if let Some((facts, bytes)) = packet.and_then(|packet| pool.facts_mut(packet)) {
            publishing.ingress.read_again(ahead, bytes, facts);
        }
    }
}

/// Reads the packet's header extensions once: the transport-wide number is recorded, what
/// subscribers get, the stream's names, and what its layers are to cost, are returned.
fn read_extensions<'p>(
    peer: &mut Peer,
    arrived: Instant,
    header: &RtpHeader,
    packet: &'p [u8],
) -> (CarriedExtensions, StreamNames, Option<&'p [u8]>) {
    let map = &peer.extensions;
    let mut carried = CarriedExtensions::default();
    let mut names = StreamNames::default();
    let mut allocation = None;
    let data = header.extension(packet);
    let mut elements = extensions::iter(header.extension_profile, data);
    while let Some((id, value)) = elements.next() {
        let id = Some(id);
        if id == map.transport_cc {
            if let Some(sequence) = extensions::transport_sequence(value) {
                peer.arrivals.record(arrived, sequence);
            }
        } else if id == map.audio_level {
            let level = extensions::audio_level(value);
            carried.audio_level = level.map(extensions::AudioLevel::to_byte);
        } else if id == map.mid {
            names.mid = extensions::mid(value);
        } else if id == map.rid {
            names.rid = extensions::rid(value);
        } else if id == map.repaired_rid {
            names.repaired_rid = extensions::rid(value);
        } else if id == map.video_orientation {
            carried.video_orientation = value.first().copied();
        } else if id == map.abs_capture_time {
            carried.capture_time = capture_time(value, peer.rtt, peer.clock);
        } else if id == map.playout_delay {
            let bounds = value.try_into().ok();
            carried.playout_delay = bounds.filter(extensions::is_playout_delay);
        } else if id == map.layers_allocation {
            allocation = Some(value);
        } else if id == map.dependency_descriptor {
            let end = data.len() - elements.left();
            let start = usize::from(header.extension_start) + end - value.len();
            carried.descriptor = descriptor_place(start, value);
        }
    }
    (carried, names, allocation)
}

/// A capture time as the publisher's subscribers are to see it.
///
/// It is told on the capturer's clock, which needs no change; what has to hold behind us is the
/// offset from the clock of the sender reports that go with it, and those are ours: the publisher's
/// clock as its own reports brought it, which is late by the time that they took to get here, and
/// without its jumps.
fn capture_time(value: &[u8], rtt: Option<Duration>, clock: PublisherClock) -> Option<CaptureTime> {
    let time = AbsCaptureTime::parse(value)?;
    // A stream without contributing sources is its capturer's own, so a sender that names no offset
    // goes by the clock that it captures with.
    let from_publisher = time.clock_offset.unwrap_or(0);
    let our_delay = duration_to_ntp(rtt.unwrap_or_default() / 2);
    Some(CaptureTime {
        captured: time.captured,
        clock_offset: from_publisher
            .saturating_add(our_delay)
            .saturating_add(clock.jumped()),
    })
}

/// A dependency descriptor that starts at byte `start` of the packet.
fn descriptor_place(start: usize, value: &[u8]) -> Option<DescriptorPlace> {
    Some(DescriptorPlace {
        start: u16::try_from(start).ok()?,
        len: u8::try_from(value.len()).ok()?,
        frame_number: dependency_descriptor::frame_number(value)?,
        mask: None,
    })
}

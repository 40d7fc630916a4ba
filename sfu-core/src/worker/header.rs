//! The header extensions of what a subscriber is sent: what its publisher says, carried or
//! rewritten, and what only we can say.
//!
//! What never happens: a subscriber sees the publisher's mid, rid, transport-wide number or send
//! time, or an extension that it has no id for.

use super::departure::Departure;
use super::departure::congestion::Numbered;
use super::patience::Patience;
use crate::id::Mid;
use crate::media::extension_map::ExtensionMap;
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{CarriedExtensions, PacketFacts};
use crate::media::session::OfferedSection;
use crate::wire::dependency_descriptor;
use crate::wire::extensions::{AbsCaptureTime, ExtensionWriter};

/// What a subscriber's section agrees on for the headers of the stream that it carries.
#[derive(Clone, Debug)]
pub(super) struct HeaderTerms {
    /// The subscriber's ids, without those of what it is never sent.
    ids: ExtensionMap,
    /// The section's name.
    mid: Mid,
    /// The subscriber has reported on the stream, and on that of its repairs: it knows what the
    /// SSRC is, and need not be told by mid any more. The answer says it too, but media overtakes
    /// answers.
    knows_media: bool,
    knows_repairs: bool,
    /// How long it is asked to hold pictures back, where the publisher says nothing of it.
    pub(super) patience: Patience,
    /// What left with which transport-wide number, for who tells of arrivals by the stream's own.
    pub(super) numbered: Option<Box<Numbered>>,
}

impl HeaderTerms {
    /// The terms of a section that begins to send.
    pub(super) fn new(offered: &OfferedSection) -> Self {
        Self {
            ids: ids_for(offered),
            mid: offered.mid,
            knows_media: false,
            knows_repairs: false,
            patience: Patience::default(),
            numbered: offered.congestion_feedback.then(Box::default),
        }
    }

    /// Takes what a new offer of the section says.
    pub(super) fn renew(&mut self, offered: &OfferedSection) {
        self.ids = ids_for(offered);
    }

    /// The subscriber has reported on the stream, or on that of its repairs.
    pub(super) const fn reported(&mut self, is_repair: bool) {
        if is_repair {
            self.knows_repairs = true;
        } else {
            self.knows_media = true;
        }
    }

    /// The extensions that only we can say, of a packet of the stream or of its repairs.
    pub(super) fn write_own<'v>(
        &'v self,
        departure: &'v Departure,
        is_repair: bool,
        extensions: &mut ExtensionWriter<'v>,
    ) {
        let knows = match is_repair {
            true => self.knows_repairs,
            false => self.knows_media,
        };
        if let (Some(id), false) = (self.ids.mid, knows) {
            let _ = extensions.push(id, self.mid.as_bytes());
        }
        if let Some(id) = self.ids.transport_cc {
            let _ = extensions.push(id, &departure.sequence);
        }
        if let Some(id) = self.ids.abs_send_time {
            let _ = extensions.push(id, &departure.send_time);
        }
    }

    /// Whether packets have a transport-wide number, whether they carry it or not.
    pub(super) const fn numbers_departures(&self) -> bool {
        self.ids.transport_cc.is_some() || self.numbered.is_some()
    }

    /// The packet `sequence`, of the stream or of its repairs, has left with a transport-wide number.
    pub(super) fn left(&mut self, is_repair: bool, sequence: u64, number: u64) {
        if let Some(numbered) = &mut self.numbered {
            // The low 16 bits are on the wire.
            numbered.note(is_repair, sequence as u16, number);
        }
    }
}

/// The ids of what a section is sent.
fn ids_for(offered: &OfferedSection) -> ExtensionMap {
    let mut ids = offered.extensions.of_a_receiver();
    // RFC 8285 section 4.1.2: a long value needs the other form, and one stream may have both only
    // where that is agreed on. A descriptor's structure is long, and without it receivers throw away
    // every packet whose descriptor they cannot read.
    if !offered.extmap_allow_mixed {
        ids.dependency_descriptor = None;
    }
    ids
}

/// The values of one packet's header extensions while they are written.
#[derive(Default)]
pub(super) struct HeaderValues {
    audio_level: [u8; 1],
    orientation: [u8; 1],
    playout_delay: [u8; 3],
    capture_time: Option<[u8; AbsCaptureTime::LEN]>,
    /// Made for packets that have one only: clearing it costs as much as the rest of the header.
    descriptor: Option<[u8; dependency_descriptor::MAX_LEN]>,
}

impl HeaderValues {
    /// The extensions of one packet, under the subscriber's ids. What it has no id for is left out:
    /// a listener without levels only shows one speaker less.
    ///
    /// They are added to a writer of the caller's: one that is returned is copied, 400 bytes for
    /// each packet.
    pub(super) fn write<'v>(
        &'v mut self,
        terms: &'v HeaderTerms,
        departure: &'v Departure,
        packet: &OutboundPacket,
        facts: &PacketFacts,
        stored: &[u8],
        extensions: &mut ExtensionWriter<'v>,
    ) {
        terms.write_own(departure, packet.rtx_original.is_some(), extensions);
        let carried = &facts.extensions;
        let Self {
            audio_level,
            orientation,
            playout_delay,
            capture_time,
            descriptor,
        } = self;
        if let (Some(id), Some(level)) = (terms.ids.audio_level, carried.audio_level) {
            *audio_level = [level];
            let _ = extensions.push(id, audio_level);
        }
        if let (Some(id), Some(value)) = (terms.ids.video_orientation, carried.video_orientation) {
            *orientation = [value];
            let _ = extensions.push(id, orientation);
        }
        if let Some(id) = terms.ids.playout_delay
            && let Some(bounds) = carried.playout_delay.or_else(|| terms.patience.bounds())
        {
            *playout_delay = bounds;
            let _ = extensions.push(id, playout_delay);
        }
        if let (Some(id), Some(time)) = (terms.ids.abs_capture_time, carried.capture_time) {
            let bytes = AbsCaptureTime::bytes(time.captured, time.clock_offset);
            let _ = extensions.push(id, capture_time.insert(bytes));
        }
        if let Some((id, value)) = rewritten_descriptor(descriptor, terms, packet, carried, stored)
        {
            let _ = extensions.push(id, value);
        }
    }
}

/// The dependency descriptor with the numbers that the subscriber is to see, and its id.
fn rewritten_descriptor<'v>(
    room: &'v mut Option<[u8; dependency_descriptor::MAX_LEN]>,
    terms: &HeaderTerms,
    packet: &OutboundPacket,
    carried: &CarriedExtensions,
    stored: &[u8],
) -> Option<(u8, &'v [u8])> {
    let id = terms.ids.dependency_descriptor?;
    let (place, frame_number) = carried.descriptor.zip(packet.frame_number)?;
    let mask = packet.active_targets.zip(place.mask);
    let room = room.insert([0; dependency_descriptor::MAX_LEN]);
    let len = dependency_descriptor::write(place.of(stored)?, frame_number, mask, room)?;
    Some((id, &room[..len]))
}

//! What a subscriber must have got, and in which shape. Complaints are values, so that the oracle's
//! own tests can ask for them.

use std::time::Instant;

use crate::client::{Received, Seen, Streams};
use crate::frame;
use crate::publisher::Published;

/// One thing that is wrong with what a subscriber got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Not a single frame, or packet.
    Nothing,
    /// A frame that is not whole or not intact.
    Corrupt,
    /// A frame of another track.
    OtherTrack(u64),
    /// A frame that its publisher never sent.
    NeverSent(u32),
    /// A frame that came twice.
    Repeated(u32),
    /// A frame behind a later one.
    OutOfOrder(u32),
    /// A frame that never came, though its publisher sent it in time.
    Missing(u32),
    /// A frame whose reference is not the frame before it.
    Undecodable(u32),
    /// A sequence number that came neither by itself nor by a repair.
    SequenceHole(u64),
    /// A sequence number that came twice as itself.
    SequenceRepeated(u64),
    /// A repair that differs from the packet it repairs.
    RepairDiffers(u64),
    /// A frame whose timestamp is not as far from the one before as their captures are.
    TimestampOff {
        number: u32,
        step: i64,
        captured: i64,
    },
    /// A frame whose picture id does not follow, or that changes within.
    PictureIdOff(u32),
    /// A frame whose TL0PICIDX does not follow.
    Tl0Off(u32),
    /// A frame's last packet without a marker, or a marker within.
    MarkerOff(u32),
}

/// Judges the frames that a subscriber's stack handed out of one track. Every frame between the
/// first one got and the last one that was captured by `until` must be there. `depends`: each frame
/// needs the one before, as video does.
pub(crate) fn frames(
    published: &[Published],
    received: &[Received],
    until: Instant,
    depends: bool,
) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let Some(track) = published.first().map(|frame| frame.tag.track) else {
        return vec![Violation::Nothing];
    };
    let mut before: Option<frame::FrameTag> = None;
    for frame in received {
        let Some(tag) = frame.tag else {
            wrong.push(Violation::Corrupt);
            continue;
        };
        if tag.track != track {
            wrong.push(Violation::OtherTrack(tag.track));
            continue;
        }
        let Some(sent) = published.iter().find(|sent| sent.tag == tag) else {
            wrong.push(Violation::NeverSent(tag.number));
            continue;
        };
        match before {
            // The better encoding's keyframe of the same capture shows the same moment again.
            Some(last) if tag.number == last.number && tag.encoding != last.encoding => {}
            Some(last) if tag.number == last.number => wrong.push(Violation::Repeated(tag.number)),
            Some(last) if tag.number < last.number => wrong.push(Violation::OutOfOrder(tag.number)),
            Some(last) if sent.at <= until => {
                wrong.extend((last.number + 1..tag.number).map(Violation::Missing));
            }
            _ => {}
        }
        let follows = before
            .is_some_and(|last| tag.encoding == last.encoding && tag.number == last.number + 1);
        if depends && !tag.keyframe && !follows && sent.at <= until {
            wrong.push(Violation::Undecodable(tag.number));
        }
        before = Some(tag);
    }
    let Some(last) = before else {
        return vec![Violation::Nothing];
    };
    let mut due: Vec<u32> = published
        .iter()
        .filter(|sent| sent.at <= until && sent.tag.number > last.number)
        .map(|sent| sent.tag.number)
        .collect();
    due.dedup();
    wrong.extend(due.into_iter().map(Violation::Missing));
    wrong
}

/// One sequence number of a stream, however it came.
#[derive(Clone, Debug)]
struct Slot<'s> {
    sequence: u64,
    timestamp: u32,
    marker: bool,
    payload: &'s [u8],
    repair: bool,
}

/// Judges the packets of one video stream: sequence numbers, timestamps, picture ids and markers go
/// on over repairs and over switches of the encoding, up to the frame `until_number`. Timestamps may
/// be off by `tolerance` ticks
/// where the encoding changes, and not at all elsewhere.
pub(crate) fn video_packets(
    seen: &[Seen],
    streams: Streams,
    until_number: u32,
    tolerance: u32,
) -> Vec<Violation> {
    let mut wrong = Vec::new();
    let mut slots = slots(seen, streams, &mut wrong);
    let due = slots.iter().rposition(|slot| {
        let tag = first_fragment(slot.payload);
        tag.is_some_and(|tag| tag.number <= until_number)
    });
    let Some(last_timestamp) = due.map(|at| slots[at].timestamp) else {
        return vec![Violation::Nothing];
    };
    slots.retain(|slot| slot.timestamp.wrapping_sub(last_timestamp).cast_signed() <= 0);
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else {
        return vec![Violation::Nothing];
    };
    let mut holes = first.sequence..=last.sequence;
    for slot in &slots {
        wrong.extend(
            holes
                .by_ref()
                .take_while(|s| *s < slot.sequence)
                .map(Violation::SequenceHole),
        );
    }
    let mut before: Option<(Picture, bool)> = None;
    for slot in &slots {
        let starts = sfu_core::wire::codec::vp8::parse(slot.payload).is_some_and(|d| d.frame_start);
        let last = before.as_ref().map(|(picture, _)| *picture);
        let Some(picture) = Picture::of(slot, starts, last) else {
            continue;
        };
        if let Some((last, ended)) = before {
            picture.judge(&last, starts, tolerance, &mut wrong);
            // A switch may cut the frame before it short: its missing end can no longer be placed,
            // and the keyframe behind the seam needs nothing of it.
            let cut = picture.tag.encoding != last.tag.encoding && starts;
            if ended != starts && !cut {
                wrong.push(Violation::MarkerOff(last.tag.number));
            }
        }
        before = Some((picture, slot.marker));
    }
    wrong
}

/// The tag in a packet that starts a frame.
fn first_fragment(payload: &[u8]) -> Option<frame::FrameTag> {
    let descriptor = sfu_core::wire::codec::vp8::parse(payload)?;
    let inside = &payload[usize::from(descriptor.descriptor_len)..];
    descriptor
        .frame_start
        .then(|| frame::peek(inside))
        .flatten()
}

/// What a packet says of its frame.
#[derive(Clone, Copy)]
struct Picture {
    tag: frame::FrameTag,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    base_layer: bool,
}

impl Picture {
    fn of(slot: &Slot<'_>, starts: bool, before: Option<Self>) -> Option<Self> {
        let descriptor = sfu_core::wire::codec::vp8::parse(slot.payload)?;
        let inside = &slot.payload[usize::from(descriptor.descriptor_len)..];
        let tag = if starts {
            frame::peek(inside)?
        } else {
            before?.tag
        };
        Some(Self {
            tag,
            timestamp: slot.timestamp,
            picture_id: descriptor.picture_id?.value,
            tl0: descriptor.tl0_picture_index?,
            base_layer: descriptor.temporal_id? == 0,
        })
    }

    fn judge(&self, last: &Self, starts: bool, tolerance: u32, wrong: &mut Vec<Violation>) {
        let number = self.tag.number;
        let id_step = self.picture_id.wrapping_sub(last.picture_id) & 0x7fff;
        if id_step != u16::from(starts) {
            wrong.push(Violation::PictureIdOff(number));
        }
        let tl0_step = self.tl0.wrapping_sub(last.tl0);
        if tl0_step != u8::from(starts && self.base_layer) {
            wrong.push(Violation::Tl0Off(number));
        }
        let step = i64::from(self.timestamp.wrapping_sub(last.timestamp).cast_signed());
        let captured = i64::from(number) - i64::from(last.tag.number);
        let captured = captured * i64::from(crate::publisher::VIDEO_STEP);
        let switched = self.tag.encoding != last.tag.encoding;
        let allowed = if switched { tolerance } else { 0 };
        let backwards = starts && step <= 0;
        if (step - captured).unsigned_abs() > u64::from(allowed) || backwards {
            wrong.push(Violation::TimestampOff {
                number,
                step,
                captured,
            });
        }
    }
}

/// The stream's sequence numbers in order, repairs put where they belong.
fn slots<'s>(seen: &'s [Seen], streams: Streams, wrong: &mut Vec<Violation>) -> Vec<Slot<'s>> {
    let mut slots: Vec<Slot<'s>> = Vec::new();
    let mut newest: Option<u64> = None;
    for packet in seen {
        let repair = Some(packet.ssrc) == streams.rtx;
        if packet.ssrc != streams.media && !repair {
            continue;
        }
        // RFC 4588 section 4: the original sequence number leads a repair's payload.
        let (sequence, payload) = match packet.payload.split_first_chunk::<2>() {
            Some((original, payload)) if repair => (u16::from_be_bytes(*original), payload),
            _ => (packet.sequence, &packet.payload[..]),
        };
        let sequence = extend(newest, sequence);
        newest = newest.max(Some(sequence));
        let (timestamp, marker) = (packet.timestamp, packet.marker);
        slots.push(Slot {
            sequence,
            timestamp,
            marker,
            payload,
            repair,
        });
    }
    // Stable: of one number, what came first stays first.
    slots.sort_by_key(|slot| slot.sequence);
    slots.dedup_by(|later, first| {
        let same = later.sequence == first.sequence;
        if same && !later.repair && !first.repair {
            wrong.push(Violation::SequenceRepeated(first.sequence));
        }
        let differs = (later.timestamp, later.marker, later.payload)
            != (first.timestamp, first.marker, first.payload);
        if same && differs {
            wrong.push(Violation::RepairDiffers(first.sequence));
        }
        same
    });
    slots
}

fn extend(newest: Option<u64>, sequence: u16) -> u64 {
    let Some(newest) = newest else {
        return u64::from(sequence) + 0x1_0000;
    };
    let step = i64::from(
        sequence
            .wrapping_sub((newest & 0xffff) as u16)
            .cast_signed(),
    );
    newest
        .checked_add_signed(step)
        .expect("starts above one cycle")
}

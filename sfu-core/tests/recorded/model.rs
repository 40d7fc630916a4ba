//! A decoder that takes nothing on trust: what a receiver must be able to rely on, checked packet by
//! packet. It knows nothing of the engine, and reads bytes by itself.
//!
//! It is given packets in the order of their sequence numbers, and told which numbers were lost on
//! the way. What a loss explains (a frame cut short, a frame that needs it) is harm; anything else
//! that cannot be decoded is a [`Fault`] of whoever sent the stream.

mod numbered;
mod ordered;
mod units;
mod vp8;
mod vp9;

use sfu_core::media::codec::Codec;

use self::numbered::Numbered;
use self::ordered::Ordered;
use self::units::Units;
use self::vp8::Vp8;
use self::vp9::Vp9;
use crate::{descriptor, wire};

/// A packet as it came, repairs in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
    pub(crate) descriptor: Option<Vec<u8>>,
}

/// What is wrong with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A number was never sent.
    Gap,
    /// A number again, or an earlier one.
    SequenceBack,
    /// A picture is older than the one before it.
    TimestampBack,
    /// A picture goes on after its marker.
    MarkerInside,
    /// A picture ended without a marker.
    MarkerMissing,
    /// A frame ended before its last packet.
    FrameCut,
    /// A packet continues a frame that has not begun.
    FrameWithoutStart,
    /// A packet continues another frame than the one that has begun.
    MixedFrame,
    /// A padding-only packet inside a frame.
    PaddingInside,
    /// The first frame rests on others.
    StartsWithoutKeyframe,
    /// A header that cannot be read, or names a template that nobody has told.
    Unreadable,
    /// Frame numbers or picture ids do not rise, or skip where receivers count them.
    NumberJump,
    /// TL0PICIDX does not count the base layer's frames.
    BaseIndexJump,
    /// A frame needs one that was never sent.
    MissingReference,
    /// Spatial layers of a picture out of order.
    LayerOrder,
    /// A frame of no decode target that is said to be active.
    InactiveFrame,
    /// A decode target is said to be active whose chain is broken.
    BrokenChain,
    /// A keyframe without what its decoder must be told first.
    KeyframeWithoutHeader,
}

/// A frame, whole.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) timestamp: u32,
    /// The first packet of it.
    pub(crate) first: Arrived,
    /// Numbers were lost between the frame before and this one.
    pub(crate) after_loss: bool,
    /// First of its picture.
    pub(crate) starts_picture: bool,
}

/// A frame that was whole, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) timestamp: u32,
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    pub(crate) keyframe: bool,
    /// False where a loss before it keeps it from being decoded.
    pub(crate) decodable: bool,
}

/// Where a packet stands in its frame, and which frame that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    starts: bool,
    ends: bool,
    identity: u32,
}

/// A frame that has begun.
#[derive(Clone, Debug)]
struct Open {
    first: Arrived,
    identity: u32,
    starts_picture: bool,
    after_loss: bool,
}

/// How frames find what they rest on.
#[derive(Clone, Debug)]
enum Rule {
    Descriptor(Numbered),
    Vp8(Vp8),
    Vp9(Vp9),
    Order(Ordered),
}

impl Rule {
    fn frame(&mut self, frame: &Frame) -> Result<Decoded, Fault> {
        match self {
            Self::Descriptor(rule) => rule.frame(frame),
            Self::Vp8(rule) => rule.frame(frame),
            Self::Vp9(rule) => rule.frame(frame),
            Self::Order(rule) => rule.frame(frame),
        }
    }
}

/// The decoder.
#[derive(Clone, Debug)]
pub(crate) struct Decoder {
    codec: Codec,
    /// The payload cannot be read beyond what its encryption leaves clear.
    opaque: bool,
    /// The sender itself forgets markers: Chromium's S3T3 does where its top layer rests.
    pub(crate) forgets_markers: bool,
    rules: Vec<Rule>,
    units: Units,
    last_sequence: Option<u64>,
    timestamp: Option<u32>,
    picture_ended: bool,
    open: Option<Open>,
    /// Numbers were lost since the last whole frame.
    lost: bool,
    /// Numbers were lost since the last packet.
    lost_just_now: bool,
    pub(crate) frames: Vec<Decoded>,
    /// Frames that ended before their last packet because a keyframe began.
    pub(crate) cut: usize,
}

impl Decoder {
    /// `descriptor`: whether the dependency descriptor was agreed on, and comes with every packet.
    pub(crate) fn new(codec: Codec, descriptor: bool, opaque: bool) -> Self {
        let mut rules = Vec::new();
        if descriptor {
            rules.push(Rule::Descriptor(Numbered::default()));
        }
        match codec {
            Codec::Vp8 => rules.push(Rule::Vp8(Vp8::new(descriptor))),
            Codec::Vp9 if !opaque => rules.push(Rule::Vp9(Vp9::default())),
            _ if !descriptor => rules.push(Rule::Order(Ordered::new(codec))),
            _ => {}
        }
        Self {
            codec,
            opaque,
            forgets_markers: false,
            rules,
            units: Units::default(),
            last_sequence: None,
            timestamp: None,
            picture_ended: true,
            open: None,
            lost: false,
            lost_just_now: false,
            frames: Vec::new(),
            cut: 0,
        }
    }

    /// Whether a frame has begun and not ended.
    pub(crate) const fn is_inside_frame(&self) -> bool {
        self.open.is_some()
    }

    /// The packet of the next number did not come, and is not going to.
    pub(crate) fn lost(&mut self, sequence: u64) -> Result<(), Fault> {
        self.next_number(sequence)?;
        self.lost = true;
        self.lost_just_now = true;
        self.open = None;
        self.units.lost();
        Ok(())
    }

    fn next_number(&mut self, sequence: u64) -> Result<(), Fault> {
        match self.last_sequence.replace(sequence) {
            Some(last) if sequence <= last => Err(Fault::SequenceBack),
            Some(last) if sequence != last + 1 => Err(Fault::Gap),
            _ => Ok(()),
        }
    }

    /// Takes the next packet; tells a frame that it completes.
    pub(crate) fn push(&mut self, packet: &Arrived) -> Result<Option<Decoded>, Fault> {
        self.next_number(packet.sequence)?;
        if packet.payload.is_empty() {
            let inside = self.open.is_some();
            return if inside {
                Err(Fault::PaddingInside)
            } else {
                Ok(None)
            };
        }
        let is_inside = self.open.is_some() || !self.picture_ended && !self.forgets_markers;
        if is_inside && self.starts_afresh(packet) {
            // A keyframe after a pause, or another encoding's, cuts the picture before it short: nobody
            // needs that any more.
            self.cut += 1;
            self.open = None;
            self.picture_ended = true;
            self.lost = true;
            self.lost_just_now = true;
            self.units.lost();
        }
        let new_picture = self.picture(packet)?;
        let lost_just_now = std::mem::take(&mut self.lost_just_now);
        let place = self.place(packet)?;
        if !self.opaque {
            self.units.packet(self.codec, packet, place.starts)?;
        }
        if place.starts {
            if self.open.is_some() {
                return Err(Fault::FrameCut);
            }
            self.open = Some(Open {
                first: packet.clone(),
                identity: place.identity,
                starts_picture: new_picture,
                after_loss: self.lost,
            });
        }
        let Some(open) = &self.open else {
            // The rest of a frame whose start was lost.
            return if self.lost || lost_just_now {
                Ok(None)
            } else {
                Err(Fault::FrameWithoutStart)
            };
        };
        if open.identity != place.identity || open.first.timestamp != packet.timestamp {
            return Err(Fault::MixedFrame);
        }
        if packet.marker && !place.ends {
            return Err(Fault::FrameCut);
        }
        if !place.ends {
            return Ok(None);
        }
        let open = self.open.take().expect("just seen");
        self.lost = false;
        self.frame(&Frame {
            timestamp: packet.timestamp,
            first: open.first,
            after_loss: open.after_loss,
            starts_picture: open.starts_picture,
        })
    }

    /// Timestamps and markers: true for the first packet of a picture.
    fn picture(&mut self, packet: &Arrived) -> Result<bool, Fault> {
        let ended = std::mem::replace(&mut self.picture_ended, packet.marker);
        let Some(last) = self.timestamp.replace(packet.timestamp) else {
            return Ok(true);
        };
        let step = packet.timestamp.wrapping_sub(last);
        if step == 0 {
            return if ended {
                Err(Fault::MarkerInside)
            } else {
                Ok(false)
            };
        }
        if step >= 1 << 31 {
            return Err(Fault::TimestampBack);
        }
        if self.open.is_some() {
            return Err(Fault::FrameCut);
        }
        if !ended && !self.lost_just_now && !self.forgets_markers {
            return Err(Fault::MarkerMissing);
        }
        Ok(true)
    }

    /// Whether a picture begins here that needs nothing before it.
    fn starts_afresh(&self, packet: &Arrived) -> bool {
        let payload = &packet.payload;
        if self.timestamp == Some(packet.timestamp) {
            return false;
        }
        if let Some(Rule::Descriptor(_)) = self.rules.first() {
            return packet
                .descriptor
                .as_ref()
                .is_some_and(|bytes| descriptor::has_structure(bytes));
        }
        match self.codec {
            Codec::Vp8 => wire::vp8(payload).is_some_and(|vp8| vp8.keyframe),
            Codec::Vp9 => wire::vp9(payload)
                .is_some_and(|vp9| vp9.starts && !vp9.predicted && !vp9.inter_layer),
            Codec::Av1 => wire::av1_starts_sequence(payload),
            Codec::H264 => wire::h264_has_sps(payload),
            _ => wire::h265_has_sps(payload),
        }
    }

    fn place(&self, packet: &Arrived) -> Result<Place, Fault> {
        let payload = &packet.payload;
        let with_descriptor = matches!(self.rules.first(), Some(Rule::Descriptor(_)));
        if with_descriptor {
            let bytes = packet.descriptor.as_ref().ok_or(Fault::Unreadable)?;
            let [flags, high, low, ..] = bytes[..] else {
                return Err(Fault::Unreadable);
            };
            return Ok(Place {
                starts: flags & 0x80 != 0,
                ends: flags & 0x40 != 0,
                identity: u32::from_be_bytes([0, flags & 0x3f, high, low]),
            });
        }
        Ok(match self.codec {
            Codec::Vp8 => {
                let read = wire::vp8(payload).ok_or(Fault::Unreadable)?;
                Place {
                    starts: read.starts,
                    ends: packet.marker,
                    identity: read.picture_id.unwrap_or(0).into(),
                }
            }
            Codec::Vp9 => {
                let read = wire::vp9(payload).ok_or(Fault::Unreadable)?;
                Place {
                    starts: read.starts,
                    ends: read.ends,
                    identity: u32::from(read.picture_id) << 3 | u32::from(read.spatial),
                }
            }
            _ => Place {
                // Nothing says so: what comes after a whole picture begins the next.
                starts: self.open.is_none() && !self.lost_just_now && !self.lost
                    || self.open.is_none() && units::may_start(self.codec, payload),
                ends: packet.marker,
                identity: 0,
            },
        })
    }

    fn frame(&mut self, frame: &Frame) -> Result<Option<Decoded>, Fault> {
        let mut all: Option<Decoded> = None;
        for rule in &mut self.rules {
            let decoded = rule.frame(frame)?;
            all = Some(all.map_or(decoded, |before| Decoded {
                decodable: before.decodable && decoded.decodable,
                ..before
            }));
        }
        if all.is_some_and(|all| all.keyframe) && !self.opaque {
            self.tells_its_decoder(frame)?;
        }
        self.frames.extend(all);
        Ok(all)
    }

    /// A keyframe's payload is one, and brings its parameter sets or its sequence header.
    fn tells_its_decoder(&self, frame: &Frame) -> Result<(), Fault> {
        let payload = &frame.first.payload;
        let told = match self.codec {
            Codec::Vp8 => wire::vp8(payload).is_some_and(|vp8| vp8.keyframe),
            Codec::Vp9 => wire::vp9(payload).is_some_and(|vp9| !vp9.predicted),
            Codec::Av1 => !frame.starts_picture || wire::av1_starts_sequence(payload),
            Codec::H264 => wire::h264_has_sps(payload),
            _ => wire::h265_has_sps(payload),
        };
        if told {
            Ok(())
        } else {
            Err(Fault::KeyframeWithoutHeader)
        }
    }
}

//! A subscriber: repairs what it misses, hands its decoder what came, and notes what it saw.

use std::collections::{BTreeMap, BTreeSet};

use sfu_core::media::codec::Codec;

use crate::client::Got;
use crate::dice::Dice;
use crate::model::{Arrived, Decoded, Decoder};
use crate::path::{Path, Weather};
use crate::playback::Tag;
use crate::recording::DESCRIPTOR;

/// Milliseconds after which a packet is no longer waited for.
const PATIENCE: u64 = 400;
/// Milliseconds between two requests for a packet.
const ASK_AGAIN: u64 = 60;

/// One packet of the subscription's stream.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) number: u64,
    pub(crate) got: Got,
}

/// A frame that the decoder took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) at: u64,
    pub(crate) frame: Decoded,
    pub(crate) encoding: u8,
    pub(crate) timestamp: u32,
}

/// Numbers that had not been sent when they were given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsent {
    /// What came before them, and behind them.
    pub(crate) between: (Tag, Tag),
    pub(crate) count: u64,
    /// When the first of them was given up.
    pub(crate) at: u64,
}

pub(crate) struct Subscriber {
    pub(crate) client: usize,
    /// The stream's, once it is known.
    pub(crate) ssrc: u32,
    pub(crate) descriptor: bool,
    codec: Codec,
    pub(crate) path: Path<Delivered>,
    pub(crate) asks: Path<u16>,
    decoder: Decoder,
    /// The numbers that left the engine, by their first time.
    pub(crate) sent: BTreeSet<u64>,
    highest: u64,
    waiting: BTreeMap<u64, Got>,
    /// The next number for the decoder.
    next: Option<u64>,
    /// What is missing: since when, and when it was asked for last.
    missing: BTreeMap<u64, (u64, u64)>,
    pub(crate) wants_keyframe: bool,
    /// The packets of the frame being put together.
    tags: Vec<Tag>,
    pub(crate) seen: Vec<Seen>,
    /// Runs of numbers that had not been sent when they were given up.
    pub(crate) unsent: Vec<Unsent>,
    last_tag: Option<Tag>,
    /// How many numbers, and since when.
    hole: (u64, u64),
    /// Frames as lists of tags, for who knows what was sent.
    pub(crate) frames: Vec<Vec<Tag>>,
    pub(crate) given_up: usize,
    pub(crate) cut: usize,
    /// When it was paused, or went on, last.
    pub(crate) paused: u64,
}

impl Subscriber {
    pub(crate) fn new(
        client: usize,
        codec: Codec,
        descriptor: bool,
        opaque: bool,
        weather: Weather,
    ) -> Self {
        Self {
            client,
            ssrc: 0,
            descriptor,
            codec,
            path: Path::new(weather),
            asks: Path::new(weather),
            decoder: Decoder::new(codec, descriptor, opaque),
            sent: BTreeSet::new(),
            highest: 1 << 20,
            waiting: BTreeMap::new(),
            next: None,
            missing: BTreeMap::new(),
            wants_keyframe: false,
            tags: Vec::new(),
            seen: Vec::new(),
            unsent: Vec::new(),
            last_tag: None,
            hole: (0, 0),
            frames: Vec::new(),
            given_up: 0,
            cut: 0,
            paused: 0,
        }
    }

    pub(crate) fn forgive_markers(&mut self) {
        self.decoder.forgets_markers = true;
    }

    fn unwrapped(&self, sequence: u16) -> u64 {
        let ahead = sequence.wrapping_sub(self.highest as u16) as i16;
        self.highest.wrapping_add_signed(ahead.into())
    }

    /// A packet left the engine for it.
    pub(crate) fn on_sent(&mut self, dice: &mut Dice, now: u64, mut got: Got, repair: bool) {
        if repair {
            let [high, low, ..] = got.payload[..] else {
                return; // Padding of the repairs' own stream.
            };
            got.sequence = u16::from_be_bytes([high, low]);
            got.payload.drain(..2);
        }
        if self.sent.is_empty() {
            self.ssrc = got.ssrc;
            self.highest = 1 << 20 | u64::from(got.sequence);
        }
        let number = self.unwrapped(got.sequence);
        self.highest = self.highest.max(number);
        // What came late to the engine may come as a repair only.
        assert!(
            repair || self.sent.insert(number),
            "{number} at {now} ms: sent twice"
        );
        self.next.get_or_insert(number);
        let delivered = Delivered { number, got };
        self.path.send(dice, now, delivered);
    }

    /// Takes what arrives now, and asks for what does not.
    pub(crate) fn receive(&mut self, dice: &mut Dice, now: u64) {
        while let Some(delivered) = self.path.arrived(now) {
            // What was given up or had already is of no use.
            if self.next.is_none_or(|next| delivered.number >= next) {
                self.waiting
                    .entry(delivered.number)
                    .or_insert(delivered.got);
                self.missing.remove(&delivered.number);
            }
        }
        let Some(mut next) = self.next else { return };
        let last = self
            .waiting
            .last_key_value()
            .map_or(next, |(last, _)| *last);
        for number in (next..last).filter(|number| !self.waiting.contains_key(number)) {
            let (_, asked) = self.missing.entry(number).or_insert((now, 0));
            if now >= *asked + ASK_AGAIN {
                *asked = now;
                self.asks.send(dice, now, number as u16);
            }
        }
        loop {
            if let Some(got) = self.waiting.remove(&next) {
                self.take(now, next, got);
            } else if self
                .missing
                .get(&next)
                .is_some_and(|(since, _)| now > since + PATIENCE)
            {
                self.give_up(now, next);
            } else {
                break;
            }
            self.missing.remove(&next);
            next += 1;
        }
        self.next = Some(next);
    }

    fn give_up(&mut self, now: u64, number: u64) {
        self.decoder.lost(number).unwrap();
        self.given_up += 1;
        self.tags.clear();
        // What was late when it paused is not sent any more.
        let paused = now < self.paused + 2 * PATIENCE;
        if !self.sent.contains(&number) && !paused {
            let (count, at) = self.hole;
            self.hole = (count + 1, if count == 0 { now } else { at });
        }
        self.wants_keyframe = true;
    }

    fn take(&mut self, now: u64, sequence: u64, got: Got) {
        let mut packet = Arrived {
            sequence,
            timestamp: got.timestamp,
            marker: got.marker,
            payload: got.payload,
            descriptor: None,
        };
        if self.descriptor {
            let found = got.extensions.into_iter().find(|(id, _)| *id == DESCRIPTOR);
            packet.descriptor = found.map(|(_, value)| value);
        }
        let tag = (!packet.payload.is_empty()).then(|| Tag::read(&packet.payload));
        if let Some(tag) = tag {
            let (count, at) = std::mem::take(&mut self.hole);
            if let Some(last) = self.last_tag.filter(|_| count > 0) {
                let between = (last, tag);
                self.unsent.push(Unsent { between, count, at });
            }
            self.last_tag = Some(tag);
            self.tags.push(tag);
        }
        let shown = format!("{packet:02x?}");
        let frame = self.decoder.push(&packet).unwrap_or_else(|fault| {
            let last = &self.seen[self.seen.len().saturating_sub(6)..];
            panic!(
                "{fault:?} at {now} ms, number {sequence}, of {tag:?}, after {last:#?}: {}",
                &shown[..shown.len().min(400)]
            );
        });
        if self.decoder.cut > std::mem::replace(&mut self.cut, self.decoder.cut) {
            self.tags.drain(..self.tags.len() - 1);
        }
        if let Some(frame) = frame {
            let tags = std::mem::take(&mut self.tags);
            self.seen.push(Seen {
                at: now,
                frame,
                encoding: tags[0].encoding,
                timestamp: got.timestamp,
            });
            self.frames.push(tags);
        } else if !self.decoder.is_inside_frame() {
            self.tags.clear();
        }
    }

    /// Whether its decoder can tell which layer a frame is of.
    pub(crate) fn tells_layers(&self) -> bool {
        self.descriptor || self.codec == Codec::Vp9
    }

    /// When it last saw a frame that it could decode.
    pub(crate) fn last_good(&self) -> Option<u64> {
        let mut seen = self.seen.iter().rev();
        seen.find(|seen| seen.frame.decodable).map(|seen| seen.at)
    }
}

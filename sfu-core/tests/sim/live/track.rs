//! One track at one viewer: frames put together, decoded as far as what they need was, and shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sfu_lab::log::TrackBin;

use crate::live::tag::{FrameId, Piece, Tag};

/// A picture that stands for longer than this is a freeze.
const FREEZE: Duration = Duration::from_millis(200);

/// Silence for longer than this is heard: more than concealment covers.
const SILENCE: Duration = Duration::from_millis(120);

/// A keyframe is asked for when nothing could be decoded for so long while packets come: at the
/// start, and later, when repairs have had their time.
const FIRST_PATIENCE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_millis(600);

/// Time between two requests.
const RETRY: Duration = Duration::from_millis(300);

/// Captures that are remembered.
const MEMORY: u32 = 240;

struct Assembly {
    tag: Tag,
    of: u16,
    got: BTreeSet<u16>,
}

/// One track.
pub(crate) struct Watched {
    pub(crate) audio: bool,
    frames: BTreeMap<FrameId, Assembly>,
    decoded: BTreeSet<FrameId>,
    /// The newest frame shown, and when.
    pub(crate) shown: Option<(FrameId, Instant)>,
    /// How high that picture is, by those of its layers that were shown until now.
    height: u32,
    /// When the last picture was shown, or could first have been.
    waits_since: Instant,
    asked: Option<Instant>,
    newest: u32,
    oldest: Option<u32>,
    /// Different packets of sound that came, in memory by their number.
    voices: u64,
    bin: TrackBin,
    /// The temporal layers seen, by when last.
    temporal: [Option<Instant>; 4],
    pub(crate) freezes: Vec<(Instant, Instant)>,
    /// The client has been told that no more comes for now.
    paused: bool,
}

impl Watched {
    pub(crate) fn new(now: Instant, audio: bool) -> Self {
        Self {
            audio,
            frames: BTreeMap::new(),
            decoded: BTreeSet::new(),
            shown: None,
            height: 0,
            waits_since: now,
            asked: None,
            newest: 0,
            oldest: None,
            voices: 0,
            bin: TrackBin::default(),
            temporal: [None; 4],
            freezes: Vec::new(),
            paused: false,
        }
    }

    /// The client is told that no more comes for now, or that it goes on. What is not shown between
    /// the two is no freeze.
    pub(crate) fn set_paused(&mut self, now: Instant, paused: bool) {
        if self.paused != paused {
            if paused {
                self.end(now);
            } else {
                self.waits_since = now;
            }
            self.paused = paused;
        }
    }

    /// Takes in a packet. True: a keyframe is to be asked for.
    pub(crate) fn receive(&mut self, now: Instant, piece: &Piece) -> bool {
        let id = piece.tag.id;
        self.newest = self.newest.max(id.number);
        self.oldest = Some(
            self.oldest
                .map_or(id.number, |oldest| oldest.min(id.number)),
        );
        if self.audio {
            if self.decoded.insert(id) {
                self.voices += 1;
                self.show(now, &piece.tag, SILENCE);
            }
            self.forget();
            return false;
        }
        self.bin.spatial = id.layer;
        if let Some(seen) = self.temporal.get_mut(usize::from(piece.tag.temporal)) {
            *seen = Some(now);
        }
        if !self.decoded.contains(&id) {
            let assembly = self.frames.entry(id).or_insert_with(|| Assembly {
                tag: piece.tag,
                of: piece.of,
                got: BTreeSet::new(),
            });
            assembly.got.insert(piece.at);
            if assembly.got.len() == usize::from(assembly.of) {
                self.decode(now);
            }
        }
        self.forget();
        self.is_stuck(now)
    }

    /// Decodes what can be, in the order of capture.
    fn decode(&mut self, now: Instant) {
        loop {
            let ready = self.frames.iter().find_map(|(id, frame)| {
                let whole = frame.got.len() == usize::from(frame.of);
                let mut needs = frame.tag.needs.iter().flatten();
                (whole && needs.all(|need| self.decoded.contains(need))).then_some(*id)
            });
            let Some(frame) = ready.and_then(|id| self.frames.remove(&id)) else {
                return;
            };
            self.decoded.insert(frame.tag.id);
            if self.shown.is_none_or(|(last, _)| frame.tag.id > last) {
                self.show(now, &frame.tag, FREEZE);
            }
        }
    }

    fn show(&mut self, now: Instant, tag: &Tag, patience: Duration) {
        let new = self
            .shown
            .is_none_or(|(last, _)| tag.id.number != last.number);
        if new {
            // The layers of one picture come one after the other, and its last may come in the next
            // bin: how high it was is known with the next one. The best of a bin is what is seen.
            let last = match std::mem::take(&mut self.height) {
                0 => tag.height.into(),
                last => last,
            };
            self.bin.height = match self.bin.frames {
                0 => last,
                _ => self.bin.height.max(last),
            };
        }
        self.height = self.height.max(tag.height.into());
        self.bin.frames += u32::from(new);
        if now - self.waits_since > patience && self.shown.is_some() {
            self.freezes.push((self.waits_since, now));
        }
        self.waits_since = now;
        self.shown = Some((tag.id, now));
    }

    fn is_stuck(&mut self, now: Instant) -> bool {
        let patience = match self.shown {
            Some(_) => PATIENCE,
            None => FIRST_PATIENCE,
        };
        let since = self.waits_since;
        let asked = self.asked.is_some_and(|asked| now - asked < RETRY);
        let stuck = now - since > patience && !asked;
        if stuck {
            self.asked = Some(now);
        }
        stuck
    }

    fn forget(&mut self) {
        let from = FrameId {
            number: self.newest.saturating_sub(MEMORY),
            layer: 0,
        };
        // Once in a while is enough.
        if self
            .decoded
            .first()
            .is_some_and(|id| id.number + MEMORY < from.number)
        {
            self.decoded = self.decoded.split_off(&from);
            self.frames = self.frames.split_off(&from);
        }
    }

    /// Ends a bin.
    pub(crate) fn bin(&mut self, now: Instant) -> TrackBin {
        let window = Duration::from_millis(500);
        let seen = |at: &Option<Instant>| at.is_some_and(|at| now - at < window);
        self.bin.paused = self.paused;
        self.bin.temporal = self.temporal.iter().rposition(seen).unwrap_or(0) as u8;
        let next = TrackBin {
            frames: 0,
            ..self.bin
        };
        std::mem::replace(&mut self.bin, next)
    }

    /// What came, and what was lost for good.
    pub(crate) fn packets(&self) -> (u64, u64) {
        let span = self
            .oldest
            .map_or(0, |oldest| u64::from(self.newest - oldest) + 1);
        if self.audio {
            (self.voices, span.saturating_sub(self.voices))
        } else {
            (0, 0)
        }
    }

    /// A freeze that lasts at the end; nothing at all is one.
    pub(crate) fn end(&mut self, now: Instant) {
        let patience = if self.audio { SILENCE } else { FREEZE };
        if now - self.waits_since > patience && !self.paused {
            self.freezes.push((self.waits_since, now));
        }
    }
}

#[test]
fn a_frame_is_shown_when_it_and_what_it_needs_are_whole() {
    let base = crate::meeting::base();
    let id = |number| FrameId { number, layer: 0 };
    let tag = |number: u32, keyframe: bool| Tag {
        track: 1,
        id: id(number),
        temporal: 0,
        keyframe,
        height: 180,
        needs: [(!keyframe).then(|| id(number - 1)), None],
    };
    let mut track = Watched::new(base, false);
    let at = |ms| base + Duration::from_millis(ms);
    let piece = |tag, at| Piece { tag, at, of: 2 };
    track.receive(at(0), &piece(tag(1, true), 0));
    assert!(track.shown.is_none());
    track.receive(at(5), &piece(tag(1, true), 1));
    assert_eq!(track.shown, Some((id(1), at(5))));
    // The third waits for the second, whose last packet comes late.
    for part in 0..2 {
        track.receive(at(40), &piece(tag(3, false), part));
    }
    track.receive(at(20), &piece(tag(2, false), 0));
    assert_eq!(track.shown, Some((id(1), at(5))));
    track.receive(at(300), &piece(tag(2, false), 1));
    assert_eq!(track.shown, Some((id(3), at(300))));
    assert_eq!(track.freezes, [(at(5), at(300))]);
    assert_eq!(track.bin(at(300)).frames, 3);
    // Nothing decodable for long: a keyframe is asked for, not with every packet.
    assert!(!track.receive(at(800), &piece(tag(9, false), 0)));
    assert!(track.receive(at(1000), &piece(tag(10, false), 0)));
    assert!(!track.receive(at(1010), &piece(tag(10, false), 1)));
}

#[test]
fn layers_of_one_picture_that_come_in_two_bins_are_no_two_pictures() {
    let base = crate::meeting::base();
    let mut track = Watched::new(base, false);
    let at = |ms| base + Duration::from_millis(ms);
    let mut heights = Vec::new();
    for number in 1..5 {
        for layer in 0..2 {
            let tag = Tag {
                track: 1,
                id: FrameId { number, layer },
                temporal: 0,
                keyframe: true,
                height: 180 << layer,
                needs: [None; 2],
            };
            let piece = Piece { tag, at: 0, of: 1 };
            track.receive(at(u64::from(100 * number + 20 * u32::from(layer))), &piece);
            if layer == 0 {
                heights.push(track.bin(at(u64::from(100 * number + 10))).height);
            }
        }
    }
    assert_eq!(heights[1..], [360; 3]);
}

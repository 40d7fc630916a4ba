//! A source as a browser encodes it: which layers it sends at a rate, and the frames of each.

use std::time::{Duration, Instant};

use crate::live::encoder::Encoder;
use crate::live::motion::Motion;
use crate::live::rates::{self, Rung};
use crate::live::tag::{FrameId, Tag};
use crate::publisher::{AUDIO_STEP, VIDEO_STEP};

/// What is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedKind {
    /// VP8, three encodings of three temporal layers.
    Camera,
    /// VP9, three spatial and three temporal layers (L3T3_KEY).
    Layered,
    /// VP8, one encoding, 15 pictures a second.
    Screen,
    /// Opus.
    Microphone,
}

/// A frame to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shot {
    pub(crate) tag: Tag,
    /// In bytes.
    pub(crate) len: usize,
    /// The last one of its picture.
    pub(crate) ends_picture: bool,
    /// Above the base temporal layer, and needs a frame of that alone.
    pub(crate) sync: bool,
}

/// One source at work.
pub(crate) struct Feed {
    pub(crate) kind: FeedKind,
    track: u32,
    rungs: &'static [Rung],
    /// The present rate of each layer in kbit/s; 0: off.
    rates: Vec<f64>,
    encoders: Vec<Encoder>,
    motion: Motion,
    wants_keyframe: bool,
    /// Captures since the last keyframe.
    since_keyframe: u32,
    /// The last frame of the two lower temporal layers, by capture.
    last: [u32; 2],
}

/// The temporal layers of four captures in a row.
const PATTERN: [u8; 4] = [0, 2, 1, 2];

/// The part of the mean frame's bytes that a frame of each temporal layer has: 40, 20 and 40 % of
/// the rate go to the three layers, as libwebrtc shares it out.
const TEMPORAL_SHARES: [f64; 3] = [1.6, 0.8, 0.8];

/// The part of an estimate that payloads get; headers take the rest.
const PAYLOADS: f64 = 0.94;

impl Feed {
    pub(crate) fn new(kind: FeedKind, track: u32, seed: u64) -> Self {
        let rungs: &'static [Rung] = match kind {
            FeedKind::Camera => &rates::CAMERA,
            FeedKind::Layered => &rates::LAYERED,
            FeedKind::Screen => &rates::SCREEN,
            FeedKind::Microphone => &rates::MICROPHONE,
        };
        let encoder = |layer: usize| Encoder::new(seed ^ u64::from(track) << 8 ^ layer as u64);
        Self {
            kind,
            track,
            rungs,
            rates: rungs.iter().map(|_| 0.0).collect(),
            encoders: (0..rungs.len()).map(encoder).collect(),
            motion: Motion::new(rungs.len(), seed ^ u64::from(track) << 8 ^ 0xff),
            wants_keyframe: true,
            since_keyframe: 0,
            last: [0; 2],
        }
    }

    pub(crate) const fn interval(&self) -> Duration {
        match self.kind {
            FeedKind::Camera | FeedKind::Layered => Duration::from_nanos(1_000_000_000 / 30),
            FeedKind::Screen => Duration::from_nanos(1_000_000_000 / 15),
            FeedKind::Microphone => Duration::from_millis(20),
        }
    }

    /// The least and the most that it takes of an estimate, in kbit/s.
    pub(crate) fn range(&self) -> (f64, f64) {
        let most: f64 = self.rungs.iter().map(|rung| rung.most).sum();
        (self.rungs[0].least / PAYLOADS, most / PAYLOADS)
    }

    pub(crate) const fn rungs(&self) -> &'static [Rung] {
        self.rungs
    }

    /// Follows its part of the client's estimate.
    pub(crate) fn set_rate(&mut self, kbps: f64) {
        let rates = rates::share(self.rungs, &self.rates, kbps * PAYLOADS);
        let came = rates.iter().zip(&self.rates);
        if came.into_iter().any(|(new, old)| *new > 0.0 && *old == 0.0) {
            self.wants_keyframe = true;
        }
        self.rates = rates;
    }

    /// A keyframe of one layer is one of all, as libvpx makes it.
    pub(crate) fn keyframe_requested(&mut self) {
        self.wants_keyframe = true;
    }

    /// The time from this capture to the next. To be asked once for each.
    pub(crate) fn next(&mut self) -> Duration {
        match self.kind {
            FeedKind::Microphone => self.interval(),
            _ => self.motion.next(self.interval()),
        }
    }

    /// The RTP timestamp of a capture, from that of capture 0.
    pub(crate) fn timestamp(&self, number: u32) -> u32 {
        match self.kind {
            FeedKind::Microphone => number.wrapping_mul(AUDIO_STEP),
            FeedKind::Screen => self.pictured(number.wrapping_mul(2 * VIDEO_STEP)),
            FeedKind::Camera | FeedKind::Layered => self.pictured(number.wrapping_mul(VIDEO_STEP)),
        }
    }

    /// Of a picture that is not taken quite at its time.
    fn pictured(&self, even: u32) -> u32 {
        even.wrapping_add_signed(self.motion.late(30 * VIDEO_STEP))
    }

    /// The frames of one capture; none where it is left out.
    pub(crate) fn capture(&mut self, number: u32) -> Vec<Shot> {
        if self.kind == FeedKind::Microphone {
            return vec![self.voice(number)];
        }
        let seconds = self.interval().as_secs_f64();
        self.motion.pass(seconds);
        if self.motion.leaves_out() {
            return Vec::new();
        }
        let keyframe = std::mem::take(&mut self.wants_keyframe);
        self.since_keyframe = if keyframe { 0 } else { self.since_keyframe + 1 };
        let layered = self.kind != FeedKind::Screen;
        let temporal = if layered {
            PATTERN[self.since_keyframe as usize % 4]
        } else {
            0
        };
        let needs = if self.since_keyframe % 4 == 3 && layered {
            self.last[1]
        } else {
            self.last[0]
        };
        let on: Vec<usize> = (0..self.rungs.len())
            .filter(|at| self.rates[*at] > 0.0)
            .collect();
        let share = if layered {
            TEMPORAL_SHARES[usize::from(temporal)]
        } else {
            1.0
        };
        let shot = |at: usize| {
            let layer = u8::try_from(at).expect("few layers");
            let rate = self.rates[at] * self.motion.part(at);
            let below = keyframe && at > 0 && self.kind == FeedKind::Layered;
            let tag = Tag {
                track: self.track,
                id: FrameId { number, layer },
                temporal,
                keyframe,
                height: self.rungs[at].height,
                needs: [
                    (!keyframe).then_some(FrameId {
                        number: needs,
                        layer,
                    }),
                    below.then(|| FrameId {
                        number,
                        layer: layer - 1,
                    }),
                ],
            };
            Shot {
                tag,
                sync: temporal > 0 && self.since_keyframe % 4 != 3,
                len: self.encoders[at].size(rate, seconds, share, keyframe),
                ends_picture: self.kind != FeedKind::Layered || Some(&at) == on.last(),
            }
        };
        let shots = on.iter().copied().map(shot).collect();
        match temporal {
            0 => self.last = [number; 2],
            1 => self.last[1] = number,
            _ => {}
        }
        shots
    }

    fn voice(&mut self, number: u32) -> Shot {
        let tag = Tag {
            track: self.track,
            id: FrameId { number, layer: 0 },
            temporal: 0,
            keyframe: false,
            height: 0,
            needs: [None; 2],
        };
        let seconds = self.interval().as_secs_f64();
        let len = self.encoders[0].size(self.rungs[0].most, seconds, 1.0, false);
        Shot {
            tag,
            len,
            ends_picture: true,
            sync: false,
        }
    }

    /// The heights of the layers that are on.
    pub(crate) fn heights(&self) -> Vec<u16> {
        let on = self.rungs.iter().zip(&self.rates);
        on.filter(|(_, rate)| **rate > 0.0)
            .map(|(rung, _)| rung.height)
            .collect()
    }
}

/// Shares an estimate among a client's feeds: voices whole, then each picture's least, then the rest
/// evenly as far as it is wanted.
pub(crate) fn share_out<'f>(feeds: impl Iterator<Item = &'f mut Feed>, kbps: f64) {
    let (voices, mut pictures): (Vec<_>, Vec<_>) =
        feeds.partition(|feed| feed.kind == FeedKind::Microphone);
    let voices: f64 = voices.iter().map(|feed| feed.range().1 * 1.4).sum();
    let mut left = kbps - voices;
    // The ones that want least take theirs first; what they leave is shared by those that want more.
    pictures.sort_by(|one, other| one.range().1.total_cmp(&other.range().1));
    let mut count = pictures.len();
    for feed in pictures {
        let (least, most) = feed.range();
        let rate = (left / count as f64).clamp(least, most);
        feed.set_rate(rate);
        (left, count) = (left - rate, count - 1);
    }
}

/// When a source started, and what was captured.
pub(crate) fn start_of(first: Instant, track: u32) -> Instant {
    // Cameras are not in step.
    first + Duration::from_micros(u64::from(track.wrapping_mul(7919) % 30_000))
}

#[test]
fn a_camera_sends_what_its_rate_allows_and_every_frame_names_what_it_needs() {
    let mut feed = Feed::new(FeedKind::Camera, 1, 1);
    feed.set_rate(700.0);
    let mut sent = std::collections::BTreeSet::new();
    let mut bytes = 0;
    for number in 0..300 {
        for shot in feed.capture(number) {
            let needs = shot.tag.needs.iter().flatten();
            assert!(
                needs.into_iter().all(|need| sent.contains(need)),
                "{shot:?}"
            );
            sent.insert(shot.tag.id);
            assert!(shot.tag.id.layer < 2, "the third does not fit");
            bytes += shot.len;
        }
    }
    let kbps = bytes as f64 / 10.0 / 125.0;
    assert!((600.0..720.0).contains(&kbps), "{kbps} kbit/s");
    feed.set_rate(3000.0);
    let back = feed.capture(300);
    assert!(back.len() == 3 && back.iter().all(|shot| shot.tag.keyframe));
}

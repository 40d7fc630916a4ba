//! What a client publishes: synthetic sources, packetised as a browser does it.

use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::format::Codec;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::{ExtensionValues, RtpWrite};

use crate::coding;
use crate::frame::{self, FrameTag};
use crate::lab::run::Offered;
use crate::live::choice::Choice;
use crate::live::feed::{Feed, FeedKind, Shot};
use crate::live::payload::{self, Numbers};

/// Payload bytes of a full video packet, before the descriptor.
pub(crate) const FRAGMENT: usize = 1100;

/// Ticks of the 90 kHz clock between video frames: 30 a second.
pub(crate) const VIDEO_STEP: u32 = 3000;

/// Ticks of the 48 kHz clock between audio packets: 20 ms.
pub(crate) const AUDIO_STEP: u32 = 960;

/// The encodings of a simulcast track, the best last as livekit-client offers them.
pub(crate) const RIDS: [&str; 3] = ["q", "h", "f"];

/// A source to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceKind {
    /// Opus.
    Audio,
    /// VP8 in one encoding.
    Video,
    /// VP8 in the three encodings of [`RIDS`].
    Simulcast,
    /// One encoding of another codec.
    Coded(Codec),
}

impl SourceKind {
    pub(crate) const fn is_audio(self) -> bool {
        matches!(self, Self::Audio)
    }

    pub(crate) fn rids(self) -> &'static [&'static str] {
        if self == Self::Simulcast { &RIDS } else { &[] }
    }

    /// What it is sent in.
    pub(crate) const fn codec(self) -> Codec {
        match self {
            Self::Audio => Codec::Opus,
            Self::Video | Self::Simulcast => Codec::Vp8,
            Self::Coded(codec) => codec,
        }
    }

    /// Time between frames.
    fn interval(self) -> Duration {
        match self {
            Self::Audio => Duration::from_millis(20),
            Self::Video | Self::Simulcast | Self::Coded(_) => {
                Duration::from_nanos(1_000_000_000 / 30)
            }
        }
    }
}

/// One frame as it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub(crate) tag: FrameTag,
    pub(crate) at: Instant,
}

/// One encoding's own numbers.
struct Encoding {
    rid: Option<Rid>,
    sequence: u64,
    /// Its timestamp of capture 0: each encoding has its own, as in libwebrtc.
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    /// The newest frame that others build on.
    base: u32,
    since_keyframe: u32,
    wants_keyframe: bool,
    paused: bool,
}

/// One published track.
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    pub(crate) track: u64,
    pub(crate) cid: String,
    pub(crate) mid: Option<Mid>,
    encodings: Vec<Encoding>,
    number: u32,
    next: Option<Instant>,
    pub(crate) stopped: bool,
    /// Keyframes that were asked for: when, and of which encoding.
    pub(crate) requests: Vec<(Instant, u8)>,
    pub(crate) published: Vec<Published>,
    /// What encodes it as a browser does, where that is asked for.
    pub(crate) feed: Option<Feed>,
    pub(crate) offered: Offered,
    /// Which of its layers are sent, where not all are.
    pub(crate) choice: Option<Choice>,
    /// Not before this.
    pub(crate) begins: Option<Instant>,
}

impl Source {
    pub(crate) fn new(kind: SourceKind, track: u64) -> Self {
        let rids: Vec<Option<Rid>> = match kind.rids() {
            [] => vec![None],
            rids => rids.iter().map(|rid| Some(Rid::from(*rid))).collect(),
        };
        let encoding = |rid| Encoding {
            rid,
            // RFC 3711 section 3.3.1: starts in the lower half, as browsers do.
            sequence: u64::from(fastrand::u16(..0x8000)),
            timestamp: fastrand::u32(..),
            picture_id: fastrand::u16(..0x8000),
            tl0: fastrand::u8(..),
            base: 0,
            since_keyframe: 0,
            wants_keyframe: true,
            paused: false,
        };
        Self {
            kind,
            track,
            cid: format!("cid-{track}"),
            mid: None,
            encodings: rids.into_iter().map(encoding).collect(),
            number: 0,
            next: None,
            stopped: false,
            requests: Vec::new(),
            published: Vec::new(),
            feed: None,
            offered: Offered::default(),
            choice: None,
            begins: None,
        }
    }

    /// One of which a plain sender forwards some layers in one stream.
    pub(crate) fn chosen(kind: FeedKind, track: u32, seed: u64) -> Self {
        let mut source = Self::live(kind, track, seed);
        if kind == FeedKind::Camera {
            source.kind = SourceKind::Video;
            source.encodings.truncate(1);
            source.encodings[0].rid = None;
        }
        let feed = source.feed.as_mut().expect("live");
        feed.set_rate(f64::INFINITY);
        source.choice = Some(Choice::new(feed));
        source
    }

    /// One that is encoded as a browser encodes it.
    pub(crate) fn live(kind: FeedKind, track: u32, seed: u64) -> Self {
        let coded = match kind {
            FeedKind::Camera => SourceKind::Simulcast,
            FeedKind::Layered => SourceKind::Coded(Codec::Vp9),
            FeedKind::Screen => SourceKind::Video,
            FeedKind::Microphone => SourceKind::Audio,
        };
        Self {
            feed: Some(Feed::new(kind, track, seed)),
            ..Self::new(coded, track.into())
        }
    }

    /// Puts the numbers shortly before their ends, so that they wrap within a second.
    pub(crate) fn start_before_wraps(&mut self) {
        for encoding in &mut self.encodings {
            encoding.sequence = 0xffc0;
            encoding.timestamp = u32::MAX - 20 * VIDEO_STEP;
            encoding.picture_id = 0x7ff0;
            encoding.tl0 = 0xfa;
        }
    }

    /// Starts to capture, once.
    pub(crate) fn start(&mut self, now: Instant) {
        self.next.get_or_insert(now);
    }

    /// When the next frame is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next.filter(|_| !self.stopped)
    }

    /// Stops or resumes one encoding, as a browser does when its uplink gets narrow.
    pub(crate) fn pause(&mut self, encoding: usize, paused: bool) {
        self.encodings[encoding].paused = paused;
        self.encodings[encoding].wants_keyframe = true;
    }

    pub(crate) fn keyframe_requested(&mut self, now: Instant, rid: Option<Rid>) {
        let Some(at) = self
            .encodings
            .iter()
            .position(|encoding| encoding.rid == rid)
        else {
            return;
        };
        self.encodings[at].wants_keyframe = true;
        if let Some(feed) = &mut self.feed {
            feed.keyframe_requested();
        }
        self.requests.push((now, u8::try_from(at).unwrap()));
    }

    /// Captures one frame; gives the packets of each encoding.
    pub(crate) fn capture(&mut self, now: Instant) -> Vec<Packet> {
        let number = self.number;
        self.number += 1;
        let mut packets = Vec::new();
        if let Some(feed) = &mut self.feed {
            let shots = feed.capture(number);
            for shot in shots {
                let own = feed.kind == FeedKind::Camera && self.choice.is_none();
                let at = if own {
                    usize::from(shot.tag.id.layer)
                } else {
                    0
                };
                let from = packets.len();
                self.encodings[at].live(feed, &shot, &mut packets);
                for packet in &packets[from..] {
                    self.offered.note(&shot.tag, packet.len());
                }
                if self
                    .choice
                    .as_mut()
                    .is_none_or(|choice| choice.takes(&shot))
                {
                    self.offered.sent(&packets[from..]);
                } else {
                    self.encodings[at].sequence -= (packets.len() - from) as u64;
                    packets.truncate(from);
                }
            }
            if self.choice.as_ref().is_some_and(Choice::needs_keyframe) {
                feed.keyframe_requested();
            }
            self.next = Some(now + feed.next());
            return packets;
        }
        self.next = Some(now + self.kind.interval());
        for (at, encoding) in self
            .encodings
            .iter_mut()
            .enumerate()
            .filter(|(_, e)| !e.paused)
        {
            let keyframe = !self.kind.is_audio() && encoding.wants_keyframe;
            let place = u8::try_from(at).unwrap();
            let tag = FrameTag {
                track: self.track,
                encoding: place,
                number,
                keyframe,
                needs: encoding.base,
            };
            self.published.push(Published { tag, at: now });
            if self.kind.is_audio() {
                let payload = frame::opus(tag, 60 + fastrand::usize(..60));
                packets.push(encoding.packet(payload, true, number * AUDIO_STEP));
            } else if let SourceKind::Coded(codec) = self.kind {
                encoding.coded(codec, tag, number * VIDEO_STEP, &mut packets);
            } else {
                encoding.video(tag, number * VIDEO_STEP, &mut packets);
            }
        }
        packets
    }
}

impl Encoding {
    fn packet(&mut self, payload: Vec<u8>, marker: bool, elapsed: u32) -> Packet {
        let timestamp = self.timestamp.wrapping_add(elapsed);
        let sequence = self.sequence;
        self.sequence += 1;
        Packet {
            rid: self.rid,
            sequence,
            timestamp,
            marker,
            payload,
        }
    }

    /// One frame of a feed.
    fn live(&mut self, feed: &Feed, shot: &Shot, packets: &mut Vec<Packet>) {
        let tag = shot.tag;
        let numbers = Numbers {
            picture_id: self.picture_id,
            tl0: self.tl0.wrapping_add(u8::from(tag.temporal == 0)),
        };
        let payloads = match feed.kind {
            FeedKind::Camera | FeedKind::Screen => payload::vp8(tag, shot.len, shot.sync, numbers),
            FeedKind::Layered => payload::vp9(tag, shot.len, numbers, &feed.heights()),
            FeedKind::Microphone => vec![payload::opus(tag, shot.len)],
        };
        let (count, elapsed) = (payloads.len(), feed.timestamp(tag.id.number));
        for (at, payload) in payloads.into_iter().enumerate() {
            let marker = at + 1 == count && shot.ends_picture;
            packets.push(self.packet(payload, marker, elapsed));
        }
        if shot.ends_picture {
            self.picture_id = (self.picture_id + 1) & 0x7fff;
            self.tl0 = numbers.tl0;
        }
    }

    /// A frame of another codec than VP8: some 1 Mbit/s.
    fn coded(&mut self, codec: Codec, tag: FrameTag, elapsed: u32, packets: &mut Vec<Packet>) {
        let usual = 3200 + fastrand::usize(..1600);
        let len = if tag.keyframe { 4 * usual } else { usual };
        self.wants_keyframe = false;
        self.base = tag.number;
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        let payloads = coding::payloads(codec, tag, len, self.picture_id);
        let count = payloads.len();
        for (at, payload) in payloads.into_iter().enumerate() {
            packets.push(self.packet(payload, at + 1 == count, elapsed));
        }
    }

    fn video(&mut self, tag: FrameTag, elapsed: u32, packets: &mut Vec<Packet>) {
        // The top encoding is some 1 Mbit/s, and each one below a half. One alone is a top one.
        let place = if self.rid.is_none() { 2 } else { tag.encoding };
        let scale = 1 << place;
        let usual = 800 * scale + fastrand::usize(..400 * scale);
        let len = if tag.keyframe { 4 * usual } else { usual };
        let size = (160 << place, 90 << place);
        let frame = frame::vp8(tag, size, len);
        if tag.keyframe {
            (self.since_keyframe, self.wants_keyframe) = (0, false);
        }
        // L1T2: every other frame is of the upper temporal layer.
        let temporal = (self.since_keyframe % 2) as u8;
        self.since_keyframe += 1;
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        if temporal == 0 {
            self.tl0 = self.tl0.wrapping_add(1);
            self.base = tag.number;
        }
        let fragments = frame.chunks(FRAGMENT).count();
        for (at, fragment) in frame.chunks(FRAGMENT).enumerate() {
            let payload = [&self.descriptor(at == 0, temporal)[..], fragment].concat();
            packets.push(self.packet(payload, at + 1 == fragments, elapsed));
        }
    }

    /// RFC 7741 section 4.2, with all the fields that libwebrtc sends: X; then I, L and T with a
    /// 15-bit picture id.
    fn descriptor(&self, first: bool, temporal: u8) -> [u8; 6] {
        let [high, low] = self.picture_id.to_be_bytes();
        let start = if first { 0x90 } else { 0x80 };
        [start, 0xe0, 0x80 | high, low, self.tl0, temporal << 6]
    }
}

/// One RTP packet to send.
pub(crate) struct Packet {
    rid: Option<Rid>,
    sequence: u64,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

impl Packet {
    /// Bytes of its payload.
    pub(crate) fn len(&self) -> usize {
        self.payload.len()
    }

    /// Hands the packet to the client's stack, which adds the header extensions and keeps it for
    /// NACKs. The caller drains the stack before the next one.
    pub(crate) fn write(self, rtc: &mut Rtc, mid: Mid, pt: Pt, audio: bool, now: Instant) {
        let mut direct = rtc.direct_api();
        let stream = direct
            .stream_tx_by_mid(mid, self.rid)
            .expect("a stream for each encoding");
        let mut extensions = ExtensionValues::default();
        if audio {
            (extensions.audio_level, extensions.voice_activity) = (Some(-30), Some(true));
        }
        let packet = RtpWrite::new(pt, self.sequence.into(), self.timestamp, now, self.payload)
            .marker(self.marker)
            .ext_vals(extensions)
            .nackable(!audio);
        stream.write_rtp(packet);
    }
}

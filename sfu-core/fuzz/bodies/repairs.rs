//! Any numbers in any order: what is asked for again, how often, and when keyframes are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use sfu_core::id::{PayloadType, Ssrc};
use sfu_core::ingress::{Incoming, Ingress, IngressSettings, KEYFRAME_MIN_INTERVAL};
use sfu_core::media::codec::Codec;
use sfu_core::media::format::{FormatParameters, PayloadMapping};
use sfu_core::media::packet::CarriedExtensions;
use sfu_core::wire::rtp::RtpHeader;

/// Most requests for one packet: what the engine promises its publishers.
const MOST_NACKS: usize = 10;

/// How many numbers are under way at most: none of them comes twice within that.
const WINDOW: u16 = 4000;

struct Stream {
    now: Instant,
    ingress: Ingress,
    sequence: u16,
    /// Of the numbers around.
    came: BTreeSet<u16>,
    asked: BTreeMap<u16, (usize, Instant)>,
    keyframe_asked: Option<Instant>,
    paused: bool,
}

/// Plays `data`, three bytes a step.
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
pub(crate) fn check(data: &[u8]) {
    let now = Instant::now();
    let format = PayloadMapping {
        codec: Codec::Vp8,
        parameters: FormatParameters::None,
        payload_type: PayloadType(96),
        rtx: Some(PayloadType(97)),
        nack: true,
        pli: true,
        fir: false,
        transport_cc: true,
    };
    let settings = IngressSettings {
        formats: [format].into_iter().collect(),
        payload_type: PayloadType(96),
        media_ssrc: Ssrc(1),
    };
    let mut stream = Stream {
        now,
        ingress: Ingress::new(settings, now).expect("its own format"),
        sequence: 0,
        came: BTreeSet::new(),
        asked: BTreeMap::new(),
        keyframe_asked: None,
        paused: false,
    };
    for step in data.chunks_exact(3) {
        stream.step([step[0], step[1], step[2]]);
        stream.look();
    }
    // However it went, it ends: what does not come is given up, and then only keyframes are due.
    for _ in 0..400 {
        stream.now += Duration::from_millis(20);
        stream.look();
    }
    stream.ingress.set_paused(true);
    assert_eq!(stream.ingress.next_timeout(), None);
}

impl Stream {
    fn step(&mut self, [what, a, b]: [u8; 3]) {
        self.now += Duration::from_millis(u64::from(a) / 4);
        match what {
            0..160 => {
                // The next number, or one after some that are missing.
                let gap = u16::from(if b < 224 { 0 } else { b - 223 });
                self.sequence = self.sequence.wrapping_add(1 + gap);
                self.packet(self.sequence, what % 32 == 0, false);
            }
            160..230 => self.packet(self.sequence.wrapping_sub(u16::from(b)), b == 7, what < 200),
            230..236 => {
                self.sequence = self.sequence.wrapping_add(u16::from(b) * 8);
                self.packet(self.sequence, false, false);
            }
            236..242 => {
                let rtt = Duration::from_millis(u64::from(b) * 8);
                self.ingress.set_rtt(rtt);
            }
            242..246 => {
                self.paused = what % 2 == 0;
                self.ingress.set_paused(self.paused);
            }
            _ => {
                let asks = self.ingress.request_keyframe(self.now);
                self.keyframe(asks);
            }
        }
    }

    fn packet(&mut self, sequence: u16, keyframe: bool, repaired: bool) {
        let mut bytes = vec![0x80, 96];
        bytes.extend(sequence.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend([0, 0, 0, 1]);
        let header = RtpHeader::parse_decrypted(&bytes).expect("a whole header");
        let payload = [0x10, u8::from(!keyframe), 0, 0, 0x9d, 0x01, 0x2a, 0, 0, 0];
        let received = self.ingress.receive(
            self.now,
            &Incoming {
                header,
                padding_len: 0,
                payload: &payload,
                extensions: CarriedExtensions::default(),
                descriptor: None,
                repaired,
            },
        );
        if let Ok(facts) = received {
            assert!(self.came.insert(sequence), "{sequence} twice");
            let is_newest = sequence == self.sequence;
            let is_before = self.ingress.is_before_keyframe(facts.sequence);
            assert!(!is_newest || !is_before, "no keyframe is newer");
            let oldest = self.sequence.wrapping_sub(WINDOW);
            let recent = |number: &u16| number.wrapping_sub(oldest) <= WINDOW;
            self.came.retain(recent);
            self.asked.retain(|number, _| recent(number));
        }
    }

    fn look(&mut self) {
        let mut asked = ArrayVec::<u16, 64>::new();
        self.ingress.poll_nacks(self.now, &mut asked);
        for sequence in asked {
            assert!(!self.came.contains(&sequence), "{sequence} is here");
            let (count, last) = self.asked.entry(sequence).or_insert((0, self.now));
            assert!(*count == 0 || self.now > *last, "twice at one moment");
            (*count, *last) = (*count + 1, self.now);
            assert!(*count <= MOST_NACKS);
        }
        let asks = self.ingress.poll_keyframe(self.now);
        self.keyframe(asks);
    }

    fn keyframe(&mut self, asks: bool) {
        if asks {
            assert!(!self.paused, "it is turned off");
            let before = self.keyframe_asked.replace(self.now);
            assert!(before.is_none_or(|at| self.now - at >= KEYFRAME_MIN_INTERVAL));
        }
    }
}

//! A publisher's simulcast through ingress, cache and egress to a subscriber, over lossy paths in
//! virtual time: what the subscriber ends up with has no hole that repair could have filled.
#![allow(clippy::disallowed_methods, reason = "a base for virtual time")]
#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use sfu_core::egress::{Egress, EgressSettings, SourceFacts};
use sfu_core::id::{PayloadType, Ssrc};
use sfu_core::ingress::{Incoming, Ingress, IngressSettings};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::delivery::deliveries;
use sfu_core::media::format::{FormatParameters, PayloadMapping};
use sfu_core::media::layer::Layers;
use sfu_core::media::outbound::OutboundPacket;
use sfu_core::media::packet::{CarriedExtensions, PacketPool};
use sfu_core::media::packet_cache::{PacketCache, VIDEO_CACHE_PACKETS};
use sfu_core::wire::codec::vp8;
use sfu_core::wire::extensions::ExtensionWriter;
use sfu_core::wire::rtp::{RtpHeader, RtpWriter};

const MS: Duration = Duration::from_millis(1);
const ENCODINGS: u8 = 2;
/// Simulated time; the last of it is left for repair.
const RUN_MILLIS: u64 = 20_000;
const QUIET_MILLIS: u64 = 1_500;

/// A seeded generator: the same run every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

/// What travels on a path, by its time of arrival in milliseconds.
struct Path<T> {
    loss: u64,
    air: BTreeMap<(u64, u64), T>,
    sent: u64,
}

impl<T> Path<T> {
    fn new(loss: u64) -> Self {
        Self {
            loss,
            air: BTreeMap::new(),
            sent: 0,
        }
    }

    /// 20 ms, and now and then up to 15 ms more: packets overtake each other.
    fn send(&mut self, dice: &mut Dice, now: u64, what: T) {
        self.sent += 1;
        if !dice.percent(self.loss) {
            let late = if dice.percent(10) { dice.roll(15) } else { 0 };
            self.air.insert((now + 20 + late, self.sent), what);
        }
    }

    fn arrived(&mut self, now: u64) -> Option<T> {
        let entry = self.air.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}

/// One encoding as its publisher sends it: each packet's number, and its payload or padding.
#[derive(Default)]
struct Publisher {
    next: u16,
    frame: u32,
    packets: BTreeMap<u16, (u32, bool, Vec<u8>)>,
}

impl Publisher {
    /// The packets of the next frame, by number; sometimes with padding behind.
    fn frame(&mut self, dice: &mut Dice, keyframe: bool) -> std::ops::Range<u16> {
        let first = self.next;
        let packets = 1 + dice.roll(if keyframe { 12 } else { 4 });
        for at in 0..packets {
            let start = if at == 0 { 0x90 } else { 0x80 };
            let [high, low] = ((self.frame & 0x7fff) as u16 | 0x8000).to_be_bytes();
            let mut payload = vec![start, 0xc0, high, low, self.frame as u8];
            payload.push(u8::from(!keyframe));
            // Who it is, for the oracle: the number that it left the publisher with.
            payload.extend(self.next.to_be_bytes());
            self.packets
                .insert(self.next, (self.frame * 3600, at + 1 == packets, payload));
            self.next += 1;
        }
        while dice.percent(10) {
            self.packets
                .insert(self.next, (self.frame * 3600, false, vec![]));
            self.next += 1;
        }
        self.frame += 1;
        first..self.next
    }
}

/// The one format.
const VP8: PayloadMapping = PayloadMapping {
    codec: Codec::Vp8,
    parameters: FormatParameters::None,
    payload_type: PayloadType(96),
    rtx: Some(PayloadType(97)),
    nack: true,
    pli: true,
    fir: true,
    transport_cc: true,
};

/// A packet on its way to the engine.
struct Upstream {
    encoding: u8,
    number: u16,
    repaired: bool,
}

/// What the subscriber got under one number.
#[derive(Clone, Copy, Debug)]
struct Got {
    encoding: u8,
    number: u16,
    timestamp: u32,
    keyframe_start: bool,
}

/// The engine's part, as a worker does it.
struct Engine {
    pool: PacketPool,
    ingress: Vec<Ingress>,
    caches: Vec<PacketCache>,
    egress: Egress,
    /// The media packets that ever came.
    came: BTreeSet<(u8, u16)>,
}

impl Engine {
    fn new(now: Instant) -> Self {
        let settings = |encoding: u8| IngressSettings {
            formats: [VP8].into_iter().collect(),
            payload_type: VP8.payload_type,
            media_ssrc: Ssrc(encoding.into()),
        };
        let settings_out = EgressSettings {
            kind: MediaKind::Video,
            ssrc: Ssrc(100),
            rtx_ssrc: Some(Ssrc(101)),
            first_sequence: 0x7ff0,
            first_timestamp: u32::MAX - 90_000,
            first_picture_id: 0x7ff0,
            first_tl0: 250,
            rtx_first_sequence: 7,
        };
        let mut egress = Egress::new(settings_out, deliveries(&[VP8], &[VP8]));
        egress.set_target(Some(Layers::all_of(0)));
        Self {
            pool: PacketPool::new(u32::from(ENCODINGS) * VIDEO_CACHE_PACKETS as u32 + 1),
            ingress: (0..ENCODINGS)
                .map(|at| Ingress::new(settings(at), now).unwrap())
                .collect(),
            caches: (0..ENCODINGS)
                .map(|_| PacketCache::new(MediaKind::Video))
                .collect(),
            egress,
            came: BTreeSet::new(),
        }
    }

    fn receive(
        &mut self,
        now: Instant,
        packet: &Upstream,
        (timestamp, marker, payload): &(u32, bool, Vec<u8>),
    ) -> Option<OutboundPacket> {
        let writer = RtpWriter {
            marker: *marker,
            payload_type: PayloadType(96),
            sequence: packet.number,
            timestamp: *timestamp,
            ssrc: Ssrc(packet.encoding.into()),
            padding: false,
        };
        let mut bytes = [0; 64];
        let len = writer
            .write_header(&mut bytes, &ExtensionWriter::default())
            .unwrap();
        bytes[len..len + payload.len()].copy_from_slice(payload);
        let header = RtpHeader::parse(&bytes).unwrap();
        let encoding = usize::from(packet.encoding);
        let ingress = &mut self.ingress[encoding];
        let facts = ingress
            .receive(
                now,
                &Incoming {
                    header,
                    padding_len: 0,
                    payload,
                    extensions: CarriedExtensions::default(),
                    descriptor: None,
                    repaired: packet.repaired,
                },
            )
            .ok()?;
        self.came.insert((packet.encoding, packet.number));
        let stored = self
            .pool
            .insert(0, facts, &bytes[..len + payload.len()])
            .unwrap();
        assert!(self.caches[encoding].insert(&mut self.pool, facts.sequence, stored));
        let clock = ingress.source_clock();
        self.egress
            .forward(
                now,
                packet.encoding,
                stored,
                &facts,
                SourceFacts::of_clock(clock),
            )
            .ok()
    }

    fn repair(&mut self, now: Instant, sequence: u16) -> Option<OutboundPacket> {
        let found = self.egress.retransmit(now, sequence)?;
        let packet = self.caches[usize::from(found.encoding)].get(found.source_sequence)?;
        let facts = *self.pool.get(packet)?.0;
        self.egress.repair(found, packet, &facts)
    }

    /// What the subscriber reads out of a packet.
    fn deliver(&self, out: &OutboundPacket) -> Got {
        let (facts, bytes) = self.pool.get(out.packet).unwrap();
        let mut payload = bytes[usize::from(facts.payload_start)..].to_vec();
        out.rewrite.apply(&mut payload).unwrap();
        let descriptor = vp8::parse(&payload).unwrap();
        assert_eq!(
            descriptor.picture_id.unwrap().value,
            out.rewrite.numbers().picture_id.unwrap()
        );
        let header = RtpHeader::parse(bytes).unwrap();
        let number = *payload.last_chunk().unwrap();
        Got {
            encoding: header.ssrc.0 as u8,
            number: u16::from_be_bytes(number),
            timestamp: out.timestamp,
            keyframe_start: descriptor.is_keyframe,
        }
    }
}

/// Two paths each way with the engine between them.
struct Meeting {
    dice: Dice,
    start: Instant,
    engine: Engine,
    publishers: Vec<Publisher>,
    up: Path<Upstream>,
    /// What the engine asks the publisher for. It arrives: one that is lost is repeated anyway.
    requests: Path<Upstream>,
    down: Path<(u64, Got)>,
    nacks: Path<u16>,
    /// The numbers that left the engine, apart for repairs.
    sealed: BTreeSet<(bool, u64)>,
    /// What the subscriber got, by number.
    got: BTreeMap<u64, Got>,
}

impl Meeting {
    fn new(seed: u64, loss: u64) -> Self {
        let start = Instant::now();
        Self {
            dice: Dice(seed),
            start,
            engine: Engine::new(start),
            publishers: (0..ENCODINGS).map(|_| Publisher::default()).collect(),
            up: Path::new(loss),
            requests: Path::new(0),
            down: Path::new(loss),
            nacks: Path::new(loss),
            sealed: BTreeSet::new(),
            got: BTreeMap::new(),
        }
    }

    fn run(mut self) -> Self {
        for millis in 0..RUN_MILLIS {
            let live = millis < RUN_MILLIS - QUIET_MILLIS;
            if live && self.dice.roll(1500) == 0 {
                let target = self.dice.roll(ENCODINGS.into()) as u8;
                self.engine.egress.set_target(Some(Layers::all_of(target)));
            }
            for encoding in 0..ENCODINGS {
                self.publish(millis, encoding, live);
            }
            self.forward(millis);
            self.subscribe(millis);
        }
        self
    }

    /// One encoding sends frames, keyframes when asked, and what it is asked for again.
    fn publish(&mut self, millis: u64, encoding: u8, live: bool) {
        let now = self.start + millis as u32 * MS;
        let publisher = &mut self.publishers[usize::from(encoding)];
        let ingress = &mut self.engine.ingress[usize::from(encoding)];
        let wanted = self.engine.egress.wants_keyframe_of() == Some(encoding);
        let keyframe = ingress.poll_keyframe(now) || (wanted && ingress.request_keyframe(now));
        let upstream = |number, repaired| Upstream {
            encoding,
            number,
            repaired,
        };
        if live && (keyframe || millis.is_multiple_of(40)) {
            for number in publisher.frame(&mut self.dice, keyframe) {
                self.up
                    .send(&mut self.dice, millis, upstream(number, false));
            }
        }
        let mut missing = ArrayVec::<u16, 64>::new();
        ingress.poll_nacks(now, &mut missing);
        for number in missing {
            self.requests
                .send(&mut self.dice, millis, upstream(number, true));
        }
    }

    /// What arrives at the engine, and what leaves it.
    fn forward(&mut self, millis: u64) {
        let now = self.start + millis as u32 * MS;
        let sent = |publishers: &[Publisher], packet: &Upstream| {
            publishers[usize::from(packet.encoding)].packets[&packet.number].clone()
        };
        while let Some(packet) = self.requests.arrived(millis) {
            // As libwebrtc: padding is not kept, and not sent again.
            if !sent(&self.publishers, &packet).2.is_empty() {
                self.up.send(&mut self.dice, millis, packet);
            }
        }
        let mut sends = Vec::new();
        while let Some(packet) = self.up.arrived(millis) {
            let bytes = sent(&self.publishers, &packet);
            sends.extend(self.engine.receive(now, &packet, &bytes));
        }
        while let Some(sequence) = self.nacks.arrived(millis) {
            sends.extend(self.engine.repair(now, sequence));
        }
        for out in sends {
            let is_repair = out.rtx_original.is_some();
            assert!(
                self.sealed.insert((is_repair, out.sequence)),
                "sealed twice"
            );
            let highest = self.sealed.range(..(true, 0)).last().map_or(0, |out| out.1);
            let sequence = out.rtx_original.map_or(out.sequence, |original| {
                highest - u64::from((highest as u16).wrapping_sub(original))
            });
            let packet = (sequence, self.engine.deliver(&out));
            self.down.send(&mut self.dice, millis, packet);
        }
    }

    /// What arrives at the subscriber, who asks for its gaps.
    fn subscribe(&mut self, millis: u64) {
        while let Some((sequence, packet)) = self.down.arrived(millis) {
            self.got.insert(sequence, packet);
        }
        let ends = (self.got.first_key_value(), self.got.last_key_value());
        if millis.is_multiple_of(30)
            && let (Some((&first, _)), Some((&last, _))) = ends
        {
            let recent = first.max(last.saturating_sub(300))..last;
            for sequence in recent.filter(|sequence| !self.got.contains_key(sequence)) {
                self.nacks.send(&mut self.dice, millis, sequence as u16);
            }
        }
    }
}

/// Holes are only what the engine itself never got; returns how many seams there were.
fn judge(meeting: &Meeting) -> usize {
    let Meeting {
        got,
        engine,
        publishers,
        ..
    } = meeting;
    let mut seams = 0;
    let in_order: Vec<_> = got.iter().collect();
    for pair in in_order.windows(2) {
        let [(before_sequence, before), (after_sequence, after)] = [pair[0], pair[1]];
        let step = after.timestamp.wrapping_sub(before.timestamp).cast_signed();
        assert!(step >= 0, "time ran backwards: {before:?} {after:?}");
        if before.encoding != after.encoding {
            seams += 1;
            assert!(after.keyframe_start, "{before:?} {after:?}");
            assert_eq!(*after_sequence, before_sequence + 1);
            assert!(step > 0);
            continue;
        }
        let between = before.number + 1..after.number;
        assert!(after_sequence - before_sequence <= 1 + between.len() as u64);
        let publisher = &publishers[usize::from(before.encoding)];
        for number in between {
            let padding = publisher.packets[&number].2.is_empty();
            let came = engine.came.contains(&(before.encoding, number));
            assert!(
                padding || !came,
                "{number} between {before:?} and {after:?}"
            );
        }
    }
    seams
}

#[test]
fn without_loss_everything_arrives_without_a_gap() {
    for seed in 0..3 {
        let meeting = Meeting::new(seed, 0).run();
        let seams = judge(&meeting);
        assert!(seams > 2, "{seams}");
        assert!(meeting.got.len() > 500);
    }
}

#[test]
fn over_lossy_paths_what_can_be_repaired_is() {
    for (seed, loss) in [(1, 2), (2, 5), (3, 10), (4, 20)] {
        let mut meeting = Meeting::new(seed, loss).run();
        judge(&meeting);
        assert!(meeting.got.len() > 500);
        // Nothing but the caches holds packets, and they give all of it back.
        let Engine { pool, caches, .. } = &mut meeting.engine;
        for cache in caches {
            cache.clear(pool);
        }
        let slots = usize::from(ENCODINGS) * VIDEO_CACHE_PACKETS + 1;
        assert_eq!(pool.free(), slots);
    }
}

#[test]
#[should_panic(expected = "between")]
fn the_judge_sees_a_hole() {
    let mut meeting = Meeting::new(1, 0).run();
    let pairs: Vec<_> = meeting.got.keys().copied().collect();
    let lost = pairs[1..].iter().find(|at| !meeting.got[at].keyframe_start);
    meeting.got.remove(&lost.copied().unwrap());
    judge(&meeting);
}

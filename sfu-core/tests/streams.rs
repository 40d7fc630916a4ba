//! A publisher's simulcast through ingress, cache and egress to a subscriber, over lossy paths in
//! virtual time: what the subscriber ends up with has no hole that repair could have filled.
#![allow(clippy::disallowed_methods, reason = "a base for virtual time")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use sfu_core::egress::{Egress, EgressSettings};
use sfu_core::id::{PayloadType, Ssrc};
use sfu_core::ingress::{Ingress, IngressSettings};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::outbound::OutboundPacket;
use sfu_core::media::packet::PacketPool;
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
            codec: Codec::Vp8,
            media_ssrc: Ssrc(encoding.into()),
            nack: true,
        };
        let mut egress = Egress::new(EgressSettings {
            codec: Codec::Vp8,
            ssrc: Ssrc(100),
            rtx_ssrc: Some(Ssrc(101)),
            payload_type: PayloadType(96),
            rtx_payload_type: Some(PayloadType(97)),
            first_sequence: 0x7ff0,
            first_timestamp: u32::MAX - 90_000,
            first_picture_id: 0x7ff0,
            first_tl0: 250,
            rtx_first_sequence: 7,
        });
        egress.set_target(Some(0));
        Self {
            pool: PacketPool::new(u32::from(ENCODINGS) * VIDEO_CACHE_PACKETS as u32 + 1),
            ingress: (0..ENCODINGS)
                .map(|at| Ingress::new(settings(at), now))
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
            .receive(now, &header, 0, payload, None, packet.repaired)
            .ok()?;
        self.came.insert((packet.encoding, packet.number));
        let stored = self
            .pool
            .insert(0, facts, &bytes[..len + payload.len()])
            .unwrap();
        assert!(self.caches[encoding].insert(&mut self.pool, facts.sequence, stored));
        let clock = ingress.source_clock();
        self.egress
            .forward(now, packet.encoding, stored, &facts, clock)
            .ok()
    }

    fn repair(&mut self, now: Instant, sequence: u16) -> Option<OutboundPacket> {
        let found = self.egress.retransmit(now, sequence)?;
        let packet = self.caches[usize::from(found.encoding)].get(found.source_sequence)?;
        let facts = *self.pool.get(packet)?.0;
        Some(self.egress.repair(found, packet, &facts))
    }

    /// What the subscriber reads out of a packet.
    fn deliver(&self, out: &OutboundPacket) -> Got {
        let (facts, bytes) = self.pool.get(out.packet).unwrap();
        let mut payload = bytes[usize::from(facts.payload_start)..].to_vec();
        vp8::patch(&mut payload, out.picture_id, out.tl0_picture_index).unwrap();
        let descriptor = vp8::parse(&payload).unwrap();
        assert_eq!(
            descriptor.picture_id.unwrap().value,
            out.picture_id.unwrap()
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

/// Runs a meeting and returns what the subscriber got by number, with the engine at the end.
fn meeting(seed: u64, loss: u64) -> (BTreeMap<u64, Got>, Engine, Vec<Publisher>) {
    let mut dice = Dice(seed);
    let start = Instant::now();
    let mut engine = Engine::new(start);
    let mut publishers: Vec<_> = (0..ENCODINGS).map(|_| Publisher::default()).collect();
    let mut up = Path::new(loss);
    // Media requests travel back unharmed: a NACK that is lost is repeated anyway.
    let mut requests = Path::new(0);
    let mut down: Path<(u64, Got)> = Path::new(loss);
    let mut nacks: Path<u16> = Path::new(loss);
    let mut got = BTreeMap::new();
    let mut outs: BTreeSet<(bool, u64)> = BTreeSet::new();
    for millis in 0..RUN_MILLIS {
        let now = start + millis as u32 * MS;
        let live = millis < RUN_MILLIS - QUIET_MILLIS;
        if live && dice.roll(1500) == 0 {
            engine
                .egress
                .set_target(Some(dice.roll(ENCODINGS.into()) as u8));
        }
        for encoding in 0..ENCODINGS {
            let publisher = &mut publishers[usize::from(encoding)];
            let ingress = &mut engine.ingress[usize::from(encoding)];
            let wanted = engine.egress.wants_keyframe_of() == Some(encoding);
            let keyframe = ingress.poll_keyframe(now) || (wanted && ingress.request_keyframe(now));
            if live && (keyframe || millis % 40 == 0) {
                for number in publisher.frame(&mut dice, keyframe) {
                    let packet = Upstream {
                        encoding,
                        number,
                        repaired: false,
                    };
                    up.send(&mut dice, millis, packet);
                }
            }
            let mut missing = ArrayVec::<u16, 64>::new();
            ingress.poll_nacks(now, &mut missing);
            for number in missing {
                let packet = Upstream {
                    encoding,
                    number,
                    repaired: true,
                };
                requests.send(&mut dice, millis, packet);
            }
        }
        while let Some(packet) = requests.arrived(millis) {
            let sent = &publishers[usize::from(packet.encoding)].packets[&packet.number];
            // As libwebrtc: padding is not kept, and not sent again.
            if !sent.2.is_empty() {
                up.send(&mut dice, millis, packet);
            }
        }
        let mut sends = Vec::new();
        while let Some(packet) = up.arrived(millis) {
            let sent = &publishers[usize::from(packet.encoding)].packets[&packet.number];
            sends.extend(engine.receive(now, &packet, sent));
        }
        while let Some(sequence) = nacks.arrived(millis) {
            sends.extend(engine.repair(now, sequence));
        }
        for out in sends {
            let repair = out.rtx_original;
            assert!(
                outs.insert((repair.is_some(), out.sequence)),
                "sealed twice"
            );
            let highest = outs.range(..(true, 0)).last().map_or(0, |out| out.1);
            let sequence = repair.map_or(out.sequence, |original| {
                highest - u64::from((highest as u16).wrapping_sub(original))
            });
            down.send(&mut dice, millis, (sequence, engine.deliver(&out)));
        }
        while let Some((sequence, packet)) = down.arrived(millis) {
            got.insert(sequence, packet);
        }
        if millis % 30 == 0
            && let (Some((&first, _)), Some((&last, _))) =
                (got.first_key_value(), got.last_key_value())
        {
            for sequence in
                (first.max(last.saturating_sub(300))..last).filter(|s| !got.contains_key(s))
            {
                nacks.send(&mut dice, millis, sequence as u16);
            }
        }
    }
    (got, engine, publishers)
}

/// Holes are only what the engine itself never got; returns how many seams there were.
fn judge(got: &BTreeMap<u64, Got>, engine: &Engine, publishers: &[Publisher]) -> usize {
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
        let (got, engine, publishers) = meeting(seed, 0);
        let seams = judge(&got, &engine, &publishers);
        assert!(seams > 2, "{seams}");
        assert!(got.len() > 500);
    }
}

#[test]
fn over_lossy_paths_what_can_be_repaired_is() {
    for (seed, loss) in [(1, 2), (2, 5), (3, 10), (4, 20)] {
        let (got, mut engine, publishers) = meeting(seed, loss);
        judge(&got, &engine, &publishers);
        assert!(got.len() > 500);
        // Nothing but the caches holds packets, and they give all of it back.
        for cache in &mut engine.caches {
            cache.clear(&mut engine.pool);
        }
        assert_eq!(
            engine.pool.free(),
            usize::from(ENCODINGS) * VIDEO_CACHE_PACKETS + 1
        );
    }
}

//! Layers by the dependency descriptor, in every mode: what arrives can be decoded, and is of one
//! decode target.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::*;
use crate::media::layer::{DecodeTargets, FrameDependencies, Layer, MAX_REFERENCES};
use crate::media::packet::DescriptorPlace;

/// How the spatial layers of a picture rest on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    /// Each on the one below.
    All,
    /// At keyframes only.
    Keyframes,
    /// Never: each is a stream of its own.
    None,
}

/// A publisher of spatial and temporal layers, after what browsers send: its packets come two for
/// each frame.
struct Publisher {
    source: Source,
    spatial: u8,
    temporal: u8,
    between: Between,
    /// The decode targets that it sends.
    active: u32,
    targets: DecodeTargets,
    pictures: u64,
    since_key: u64,
    number: u16,
    /// By spatial layer: the number of the last frame of each temporal layer.
    last: Vec<[Option<u16>; 3]>,
}

struct Frame {
    key: bool,
    layer: Layer,
    number: u16,
    needs: Vec<u16>,
}

impl Publisher {
    fn new(spatial: u8, temporal: u8, between: Between) -> Self {
        let tops = (0..spatial)
            .flat_map(|spatial| (0..temporal).map(move |temporal| Layer { spatial, temporal }));
        Self {
            source: Source::new(0, 70_000, Instant::now()),
            spatial,
            temporal,
            between,
            active: (1 << (spatial * temporal)) - 1,
            targets: DecodeTargets {
                structure: 1,
                tops: tops.collect(),
            },
            pictures: 0,
            since_key: 0,
            number: 0xffd0,
            last: vec![[None; 3]; usize::from(spatial)],
        }
    }

    /// The temporal layer of the next picture, and that of the one it rests on.
    fn place(&self) -> (u8, u8) {
        match (self.temporal, self.since_key % 4) {
            (3, 1) => (2, 0),
            (3, 2) | (2, 1 | 3) => (1, 0),
            (3, 3) => (2, 1),
            _ => (0, 0),
        }
    }

    fn is_active(&self, spatial: u8) -> bool {
        let of_it = ((1 << self.temporal) - 1) << (spatial * self.temporal);
        self.active & of_it != 0
    }

    fn frames(&mut self, key: bool) -> Vec<Frame> {
        if key {
            self.since_key = 0;
            self.last.iter_mut().for_each(|last| *last = [None; 3]);
        }
        let (temporal, rests_on) = self.place();
        let mut frames: Vec<Frame> = Vec::new();
        for spatial in 0..self.spatial {
            if !self.is_active(spatial) {
                continue;
            }
            let below = frames.last().map(|below| below.number);
            let before = self.last[usize::from(spatial)][usize::from(rests_on)];
            let rests_on_below = match self.between {
                Between::All => true,
                Between::Keyframes => key,
                Between::None => false,
            };
            let mut needs: Vec<u16> = before.into_iter().collect();
            // A layer that comes back mid-stream rests on the one below.
            let returns = before.is_none() && !key && self.between != Between::None;
            needs.extend(below.filter(|_| rests_on_below || returns));
            frames.push(Frame {
                key: needs.is_empty(),
                layer: Layer { spatial, temporal },
                number: self.number,
                needs,
            });
            self.last[usize::from(spatial)][usize::from(temporal)] = Some(self.number);
            self.number = self.number.wrapping_add(1);
        }
        self.since_key += 1;
        frames
    }

    /// Masks of the decode targets that a frame is in, may be switched to at, and is the last of.
    fn masks(&self, frame: &Frame, key: bool) -> [u32; 3] {
        let (mut masks, own) = ([0; 3], frame.layer);
        for (index, top) in self.targets.tops.iter().enumerate() {
            let is_same = top.spatial == own.spatial;
            let rests = top.spatial > own.spatial
                && match self.between {
                    Between::All => true,
                    Between::Keyframes => key,
                    Between::None => false,
                };
            if top.temporal < own.temporal || !(is_same || rests) {
                continue;
            }
            let is_last = is_same && own.temporal > 0 && top.temporal == own.temporal;
            let switches = is_same && !is_last || rests && key;
            masks[0] |= 1 << index;
            masks[1] |= u32::from(switches) << index;
            masks[2] |= u32::from(is_last) << index;
        }
        masks
    }

    /// The packets of the next picture.
    fn picture(&mut self, key: bool) -> Vec<PacketFacts> {
        let frames = self.frames(key);
        let highest = frames.len() - 1;
        let mut packets = Vec::new();
        for (at, frame) in frames.iter().enumerate() {
            let [present, switch, discardable] = self.masks(frame, key);
            let mut references = [0; MAX_REFERENCES];
            for (place, needed) in references.iter_mut().zip(&frame.needs) {
                *place = frame.number.wrapping_sub(*needed);
            }
            // Where layers are independent, each keyframe says how far the picture has come.
            let so_far = (1 << ((frame.layer.spatial + 1) * self.temporal)) - 1;
            let grows = key && self.between == Between::None;
            for last in [false, true] {
                let mut facts = self.source.part(frame.key && !last, last && at == highest);
                facts.payload = PayloadFacts::Opaque;
                facts.video = VideoFacts {
                    frame_start: !last,
                    frame_end: last,
                    keyframe_start: frame.key && !last,
                    layer: frame.layer,
                    dependencies: Some(FrameDependencies {
                        number: frame.number,
                        structure: self.targets.structure,
                        present,
                        switch,
                        discardable,
                        active: self.active & if grows { so_far } else { u32::MAX },
                        references,
                    }),
                    ..VideoFacts::default()
                };
                facts.extensions.descriptor = Some(DescriptorPlace {
                    start: 12,
                    len: 3,
                    frame_number: frame.number,
                    mask: None,
                });
                packets.push(facts);
            }
        }
        self.source.frame += 1;
        self.pictures += 1;
        packets
    }

    fn send(&self, egress: &mut Egress, facts: &PacketFacts) -> Result<OutboundPacket, DropReason> {
        self.send_as(0, egress, facts)
    }

    fn send_as(
        &self,
        encoding: u8,
        egress: &mut Egress,
        facts: &PacketFacts,
    ) -> Result<OutboundPacket, DropReason> {
        let source = SourceFacts {
            clock: None,
            targets: Some(&self.targets),
        };
        egress.forward(facts.arrived, encoding, any_packet(), facts, source)
    }
}

const fn up_to(spatial: u8, temporal: u8) -> Layers {
    Layers {
        encoding: 0,
        top: Layer { spatial, temporal },
    }
}

fn described(facts: &PacketFacts) -> FrameDependencies {
    facts.video.dependencies.unwrap()
}

/// A receiver that takes nothing on trust.
#[derive(Default)]
struct Decoder {
    numbers: BTreeSet<u64>,
    /// By the source's frame number, as long as it is told apart: packets got, and whether whole.
    frames: BTreeMap<u16, u8>,
    pictures: Vec<(u32, Vec<(Layer, bool)>)>,
}

impl Decoder {
    fn take(&mut self, facts: &PacketFacts, sent: &OutboundPacket) {
        assert!(self.numbers.insert(sent.sequence), "a number given twice");
        if sent.rewrite == PayloadRewrite::Padding {
            assert!(!sent.marker && sent.frame_number.is_none());
            return;
        }
        let dependencies = described(facts);
        if facts.video.frame_start {
            self.frames.remove(&dependencies.number);
            for older in dependencies
                .references
                .into_iter()
                .filter(|&older| older != 0)
            {
                let needed = dependencies.number.wrapping_sub(older);
                let got = self.frames.get(&needed);
                assert_eq!(got, Some(&2), "{needed} missing: {facts:?}");
            }
        }
        *self.frames.entry(dependencies.number).or_default() += 1;
        // Long gone numbers come again.
        let far = dependencies.number.wrapping_sub(0x4000);
        self.frames.remove(&far);
        if self
            .pictures
            .last()
            .is_none_or(|last| last.0 != facts.timestamp)
        {
            self.pictures.push((facts.timestamp, Vec::new()));
        }
        let (_, packets) = self.pictures.last_mut().unwrap();
        packets.push((facts.video.layer, sent.marker));
    }

    /// What must hold of each whole picture: how many layers, and one marker at its end.
    fn check(&self, between: Between) {
        for (timestamp, packets) in &self.pictures {
            let (last, others) = packets.split_last().unwrap();
            assert!(last.1, "{timestamp}: no end: {packets:?}");
            assert!(
                others.iter().all(|packet| !packet.1),
                "{between:?}: {packets:?}"
            );
            let layers: HashSet<_> = packets.iter().map(|packet| packet.0.spatial).collect();
            if between == Between::None {
                assert_eq!(layers.len(), 1, "mixed: {packets:?}");
            }
        }
    }
}

/// A subscription of a mode under wandering targets, without losses.
fn run(spatial: u8, temporal: u8, between: Between, seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut publisher = Publisher::new(spatial, temporal, between);
    let mut egress = egress_of(Codec::Av1);
    let mut decoder = Decoder::default();
    let mut target = up_to(spatial - 1, temporal - 1);
    egress.set_target(Some(target));
    let (mut since, mut asked, mut keyframes) = (0, None, 0);
    for picture in 0..600 {
        let before = egress.current_layers();
        if dice.u8(..12) == 0 {
            let wish = up_to(dice.u8(..spatial + 1), dice.u8(..temporal));
            let only_temporal = wish.top.spatial == target.top.spatial;
            let waited = egress.wants_keyframe_of();
            egress.set_target(Some(wish));
            if only_temporal && picture > 0 {
                assert_eq!(egress.wants_keyframe_of(), waited, "by themselves");
            }
            (target, since) = (wish, 0);
        }
        if asked.is_none() && egress.wants_keyframe_of().is_some() {
            asked = Some(picture + dice.u32(1..6));
        }
        let key = picture == 0 || asked == Some(picture);
        if key {
            (asked, keyframes) = (None, keyframes + 1);
        }
        for facts in publisher.picture(key) {
            match publisher.send(&mut egress, &facts) {
                Ok(sent) => decoder.take(&facts, &sent),
                Err(reason) => assert!(
                    matches!(
                        reason,
                        DropReason::LayerLeftOut | DropReason::AwaitingKeyframe
                    ),
                    "{reason:?}"
                ),
            }
        }
        since += 1;
        let top = egress.current_layers().unwrap().top;
        let wanted = Layer {
            spatial: target.top.spatial.min(spatial - 1),
            temporal: target.top.temporal,
        };
        if since > 20 {
            assert_eq!(top, wanted, "{before:?}");
            let last = &decoder.pictures.last().unwrap().1;
            assert!(last.iter().all(|packet| packet.0.spatial <= wanted.spatial));
        }
    }
    decoder.check(between);
    // Every picture was one that the subscriber saw something of, or of a temporal layer too high.
    let (first, last) = (decoder.numbers.first(), decoder.numbers.last());
    let span = last.unwrap() - first.unwrap() + 1;
    assert_eq!(span, decoder.numbers.len() as u64, "a gap");
    assert!(spatial == 1 || keyframes > 5, "{keyframes}");
    assert!(keyframes < 60, "{keyframes}");
}

#[test]
fn every_mode_can_be_decoded_whatever_is_wanted() {
    for between in [Between::All, Between::Keyframes, Between::None] {
        for (spatial, temporal) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 3)] {
            for seed in 0..8 {
                run(spatial, temporal, between, seed);
            }
        }
    }
}

#[test]
fn a_layer_that_the_publisher_turns_off_is_left_at_once_and_taken_again() {
    for between in [Between::All, Between::Keyframes, Between::None] {
        let mut publisher = Publisher::new(3, 1, between);
        let mut egress = egress_of(Codec::Av1);
        egress.set_target(Some(up_to(2, 0)));
        let mut decoder = Decoder::default();
        for picture in 0..40 {
            publisher.active = if (10..25).contains(&picture) {
                0b011
            } else {
                0b111
            };
            let key = picture == 0 || egress.wants_keyframe_of().is_some();
            assert!(
                !key || picture == 0 || (11..13).contains(&picture),
                "{between:?} {picture}"
            );
            for facts in publisher.picture(key) {
                if let Ok(sent) = publisher.send(&mut egress, &facts) {
                    decoder.take(&facts, &sent);
                }
            }
            let top = egress.current_layers().unwrap().top.spatial;
            let wanted = if (10..25).contains(&picture) { 1 } else { 2 };
            assert_eq!(top, wanted, "{between:?} {picture}");
        }
        // The picture with which an independent layer comes back is of both.
        decoder.check(Between::All);
        // Nothing but a keyframe brings the lower one, where it was not sent all along.
        let seen = decoder.pictures.len();
        assert_eq!(
            seen,
            if between == Between::All { 40 } else { 39 },
            "{between:?}"
        );
    }
}

#[test]
fn the_mask_names_what_the_subscriber_can_count_on() {
    let mut publisher = Publisher::new(2, 2, Between::All);
    let mut egress = egress_of(Codec::Av1);
    egress.set_target(Some(up_to(1, 1)));
    let mut masks = Vec::new();
    for picture in 0..12 {
        match picture {
            2 => egress.set_target(Some(up_to(0, 1))),
            6 => egress.set_target(Some(up_to(0, 0))),
            _ => {}
        }
        let packets = publisher.picture(picture == 0);
        let sent: Vec<_> = packets
            .iter()
            .filter_map(|facts| publisher.send(&mut egress, facts).ok())
            .collect();
        masks.push(sent.last().and_then(|sent| sent.active_targets));
    }
    // Targets 0 and 1 are of the lower spatial layer, 0 and 2 of the lower temporal one. What is
    // the publisher's own word is left as it is.
    assert_eq!(masks[..2], [None; 2]);
    assert_eq!(masks[2..6], [Some(0b0011); 4]);
    let base = [Some(0b0001), None, Some(0b0001), None, Some(0b0001), None];
    assert_eq!(masks[6..], base);
}

#[test]
fn a_new_structure_is_taken_with_its_keyframe_and_the_old_ones_rest_is_not() {
    let mut publisher = Publisher::new(3, 1, Between::All);
    let mut egress = egress_of(Codec::Av1);
    egress.set_target(Some(up_to(1, 0)));
    let mut before = Vec::new();
    for picture in 0..5 {
        before = publisher.picture(picture == 0);
        for facts in before.iter().take(if picture == 4 { 2 } else { 6 }) {
            let _ = publisher.send(&mut egress, facts);
        }
    }
    // Two layers from now on, and other indexes.
    let (number, source) = (publisher.number, publisher.source.clone());
    publisher = Publisher::new(2, 2, Between::All);
    publisher.targets.structure = 2;
    (publisher.number, publisher.source) = (number, source);
    let mut sent = 0;
    for facts in publisher.picture(true) {
        sent += usize::from(publisher.send(&mut egress, &facts).is_ok());
    }
    assert_eq!(sent, 4);
    let late = publisher.send(&mut egress, &before[2]);
    assert_eq!(late.unwrap().rewrite, PayloadRewrite::Padding);
    assert_eq!(egress.current_layers(), Some(up_to(1, 0)));
}

/// Structures are counted by each stream for itself.
#[test]
fn what_one_stream_turns_off_says_nothing_of_the_next() {
    for is_restart in [false, true] {
        let mut publisher = Publisher::new(3, 1, Between::None);
        let mut egress = egress_of(Codec::Av1);
        egress.set_target(Some(up_to(2, 0)));
        for picture in 0..8 {
            publisher.active = if picture < 4 { 0b111 } else { 0b001 };
            for facts in publisher.picture(picture == 0) {
                let _ = publisher.send(&mut egress, &facts);
            }
        }
        assert_eq!(egress.current_layers(), Some(up_to(0, 0)));
        let encoding = u8::from(!is_restart);
        if is_restart {
            egress.source_restarted(0);
        }
        let wanted = Layers {
            encoding,
            ..up_to(2, 0)
        };
        egress.set_target(Some(wanted));
        let mut other = Publisher::new(3, 1, Between::None);
        for facts in other.picture(true) {
            let _ = other.send_as(encoding, &mut egress, &facts);
        }
        assert_eq!(egress.current_layers(), Some(wanted), "{is_restart}");
        assert_eq!(egress.wants_keyframe_of(), None);
    }
}

#[test]
fn who_waited_for_a_layer_that_is_not_sent_asks_again_and_takes_what_there_is() {
    let mut publisher = Publisher::new(3, 1, Between::None);
    publisher.active = 0b001;
    let mut egress = egress_of(Codec::Av1);
    egress.set_target(Some(up_to(2, 0)));
    let mut wishes = Vec::new();
    for picture in 0..8 {
        for facts in publisher.picture(picture == 0 || wishes.last() == Some(&picture)) {
            let _ = publisher.send(&mut egress, &facts);
        }
        if egress.take_keyframe_wish().is_some() {
            wishes.push(picture + 1);
        }
    }
    assert_eq!(egress.current_layers(), Some(up_to(0, 0)));
    assert_eq!(wishes, [2]);
}

#[test]
fn numbers_that_begin_anew_with_a_keyframe_stop_nothing() {
    let mut publisher = Publisher::new(1, 3, Between::All);
    let mut egress = egress_of(Codec::Av1);
    egress.set_target(Some(up_to(0, 2)));
    for restart in 0..4u16 {
        publisher.number = 5000 - restart * 100;
        for picture in 0..30 {
            for facts in publisher.picture(picture == 0) {
                publisher.send(&mut egress, &facts).unwrap();
            }
        }
    }
}

/// What losses and reordering leave: every number is given once, and what is given is of frames whose
/// references were not left out.
#[test]
fn in_foul_weather_no_number_is_given_twice_and_nothing_rests_on_what_was_left_out() {
    for seed in 0..60 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let between = [Between::All, Between::Keyframes, Between::None][seed as usize % 3];
        let mut publisher = Publisher::new(3, 3, between);
        let mut egress = egress_of(Codec::Av1);
        egress.set_target(Some(up_to(2, 2)));
        let (mut air, mut numbers) = (BTreeMap::new(), HashSet::new());
        let (mut fate, mut count) = (BTreeMap::<u16, bool>::new(), 0u64);
        let mut padding = 0;
        for picture in 0..400u64 {
            if dice.u8(..15) == 0 {
                egress.set_target(Some(up_to(dice.u8(..3), dice.u8(..3))));
            }
            let wants = egress.wants_keyframe_of().is_some();
            let key = picture == 0 || wants && dice.u8(..4) == 0;
            for facts in publisher.picture(key) {
                count += 1;
                let delay = match dice.u8(..20) {
                    0 => continue,
                    1 => dice.u64(2..6),
                    2 => dice.u64(0..2),
                    _ => 0,
                };
                air.insert((picture + delay, count), facts);
            }
            while let Some(((due, _), _)) = air.first_key_value()
                && *due <= picture
            {
                let (_, facts) = air.pop_first().unwrap();
                let number = described(&facts).number;
                let sent = publisher.send(&mut egress, &facts);
                let goes = match &sent {
                    Ok(sent) => {
                        assert!(numbers.insert(sent.sequence), "{seed}");
                        padding += usize::from(sent.rewrite == PayloadRewrite::Padding);
                        sent.rewrite != PayloadRewrite::Padding
                    }
                    Err(DropReason::LayerLeftOut) => false,
                    Err(_) => continue,
                };
                let before = *fate.entry(number).or_insert(goes);
                assert_eq!(before, goes, "{seed}: one frame, one fate");
                for older in described(&facts).references {
                    let named = fate.get(&number.wrapping_sub(older));
                    assert!(!goes || older == 0 || named != Some(&false), "{seed}");
                }
            }
        }
        assert!(
            numbers.len() > 300 && padding > 0,
            "{} {padding}",
            numbers.len()
        );
        assert!(publisher.pictures == 400);
    }
}

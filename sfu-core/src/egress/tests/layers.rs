//! Layers by their numbers alone: what goes, and that what does not leaves no gap.

use super::*;
use crate::media::layer::Layer;

/// VP8 with three temporal layers, in its usual order; each upper frame of the first half of a
/// pattern is a place to switch up.
const PATTERN: [(u8, bool); 4] = [(0, false), (2, true), (1, true), (2, false)];

fn temporal(source: &mut Source, parts: u64) -> Vec<PacketFacts> {
    let (layer, switch) = PATTERN[source.frame as usize % 4];
    let keyframe = source.frame == 0;
    let frame: Vec<_> = (0..parts)
        .map(|at| {
            let mut facts = source.part(keyframe && at == 0, at + 1 == parts);
            facts.video.frame_start = at == 0;
            facts.video.frame_end = at + 1 == parts;
            facts.video.layer.temporal = layer;
            facts.video.temporal_switch = switch;
            // One TL0PICIDX for a frame of the base layer and those that rest on it.
            if let PayloadFacts::Vp8(numbers) = &mut facts.payload {
                let own = source.first_tl0.wrapping_add((source.frame / 4) as u8);
                numbers.tl0_picture_index = Some(own);
            }
            facts
        })
        .collect();
    source.frame += 1;
    frame
}

const fn up_to(spatial: u8, temporal: u8) -> Option<Layers> {
    Some(Layers {
        encoding: 0,
        top: Layer { spatial, temporal },
    })
}

fn picture_id(sent: &OutboundPacket) -> u16 {
    sent.rewrite.numbers().picture_id.unwrap()
}

#[test]
fn upper_temporal_layers_go_and_come_without_a_gap() {
    let mut source = Source::new(0, 70_000, Instant::now());
    let mut egress = video();
    let mut last: Option<OutboundPacket> = None;
    let mut counts = [0; 3];
    for frame in 0..400 {
        if frame % 50 == 10 {
            egress.set_target(up_to(0, (frame / 50 % 3) as u8));
            assert_eq!(egress.wants_keyframe_of(), None);
        }
        let Some(Layers { top, .. }) = egress.target() else {
            unreachable!();
        };
        for facts in temporal(&mut source, 3) {
            let sent = send(&mut egress, 0, &facts);
            let Ok(sent) = sent else {
                assert_eq!(sent, Err(DropReason::LayerLeftOut));
                assert!(facts.video.layer.temporal > 0);
                continue;
            };
            assert!(facts.video.layer.temporal <= top.temporal);
            counts[usize::from(facts.video.layer.temporal)] += 1;
            if let Some(last) = last.replace(sent) {
                assert_eq!(sent.sequence, last.sequence + 1);
                let next = u16::from(facts.video.frame_start);
                assert_eq!(picture_id(&sent), (picture_id(&last) + next) & 0x7fff);
            }
        }
    }
    assert_eq!(counts[0], 300);
    assert!(counts[1] > 150 && counts[2] > 150, "{counts:?}");
}

#[test]
fn a_layer_comes_back_only_where_it_may() {
    let mut source = Source::new(0, 70_000, Instant::now());
    let mut egress = video();
    let mut layers = Vec::new();
    for frame in 0..24 {
        match frame {
            5 => egress.set_target(up_to(0, 0)),
            // Wanted again behind the places to switch.
            15 => egress.set_target(up_to(0, 2)),
            _ => {}
        }
        let facts = temporal(&mut source, 1)[0];
        let sent = send(&mut egress, 0, &facts).is_ok();
        layers.push(if sent { facts.video.layer.temporal } else { 9 });
    }
    let at_first = [0, 2, 1, 2, 0];
    let base = [9, 9, 9, 0, 9, 9, 9, 0, 9, 9, 9, 0];
    // The second layer first, and the third that rests on it from its own next place on.
    let again = [9, 1, 2];
    assert_eq!(layers[..5], at_first);
    assert_eq!(layers[5..17], base);
    assert_eq!(layers[17..19], again[..2]);
    assert_eq!(layers[20..24], [0, 2, 1, 2]);
    let top = Layer {
        spatial: 0,
        temporal: 2,
    };
    let want = Layers { encoding: 0, top };
    assert_eq!(egress.current_layers(), Some(want));
}

#[test]
fn what_is_left_out_late_leaves_padding_under_its_number_once() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let mut egress = video();
    egress.set_target(up_to(0, 1));
    let frames: Vec<_> = (0..8).map(|_| temporal(&mut source, 2)).collect();
    for facts in &frames[0] {
        send(&mut egress, 0, facts).unwrap();
    }
    // The second frame, of a layer that is not wanted, comes behind the third.
    let third: Vec<_> = frames[2]
        .iter()
        .map(|facts| send(&mut egress, 0, facts).unwrap())
        .collect();
    for (facts, gap) in frames[1].iter().zip([2, 1]) {
        let sent = send(&mut egress, 0, facts).unwrap();
        assert_eq!(sent.rewrite, PayloadRewrite::Padding);
        assert_eq!(sent.sequence, third[0].sequence - gap);
        assert_eq!((sent.marker, sent.frame_number), (false, None));
        assert_eq!(send(&mut egress, 0, facts), Err(DropReason::Duplicate));
        // Lost, it is answered by as little.
        let found = egress.retransmit(start, sent.sequence as u16).unwrap();
        assert_eq!(found.source_sequence, facts.sequence);
        let repair = egress.repair(found, any_packet(), facts).unwrap();
        assert_eq!(repair.rewrite, PayloadRewrite::Padding);
        assert_eq!(repair.rtx_original, Some(sent.sequence as u16));
    }
    // What was late and is wanted goes as ever.
    let last = send(&mut egress, 0, &frames[4][1]).unwrap();
    let first = send(&mut egress, 0, &frames[4][0]).unwrap();
    assert_eq!(first.sequence + 1, last.sequence);
    assert_eq!(picture_id(&first), picture_id(&last));
    assert_ne!(first.rewrite, PayloadRewrite::Padding);
}

#[test]
fn what_is_left_out_behind_the_newest_leaves_nothing_even_in_the_wrong_order() {
    let mut source = Source::new(0, 70_000, Instant::now());
    let mut egress = video();
    egress.set_target(up_to(0, 0));
    let frames: Vec<_> = (0..8).map(|_| temporal(&mut source, 2)).collect();
    let first = send(&mut egress, 0, &frames[0][0]).unwrap();
    send(&mut egress, 0, &frames[0][1]).unwrap();
    for at in [3, 1, 2] {
        for facts in frames[at].iter().rev() {
            let out = Err(DropReason::LayerLeftOut);
            assert_eq!(send(&mut egress, 0, facts), out);
            assert_eq!(send(&mut egress, 0, facts), out, "once more is the same");
        }
    }
    let next = send(&mut egress, 0, &frames[4][0]).unwrap();
    assert_eq!(next.sequence, first.sequence + 2);
    assert_eq!(picture_id(&next), (picture_id(&first) + 1) & 0x7fff);
}

#[test]
fn repairs_find_their_way_back_past_what_was_left_out() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let mut egress = video();
    egress.set_target(up_to(0, 1));
    let mut sent = Vec::new();
    for _ in 0..60 {
        for facts in temporal(&mut source, 2) {
            if let Ok(out) = send(&mut egress, 0, &facts) {
                sent.push((facts, out));
            }
        }
    }
    assert_eq!(sent.len(), 60);
    for (facts, out) in &sent {
        let found = egress.retransmit(start, out.sequence as u16).unwrap();
        assert_eq!(found.source_sequence, facts.sequence);
        let repair = egress.repair(found, out.packet, facts).unwrap();
        assert_eq!(repair.rewrite, out.rewrite);
        assert_eq!(repair.timestamp, out.timestamp);
    }
}

#[test]
fn what_never_came_is_repaired_or_answered_empty_as_its_frame_is() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let mut egress = video();
    egress.set_target(up_to(0, 1));
    let frames: Vec<_> = (0..4).map(|_| temporal(&mut source, 1)[0]).collect();
    let first = send(&mut egress, 0, &frames[0]).unwrap();
    // The second and the third are lost; the fourth is of the layer of the second.
    assert!(send(&mut egress, 0, &frames[3]).is_err());
    let next = temporal(&mut source, 1)[0];
    let sent = send(&mut egress, 0, &next).unwrap();
    assert_eq!(sent.sequence, first.sequence + 3);
    let mut answer = |sequence: u64, facts: &PacketFacts| {
        let found = egress.retransmit(start, sequence as u16).unwrap();
        assert_eq!(found.source_sequence, facts.sequence);
        egress.repair(found, any_packet(), facts).unwrap().rewrite
    };
    assert_eq!(
        answer(first.sequence + 1, &frames[1]),
        PayloadRewrite::Padding
    );
    assert_ne!(
        answer(first.sequence + 2, &frames[2]),
        PayloadRewrite::Padding
    );
    // And is not said again on the stream itself.
    for facts in &frames[1..3] {
        assert_eq!(send(&mut egress, 0, facts), Err(DropReason::Duplicate));
    }
}

#[test]
fn losses_between_what_is_left_out_never_add_up_to_a_jump() {
    let mut source = Source::new(0, 70_000, Instant::now());
    let mut egress = video();
    egress.set_target(up_to(0, 0));
    let mut last = send(&mut egress, 0, &temporal(&mut source, 1)[0]).unwrap();
    for lost in [300, 300, 100] {
        source.packets += lost;
        let mut facts = temporal(&mut source, 1)[0];
        facts.video.layer.temporal = 2;
        assert!(send(&mut egress, 0, &facts).is_err());
    }
    source.frame = 4;
    let facts = temporal(&mut source, 1)[0];
    let waiting = Err(DropReason::AwaitingKeyframe);
    assert_eq!(send(&mut egress, 0, &facts), waiting);
    assert_eq!(egress.take_keyframe_wish(), Some(0));
    assert_eq!(egress.take_keyframe_wish(), None);
    let key = source.next(true);
    let sent = send(&mut egress, 0, &key).unwrap();
    assert_eq!(sent.sequence, last.sequence + 1);
    last = sent;
    assert_eq!(
        send(&mut egress, 0, &source.next(false)).unwrap().sequence,
        last.sequence + 1
    );
}

/// Pictures of VP9 with three spatial layers, without a descriptor.
fn spatial(source: &mut Source, keyframe: bool, layers: u8) -> Vec<PacketFacts> {
    let picture: Vec<_> = (0..layers)
        .flat_map(|layer| [(layer, false), (layer, true)])
        .map(|(layer, last)| {
            let starts = keyframe && layer == 0 && !last;
            let mut facts = source.part(starts, last && layer + 1 == layers);
            facts.video.frame_start = !last;
            facts.video.frame_end = last;
            facts.video.layer.spatial = layer;
            let (PayloadFacts::Vp8(numbers) | PayloadFacts::Vp9(numbers)) = facts.payload else {
                unreachable!();
            };
            facts.payload = PayloadFacts::Vp9(numbers);
            facts
        })
        .collect();
    source.frame += 1;
    picture
}

#[test]
fn spatial_layers_go_down_at_a_picture_and_up_at_a_keyframe() {
    let mut source = Source::new(0, 70_000, Instant::now());
    let mut egress = egress_of(Codec::Vp9);
    egress.set_target(up_to(255, 255));
    let (mut counts, mut last) = (Vec::new(), None::<OutboundPacket>);
    for picture in 0..20 {
        match picture {
            4 => egress.set_target(up_to(0, 255)),
            8 => egress.set_target(up_to(1, 255)),
            _ => {}
        }
        let wants = picture == 0 || (8..=12).contains(&picture);
        assert_eq!(egress.wants_keyframe_of(), wants.then_some(0), "{picture}");
        let packets = spatial(&mut source, picture == 0 || picture == 12, 3);
        let mut sent: Vec<_> = packets
            .iter()
            .enumerate()
            .filter_map(|(at, facts)| {
                // In the middle of a picture nothing changes.
                if (picture, at) == (6, 1) {
                    egress.set_target(up_to(0, 0));
                }
                send(&mut egress, 0, facts).ok()
            })
            .collect();
        counts.push(sent.len() / 2);
        let markers: Vec<_> = sent.iter().map(|sent| sent.marker).collect();
        let (end, others) = markers.split_last().unwrap();
        assert!(*end && !others.contains(&true), "{picture}: {markers:?}");
        for sent in sent.drain(..) {
            assert!(last.is_none_or(|last| sent.sequence == last.sequence + 1));
            last = Some(sent);
        }
    }
    let expected = [[3; 4], [1; 4], [1; 4], [2; 4], [2; 4]].concat();
    assert_eq!(counts, expected);
}

#[test]
fn vp9_keeps_the_distances_of_its_picture_ids() {
    let mut source = Source::new(0, 70_000, Instant::now());
    let mut egress = egress_of(Codec::Vp9);
    egress.set_target(up_to(255, 0));
    let mut ids = Vec::new();
    for picture in 0..9 {
        for mut facts in spatial(&mut source, picture == 0, 1) {
            facts.video.layer.temporal = picture % 2;
            if let Ok(sent) = send(&mut egress, 0, &facts) {
                ids.push(picture_id(&sent).wrapping_sub(9_001));
            }
        }
    }
    assert_eq!(ids, [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]);
}

use super::*;

/// One layer, a keyframe with its structure and later frames: as Chromium sends H.264.
const KEY: [u8; 9] = [0xc0, 0x00, 0x01, 0x80, 0x00, 0x3a, 0x41, 0x01, 0x00];
const LATER: [u8; 3] = [0xc1, 0x00, 0x02];

/// Two temporal layers, as the first packet of frame 16, which is of template 2. The templates from
/// 2 on: a keyframe "SS", the base layer "SR" with a reference 2 back, the upper one "-D" with a
/// reference 1 back.
const TWO_LAYERS: [u8; 10] = [0x82, 0x00, 0x10, 0x80, 0x41, 0x1e, 0xac, 0x51, 0x40, 0x00];

fn known(frames: &mut Frames, sequence: u64, descriptor: &[u8]) -> FrameDependencies {
    let described = frames.read(sequence, descriptor).unwrap();
    let facts = described.facts(VideoFacts::default());
    facts.dependencies.unwrap()
}

#[test]
fn nothing_is_known_before_a_structure() {
    let mut frames = Frames::default();
    let described = frames.read(5, &LATER).unwrap();
    assert!(!described.is_known());
    assert_eq!(described.mask(), None);
    let payload = VideoFacts {
        keyframe_start: true,
        temporal_switch: true,
        ..VideoFacts::default()
    };
    // The ends are told all the same; the rest is left to the payload.
    let facts = described.facts(payload);
    assert!(facts.frame_start && facts.frame_end && facts.temporal_switch);
    assert!(facts.keyframe_start && facts.dependencies.is_none());
    // Where the first packet of a keyframe is lost, with the structure, the next one may look like
    // the first.
    let later = frames.read(6, &[0x41, 0x00, 0x02]).unwrap();
    let facts = later.facts(payload);
    assert!(!facts.keyframe_start && !facts.frame_start && facts.frame_end);
    assert_eq!(frames.targets(), None);
}

#[test]
fn a_keyframe_brings_what_later_frames_are_read_by() {
    let mut frames = Frames::default();
    let key = frames.read(5, &KEY).unwrap();
    let facts = key.facts(VideoFacts::default());
    assert!(facts.keyframe_start && facts.frame_start && facts.frame_end);
    let of_key = FrameDependencies {
        number: 1,
        structure: 1,
        present: 1,
        switch: 1,
        active: 1,
        ..FrameDependencies::default()
    };
    assert_eq!(facts.dependencies, Some(of_key));
    let later = frames.read(6, &LATER).unwrap();
    let facts = later.facts(VideoFacts {
        keyframe_start: true,
        ..VideoFacts::default()
    });
    assert!(!facts.keyframe_start, "whatever the payload looks like");
    let mut references = [0; 8];
    references[0] = 1;
    let of_later = FrameDependencies {
        number: 2,
        references,
        ..of_key
    };
    assert_eq!(facts.dependencies, Some(of_later));
    let targets = frames.targets().unwrap();
    assert_eq!(
        (targets.structure, &targets.tops[..]),
        (1, &[Layer::default()][..])
    );
}

#[test]
fn the_same_structure_again_changes_no_meaning_and_another_does() {
    let mut frames = Frames::default();
    assert_eq!(known(&mut frames, 5, &KEY).structure, 1);
    assert_eq!(known(&mut frames, 9, &KEY).structure, 1);
    assert_eq!(known(&mut frames, 8, &LATER).structure, 1, "late");
    let two = known(&mut frames, 12, &TWO_LAYERS);
    assert_eq!((two.structure, two.number, two.present), (2, 16, 0b11));
    let upper = Layer {
        spatial: 0,
        temporal: 1,
    };
    let targets = frames.targets().unwrap();
    assert_eq!(targets.tops[..], [Layer::default(), upper]);
    // A packet of the former structure has nothing to do with this one, whatever its template; nor
    // does a late keyframe bring the former one back.
    assert!(!frames.read(13, &LATER).unwrap().is_known());
    for descriptor in [&KEY[..], &LATER, &[0xc3, 0, 9]] {
        assert!(!frames.read(11, descriptor).unwrap().is_known());
    }
    assert_eq!(frames.targets().unwrap().structure, 2);
}

#[test]
fn a_structure_may_come_late_as_a_repair() {
    let mut frames = Frames::default();
    known(&mut frames, 5, &KEY);
    assert!(!frames.read(13, &[0x03, 0, 17]).unwrap().is_known());
    let key = frames.read(12, &TWO_LAYERS).unwrap();
    assert!(key.facts(VideoFacts::default()).keyframe_start);
    let base = known(&mut frames, 13, &[0x03, 0, 17]);
    assert_eq!((base.structure, base.references[0]), (2, 2));
}

#[test]
fn the_targets_that_are_sent_are_kept_until_told_otherwise() {
    let mut frames = Frames::default();
    assert_eq!(known(&mut frames, 5, &TWO_LAYERS).active, 0b11);
    // Template 3 with a mask: the base layer alone.
    let less = [0x83, 0, 17, 0b0100_0010];
    assert_eq!(known(&mut frames, 6, &less).active, 0b01);
    assert_eq!(known(&mut frames, 8, &[0x83, 0, 19]).active, 0b01);
    let more = [0x83, 0, 20, 0b0100_0110];
    assert_eq!(known(&mut frames, 9, &more).active, 0b11);
    // A late packet says what was.
    assert_eq!(known(&mut frames, 7, &less).active, 0b11);
    assert_eq!(known(&mut frames, 10, &less).active, 0b01);
    // A structure without a mask: all of them again.
    assert_eq!(known(&mut frames, 11, &TWO_LAYERS).active, 0b11);
    assert_eq!(frames.active(), Some(0b11));
}

#[test]
fn what_is_malformed_is_refused_and_changes_nothing() {
    let mut frames = Frames::default();
    known(&mut frames, 5, &KEY);
    for descriptor in [&[][..], &[0x80, 1], &TWO_LAYERS[..6], &[0xc1, 0, 2, 0x17]] {
        let refused = frames.read(6, descriptor);
        assert_eq!(refused.unwrap_err(), DropReason::DescriptorMalformed);
    }
    assert_eq!(known(&mut frames, 7, &LATER).structure, 1);
}

#[test]
fn a_stream_that_goes_on_without_descriptors_has_no_targets() {
    let mut frames = Frames::default();
    known(&mut frames, 5, &TWO_LAYERS);
    // A keyframe of the time before comes late.
    frames.forget(4);
    assert!(frames.targets().is_some());
    frames.forget(9);
    assert_eq!((frames.targets(), frames.active()), (None, None));
    assert!(!frames.read(10, &[0x83, 0, 17]).unwrap().is_known());
    assert_eq!(known(&mut frames, 11, &TWO_LAYERS).structure, 2);
}

#[test]
fn an_upper_layers_structure_may_come_before_the_lower_ones() {
    // Each layer's first packet of a key picture carries it, and the lowest one's came as a repair.
    let mut frames = Frames::default();
    assert_eq!(known(&mut frames, 12, &TWO_LAYERS).structure, 1);
    let key = frames.read(10, &TWO_LAYERS).unwrap();
    assert!(key.facts(VideoFacts::default()).keyframe_start);
    assert_eq!(known(&mut frames, 11, &[0x42, 0, 16]).structure, 1);
}

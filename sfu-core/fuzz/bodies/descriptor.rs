//! Any bytes as dependency descriptors: one with a structure, and one that is read by it.

use sfu_core::wire::dependency_descriptor::{
    self, Frame, FrameError, Head, MAX_LEN, MAX_REFERENCES, Structure,
};

/// Reads `data`, whose first byte tells how long the first descriptor is, and writes anew what can
/// be read.
pub(crate) fn check(data: &[u8]) {
    let Some((&len, rest)) = data.split_first() else {
        return;
    };
    let (first, second) = rest.split_at(rest.len().min(len.into()));
    let Some(structure) = Structure::read(first) else {
        return;
    };
    assert!((1..=64).contains(&structure.templates().len()));
    assert!((1..=32).contains(&structure.target_count()));
    for target in 0..structure.target_count() {
        let (spatial, temporal) = structure.top_of(target);
        assert!(spatial < 4 && temporal < 8);
    }
    read(first, &structure);
    if Head::read(second).is_none_or(|head| !head.has_structure) {
        read(second, &structure);
    }
}

fn read(descriptor: &[u8], structure: &Structure) {
    let head = Head::read(descriptor);
    match structure.frame(descriptor) {
        Ok(frame) => {
            let head = head.expect("a frame has a head");
            assert_frame(&frame, structure);
            rewrite(descriptor, head, &frame, structure);
        }
        Err(FrameError::UnknownTemplate) => assert!(head.is_some()),
        Err(FrameError::Malformed) => {}
    }
}

fn assert_frame(frame: &Frame, structure: &Structure) {
    let kind = &frame.kind;
    let all = structure.all_targets();
    assert_eq!(kind.present & !all, 0);
    assert_eq!((kind.switch | kind.discardable) & !kind.present, 0);
    assert_eq!(kind.switch & kind.discardable, 0);
    assert_eq!(frame.active.unwrap_or(0) & !all, 0);
    assert!(kind.references.iter().all(|&it| it <= 4096));
    let count = kind.references.iter().position(|&it| it == 0);
    let behind = &kind.references[count.unwrap_or(MAX_REFERENCES)..];
    assert!(behind.iter().all(|&it| it == 0));
}

/// What is written reads as it was, but for the number and the mask.
fn rewrite(descriptor: &[u8], head: Head, before: &Frame, structure: &Structure) {
    let mask = !u32::from(head.frame_number) & structure.all_targets();
    let mut out = [0; MAX_LEN];
    let place = Some((mask, before.mask));
    let Some(len) = dependency_descriptor::write(descriptor, 0xabcd, place, &mut out) else {
        // A mask takes five flags and a bit for each target.
        assert!(descriptor.len() + 5 > MAX_LEN);
        return;
    };
    let written = &out[..len];
    let after = structure
        .frame(written)
        .expect("what is written reads back");
    assert_eq!((after.kind, after.active), (before.kind, Some(mask)));
    let expected = Head {
        frame_number: 0xabcd,
        ..head
    };
    assert_eq!(Head::read(written), Some(expected));
    if head.has_structure {
        assert_eq!(Structure::read(written), Structure::read(descriptor));
    }
    let len = dependency_descriptor::write(descriptor, 7, None, &mut out);
    let len = len.expect("nothing is added");
    assert_eq!(out[3..len], descriptor[3..]);
    assert_eq!(dependency_descriptor::frame_number(&out[..len]), Some(7));
}

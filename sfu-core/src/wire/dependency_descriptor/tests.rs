use super::bits::BitWriter;
use super::*;

/// A template of the tests: spatial and temporal layer, indications, references, chains.
type Kind<'k> = (u8, u8, &'k str, &'k [u16], &'k [u32]);

/// Two spatial layers that meet in the key picture alone, two temporal layers each: L2T2_KEY as
/// libwebrtc's encoders describe it.
const L2T2_KEY: Shape<'_> = Shape {
    first_id: 60,
    kinds: &[
        (0, 0, "SSSS", &[], &[0, 0]),
        (0, 0, "SS--", &[4], &[4, 3]),
        (0, 1, "-D--", &[2], &[2, 1]),
        (1, 0, "--SS", &[1], &[1, 1]),
        (1, 0, "--SS", &[4], &[1, 4]),
        (1, 1, "---D", &[2], &[3, 2]),
    ],
    protected_by: &[0, 0, 1, 1],
    chains: 2,
    resolutions: &[(320, 180), (640, 360)],
};

/// A structure to write.
struct Shape<'s> {
    first_id: u8,
    kinds: &'s [Kind<'s>],
    protected_by: &'s [u32],
    chains: u32,
    resolutions: &'s [(u32, u32)],
}

/// What a frame's descriptor says beyond its template.
#[derive(Clone, Copy, Default)]
struct Own<'o> {
    structure: Option<&'o Shape<'o>>,
    active: Option<u32>,
    indications: Option<&'o str>,
    references: Option<&'o [u32]>,
    chains: Option<&'o [u32]>,
}

fn below(writer: &mut BitWriter<'_>, value: u32, bound: u32) {
    let width = u32::BITS - bound.leading_zeros();
    let short = (1 << width) - bound;
    let (value, count) = if value < short {
        (value, width - 1)
    } else {
        (value + short, width)
    };
    writer.bits(value, count as usize).unwrap();
}

fn indications(writer: &mut BitWriter<'_>, of: &str) {
    for letter in of.chars() {
        writer.bits("-DSR".find(letter).unwrap() as u32, 2).unwrap();
    }
}

impl Shape<'_> {
    fn targets(&self) -> usize {
        self.kinds[0].2.len()
    }

    fn write(&self, writer: &mut BitWriter<'_>) {
        let targets = self.targets() as u32;
        writer.bits(self.first_id.into(), 6).unwrap();
        writer.bits(targets - 1, 5).unwrap();
        for pair in self.kinds.windows(2) {
            let step = match (pair[1].0 - pair[0].0, pair[1].1 as i8 - pair[0].1 as i8) {
                (0, 0) => 0,
                (0, 1) => 1,
                (1, _) if pair[1].1 == 0 => 2,
                other => panic!("no such step: {other:?}"),
            };
            writer.bits(step, 2).unwrap();
        }
        writer.bits(3, 2).unwrap();
        for kind in self.kinds {
            indications(writer, kind.2);
        }
        for kind in self.kinds {
            for reference in kind.3 {
                writer.bits(1, 1).unwrap();
                writer.bits(u32::from(*reference) - 1, 4).unwrap();
            }
            writer.bits(0, 1).unwrap();
        }
        below(writer, self.chains, targets + 1);
        if self.chains > 0 {
            for chain in self.protected_by {
                below(writer, *chain, self.chains);
            }
            for kind in self.kinds {
                for chain in kind.4 {
                    writer.bits(*chain, 4).unwrap();
                }
            }
        }
        writer
            .bits((!self.resolutions.is_empty()).into(), 1)
            .unwrap();
        for (width, height) in self.resolutions {
            writer.bits(width - 1, 16).unwrap();
            writer.bits(height - 1, 16).unwrap();
        }
    }
}

/// A descriptor of a frame's first and last packet.
fn descriptor(template_id: u8, number: u16, own: Own<'_>) -> Vec<u8> {
    let mut bytes = [0; MAX_LEN];
    let mut writer = BitWriter::new(&mut bytes);
    writer.bits(3, 2).unwrap();
    writer.bits(template_id.into(), 6).unwrap();
    writer.bits(number.into(), 16).unwrap();
    let flags = [
        own.structure.is_some(),
        own.active.is_some(),
        own.indications.is_some(),
        own.references.is_some(),
        own.chains.is_some(),
    ];
    if flags.contains(&true) {
        for flag in flags {
            writer.bits(flag.into(), 1).unwrap();
        }
    }
    if let Some(structure) = own.structure {
        structure.write(&mut writer);
    }
    if let Some(active) = own.active {
        writer.bits(active, L2T2_KEY.targets()).unwrap();
    }
    if let Some(own) = own.indications {
        indications(&mut writer, own);
    }
    if let Some(references) = own.references {
        for reference in references {
            let size = (u32::BITS - (reference - 1).leading_zeros())
                .div_ceil(4)
                .max(1);
            writer.bits(size, 2).unwrap();
            writer.bits(reference - 1, 4 * size as usize).unwrap();
        }
        writer.bits(0, 2).unwrap();
    }
    for chain in own.chains.unwrap_or_default() {
        writer.bits(*chain, 8).unwrap();
    }
    let len = writer.len();
    bytes[..len].to_vec()
}

fn key(own: Own<'_>) -> Vec<u8> {
    let structure = Some(&L2T2_KEY);
    descriptor(60, 7, Own { structure, ..own })
}

fn structure() -> Structure {
    Structure::read(&key(Own::default())).unwrap()
}

/// All kinds of descriptors of [`L2T2_KEY`], those with several things of their own too.
fn every_kind() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for bits in 0..32 {
        let own = Own {
            structure: (bits & 1 != 0).then_some(&L2T2_KEY),
            active: (bits & 2 != 0).then_some(0b0111),
            indications: (bits & 4 != 0).then_some("-RDS"),
            references: (bits & 8 != 0).then_some(&[1, 17, 16, 4096, 256]),
            chains: (bits & 16 != 0).then_some(&[255, 3]),
        };
        for id in [60, 63, 0, 1] {
            all.push(descriptor(id, 0xfffe, own));
        }
    }
    all
}

fn references(of: &[u16]) -> [u16; MAX_REFERENCES] {
    let mut all = [0; MAX_REFERENCES];
    all[..of.len()].copy_from_slice(of);
    all
}

#[test]
fn the_number_is_read_and_rewritten_and_nothing_else() {
    // Start and end of frame, template 5; the structure's flag and more behind the number.
    let mut descriptor = [0xc5, 0x12, 0x34, 0x80, 0x01];
    assert_eq!(frame_number(&descriptor), Some(0x1234));
    set_frame_number(&mut descriptor, 0xfffe).unwrap();
    assert_eq!(descriptor, [0xc5, 0xff, 0xfe, 0x80, 0x01]);
    assert_eq!(frame_number(&descriptor), Some(0xfffe));
}

#[test]
fn a_descriptor_cut_short_has_no_number() {
    for len in 0..MANDATORY_LEN {
        assert_eq!(frame_number(&[7; MANDATORY_LEN][..len]), None);
        assert_eq!(Head::read(&[7; MANDATORY_LEN][..len]), None);
        let mut cut = [7; MANDATORY_LEN];
        assert_eq!(set_frame_number(&mut cut[..len], 1), None);
        assert_eq!(cut, [7; MANDATORY_LEN]);
    }
}

#[test]
fn what_chromium_sends() {
    // H.264 without layers: a keyframe with its structure, and a later frame.
    let key = [0xc0, 0x00, 0x01, 0x80, 0x00, 0x3a, 0x41, 0x01, 0x00];
    let head = Head {
        frame_start: true,
        frame_end: true,
        template_id: 0,
        frame_number: 1,
        has_structure: true,
    };
    assert_eq!(Head::read(&key), Some(head));
    let structure = Structure::read(&key).unwrap();
    assert_eq!(structure.target_count(), 1);
    assert_eq!(structure.all_targets(), 1);
    let kinds: Vec<_> = structure.templates().iter().collect();
    assert_eq!(kinds.len(), 2);
    assert!(
        kinds
            .iter()
            .all(|kind| (kind.present, kind.switch) == (1, 1))
    );
    let first = structure.frame(&key).unwrap();
    assert_eq!(first.kind.references, references(&[]));
    let later = structure.frame(&[0xc1, 0x00, 0x02]).unwrap();
    assert_eq!(later.kind.references, references(&[1]));
    assert_eq!((later.kind.present, later.active), (1, None));
}

#[test]
fn a_structure_is_read_whole() {
    let structure = structure();
    assert_eq!(structure.templates().len(), L2T2_KEY.kinds.len());
    for (read, kind) in structure.templates().iter().zip(L2T2_KEY.kinds) {
        assert_eq!((read.spatial, read.temporal), (kind.0, kind.1));
        let mask = |letters: &str| {
            let has = kind.2.chars().map(|letter| letters.contains(letter));
            has.enumerate()
                .fold(0, |all, (at, has)| all | u32::from(has) << at)
        };
        assert_eq!(read.present, mask("DSR"));
        assert_eq!(read.switch, mask("S"));
        assert_eq!(read.discardable, mask("D"));
        assert_eq!(read.references, references(kind.3));
    }
    let tops: Vec<_> = (0..4).map(|target| structure.top_of(target)).collect();
    assert_eq!(tops, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!(structure.all_targets(), 0b1111);
    assert_eq!(structure.resolutions_by_layer(), L2T2_KEY.resolutions);
    // Behind the structure, to the bit, the frame's own fields go on.
    let own = Own {
        indications: Some("-RDS"),
        ..Own::default()
    };
    let frame = structure.frame(&key(own)).unwrap();
    assert_eq!((frame.kind.present, frame.kind.switch), (0b1110, 0b1000));
}

#[test]
fn a_frame_is_its_template_and_what_differs() {
    let structure = structure();
    // The ids wrap at 64: template 4 has the id 0.
    let plain = descriptor(0, 9, Own::default());
    assert_eq!(plain.len(), MANDATORY_LEN);
    let frame = structure.frame(&plain).unwrap();
    assert_eq!(frame.kind, structure.templates()[4]);
    assert_eq!(frame.active, None);
    let own = Own {
        active: Some(0b0011),
        indications: Some("--RS"),
        references: Some(&[1, 16, 17, 256, 257, 4096]),
        chains: Some(&[200, 9]),
        ..Own::default()
    };
    let frame = structure.frame(&descriptor(0, 9, own)).unwrap();
    assert_eq!(frame.active, Some(0b0011));
    assert_eq!((frame.kind.spatial, frame.kind.temporal), (1, 0));
    assert_eq!((frame.kind.present, frame.kind.switch), (0b1100, 0b1000));
    assert_eq!(
        frame.kind.references,
        references(&[1, 16, 17, 256, 257, 4096])
    );
}

#[test]
fn a_template_of_another_structure_is_unknown() {
    let structure = structure();
    for id in (2..60).chain([6]) {
        for own in [
            Own::default(),
            Own {
                active: Some(1),
                ..Own::default()
            },
        ] {
            let unknown = structure.frame(&descriptor(id, 1, own));
            assert_eq!(unknown, Err(FrameError::UnknownTemplate), "{id}");
        }
    }
}

#[test]
fn more_references_than_are_kept_are_refused() {
    let structure = structure();
    let nine: Vec<u32> = (1..=9).collect();
    let own = |references| Own {
        references: Some(references),
        ..Own::default()
    };
    assert!(structure.frame(&descriptor(60, 1, own(&nine[..8]))).is_ok());
    let many = structure.frame(&descriptor(60, 1, own(&nine)));
    assert_eq!(many, Err(FrameError::Malformed));
    let of_template: Vec<u16> = (1..=9).collect();
    for (count, taken) in [(8, true), (9, false)] {
        let shape = Shape {
            kinds: &[(0, 0, "S", &of_template[..count], &[])],
            protected_by: &[],
            chains: 0,
            resolutions: &[],
            ..L2T2_KEY
        };
        let structure = Some(&shape);
        let read = Structure::read(&descriptor(
            60,
            1,
            Own {
                structure,
                ..Own::default()
            },
        ));
        assert_eq!(read.is_some(), taken);
    }
}

#[test]
fn a_structure_out_of_bounds_is_refused() {
    fn read(kinds: &[Kind<'_>]) -> Option<Structure> {
        let shape = Shape {
            first_id: 0,
            kinds,
            protected_by: &[],
            chains: 0,
            resolutions: &[],
        };
        let structure = Some(&shape);
        let own = Own {
            structure,
            ..Own::default()
        };
        Structure::read(&descriptor(0, 1, own))
    }
    let flat = vec![(0, 0, "S", &[][..], &[][..]); MAX_TEMPLATES + 1];
    assert_eq!(read(&flat[..MAX_TEMPLATES]).unwrap().templates().len(), 64);
    assert_eq!(read(&flat), None, "more templates than ids");
    let temporal: Vec<Kind<'_>> = (0..9).map(|at| (0, at, "S", &[][..], &[][..])).collect();
    assert!(read(&temporal[..8]).is_some());
    assert_eq!(read(&temporal), None, "a ninth temporal layer");
    let spatial: Vec<Kind<'_>> = (0..5).map(|at| (at, 0, "S", &[][..], &[][..])).collect();
    assert!(read(&spatial[..4]).is_some());
    assert_eq!(read(&spatial), None, "a fifth spatial layer");
    let thirty_two = "S".repeat(32);
    let most = read(&[(0, 0, &thirty_two, &[], &[])]).unwrap();
    assert_eq!((most.target_count(), most.all_targets()), (32, u32::MAX));
}

#[test]
fn what_is_cut_short_is_refused_and_never_read_otherwise() {
    let structure = structure();
    for whole in every_kind() {
        let expected = structure.frame(&whole).unwrap();
        for len in 0..whole.len() {
            let cut = &whole[..len];
            if Head::read(cut).is_some_and(|head| head.has_structure) {
                let read = Structure::read(cut);
                assert!(read.is_none_or(|read| read == structure));
            }
            match structure.frame(cut) {
                // Nothing but the three bytes: the template alone.
                Ok(frame) => assert!(len == MANDATORY_LEN || frame == expected),
                Err(error) => assert_eq!(error, FrameError::Malformed),
            }
        }
    }
}

#[test]
fn a_descriptor_is_written_with_another_number_and_mask_and_all_else_the_same() {
    let structure = structure();
    for source in every_kind() {
        let before = structure.frame(&source).unwrap();
        let head = Head::read(&source).unwrap();
        for mask in 0..16 {
            let mut out = [0xee; MAX_LEN];
            let len = write(&source, 0x1234, Some((mask, before.mask)), &mut out).unwrap();
            let written = &out[..len];
            let after = structure.frame(written).unwrap();
            assert_eq!(after.active, Some(mask));
            assert_eq!(after.kind, before.kind);
            let expected = Head {
                frame_number: 0x1234,
                ..head
            };
            assert_eq!(Head::read(written), Some(expected));
            if head.has_structure {
                assert_eq!(Structure::read(written).as_ref(), Some(&structure));
            }
            // Written back, it is what it was.
            if let Some(active) = before.active {
                let mut back = [0; MAX_LEN];
                let place = Some((active, after.mask));
                let len = write(written, head.frame_number, place, &mut back).unwrap();
                assert_eq!(back[..len], source);
            }
        }
        let mut out = [0xee; MAX_LEN];
        let len = write(&source, 0x1234, None, &mut out).unwrap();
        assert_eq!((len, &out[3..len]), (source.len(), &source[3..]));
        assert_eq!(frame_number(&out), Some(0x1234));
    }
}

#[test]
fn a_mask_takes_the_least_bytes() {
    let structure = structure();
    let mut out = [0; MAX_LEN];
    let plain = descriptor(61, 1, Own::default());
    let place = structure.frame(&plain).unwrap().mask;
    let len = write(&plain, 2, Some((0b0011, place)), &mut out).unwrap();
    // Flags 01000, then target 3 first.
    assert_eq!(out[..len], [0xfd, 0, 2, 0b0100_0001, 0b1000_0000]);
    // What was zero padding takes the mask up.
    let mut padded = descriptor(
        61,
        1,
        Own {
            chains: Some(&[1, 2]),
            ..Own::default()
        },
    );
    padded.extend([0; 9]);
    let place = structure.frame(&padded).unwrap().mask;
    assert_eq!(write(&padded, 2, Some((1, place)), &mut out), Some(7));
}

#[test]
fn what_does_not_fit_is_not_written() {
    let structure = structure();
    let mut out = [0; MAX_LEN];
    let place = structure.frame(&[0xfd, 0, 1]).unwrap().mask;
    assert_eq!(write(&[], 1, None, &mut out), None);
    assert_eq!(write(&[1, 2], 1, Some((1, place)), &mut out), None);
    assert_eq!(write(&[0; MAX_LEN + 1], 1, None, &mut out), None);
    // A place of another descriptor, which reaches past the end of this one.
    let long = structure.frame(&key(Own::default())).unwrap().mask;
    assert_eq!(
        write(&[0xfd, 0, 1, 0x20], 1, Some((1, long)), &mut out),
        None
    );
}

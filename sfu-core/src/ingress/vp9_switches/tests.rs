use super::*;
use crate::wire::codec::vp9;

/// A stream of pictures, each 3000 ticks after the one before.
struct Stream {
    switches: Vp9Switches,
    next: u64,
}

/// One picture: its temporal layer, U, P, and in flexible mode what it rests on.
#[derive(Clone, Copy)]
struct Picture<'r> {
    temporal: u8,
    up: bool,
    inter: bool,
    references: Option<&'r [u8]>,
}

const fn inter(temporal: u8, up: bool) -> Picture<'static> {
    Picture {
        temporal,
        up,
        inter: true,
        references: None,
    }
}

const fn flexible(temporal: u8, references: &[u8]) -> Picture<'_> {
    Picture {
        temporal,
        up: true,
        inter: true,
        references: Some(references),
    }
}

const KEY: Picture<'_> = Picture {
    temporal: 0,
    up: true,
    inter: false,
    references: None,
};

impl Stream {
    fn new() -> Self {
        Self {
            switches: Vp9Switches::new(),
            next: 200,
        }
    }

    fn packet(&self, picture: Picture<'_>, spatial: u8) -> Vp9Descriptor {
        let flags = 0x80
            | u8::from(picture.inter) << 6
            | 0x20
            | u8::from(picture.references.is_some()) << 4
            | 0x08;
        let [high, low] = (self.next as u16 & 0x7fff | 0x8000).to_be_bytes();
        let layers = picture.temporal << 5 | u8::from(picture.up) << 4 | spatial << 1;
        let mut payload = vec![flags, high, low, layers];
        match picture.references {
            None => payload.push(7),
            Some(references) => {
                for (at, reference) in references.iter().enumerate() {
                    payload.push(reference << 1 | u8::from(at + 1 < references.len()));
                }
            }
        }
        payload.push(0x99);
        vp9::parse(&payload).unwrap()
    }

    /// Two spatial layers, both of which are the same kind of frame.
    fn picture(&mut self, picture: Picture<'_>) -> bool {
        let timestamp = self.next as u32 * 3000;
        let lower = self.packet(picture, 0);
        let upper = self.packet(picture, 1);
        let first = self.switches.note(2 * self.next, timestamp, &lower);
        let second = self.switches.note(2 * self.next + 1, timestamp, &upper);
        assert_eq!(first, second);
        self.next += 1;
        first
    }

    fn pictures(&mut self, pictures: &[Picture<'_>]) -> Vec<bool> {
        pictures.iter().map(|one| self.picture(*one)).collect()
    }
}

#[test]
fn the_first_of_each_layer_behind_a_switching_up_picture_is_a_switch() {
    let mut stream = Stream::new();
    stream.picture(KEY);
    // T0 with U, then T2, T1, T2: a second T2 may rest on the first.
    let pattern = [
        inter(0, true),
        inter(2, false),
        inter(1, false),
        inter(2, false),
    ];
    assert_eq!(stream.pictures(&pattern), [false, true, true, false]);
    // Without U nothing opens again, before a picture that says so.
    let without = [
        inter(0, false),
        inter(2, false),
        inter(1, false),
        inter(2, false),
    ];
    assert_eq!(stream.pictures(&without), [false; 4]);
    assert_eq!(stream.pictures(&pattern), [false, true, true, false]);
    // U of a T1 picture speaks of T2 alone.
    let middle = [
        inter(0, false),
        inter(1, true),
        inter(2, false),
        inter(1, false),
    ];
    assert_eq!(stream.pictures(&middle), [false, false, true, false]);
}

#[test]
fn behind_a_keyframe_every_layer_is_open() {
    let mut stream = Stream::new();
    let key = Picture { up: false, ..KEY };
    let pictures = [key, inter(2, false), inter(1, false), inter(2, false)];
    assert_eq!(stream.pictures(&pictures), [false, true, true, false]);
}

#[test]
fn flexible_mode_is_held_to_its_references() {
    let mut stream = Stream::new();
    stream.picture(KEY);
    // As Chromium does: U in every picture, and what they rest on is their own layer at times.
    let pattern = [
        flexible(0, &[1]),
        flexible(2, &[1]),
        flexible(1, &[2]),
        flexible(2, &[1, 3]),
        flexible(0, &[4]),
        flexible(2, &[1, 2]),
        flexible(1, &[2]),
        flexible(2, &[1]),
    ];
    let switches = stream.pictures(&pattern);
    assert_eq!(
        switches,
        [false, true, true, true, false, false, true, true]
    );
    // A picture that was never seen may have been of any layer.
    let unseen = [flexible(0, &[4]), flexible(2, &[120])];
    assert_eq!(stream.pictures(&unseen), [false, false]);
}

#[test]
fn ids_and_numbers_wrap_and_late_packets_say_nothing() {
    let mut stream = Stream::new();
    stream.next = 0x7ffe;
    stream.picture(KEY);
    let pattern = [
        flexible(0, &[1]),
        flexible(1, &[1]),
        flexible(0, &[2]),
        flexible(1, &[1]),
    ];
    assert_eq!(stream.pictures(&pattern), [false, true, false, true]);
    let late = stream.packet(inter(1, true), 0);
    assert!(!stream.switches.note(3, 5, &late));
    assert_eq!(stream.pictures(&pattern[2..]), [false, true]);
}

#[test]
fn a_packet_of_another_layer_than_its_picture_is_no_switch() {
    let mut stream = Stream::new();
    stream.picture(KEY);
    let [first, second] = [inter(1, true), inter(0, true)].map(|it| stream.packet(it, 0));
    assert!(stream.switches.note(900, 9, &first));
    assert!(!stream.switches.note(901, 9, &second));
}

#[test]
fn any_descriptor_is_taken() {
    let mut switches = Vp9Switches::new();
    for temporal in 0..8 {
        for bits in 0..32u8 {
            let payload = [
                0xb8 | bits << 2 & 0x40,
                bits,
                temporal << 5 | bits & 0x1f,
                1,
                1,
                1,
            ];
            if let Some(descriptor) = vp9::parse(&payload) {
                switches.note(bits.into(), u32::from(bits) * 7, &descriptor);
            }
        }
    }
}

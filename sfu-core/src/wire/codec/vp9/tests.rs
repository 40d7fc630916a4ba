use super::*;

/// The first packet of a key picture as libwebrtc sends it in L3T3_KEY: I, L, B and V set, a wide
/// picture id, layers and TL0PICIDX, then a structure of three resolutions and four pictures.
const KEY_PICTURE: &[u8] = &[
    0xaa, 0x92, 0x34, 0x00, 0x56, // I L B V, picture id, T0 S0, TL0PICIDX
    0x58, 0x00, 0xa0, 0x00, 0x5a, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, // sizes
    0x04, 0x04, 0x04, 0x54, 0x01, 0x34, 0x02, 0x58, 0x01, 0x02, // pictures
    0x82, 0x49, // the frame
];

#[test]
fn a_key_picture_with_its_structure() {
    let parsed = parse(KEY_PICTURE).unwrap();
    assert_eq!(
        parsed,
        Vp9Descriptor {
            picture_id: Some(PictureId {
                value: 0x1234,
                wide: true
            }),
            inter_picture: false,
            flexible: false,
            frame_start: true,
            frame_end: false,
            temporal_id: Some(0),
            switching_up: false,
            spatial_id: Some(0),
            inter_layer: false,
            references: [0; 3],
            tl0_picture_index: Some(0x56),
            spatial_layers: Some(3),
            resolution: Some((640, 360)),
            descriptor_len: KEY_PICTURE.len() as u16 - 2,
            is_keyframe: true,
        }
    );
}

#[test]
fn the_shortest_descriptor_is_one_byte() {
    let parsed = parse(&[0x08, 1]).unwrap();
    assert!(parsed.is_keyframe && parsed.frame_start);
    assert_eq!((parsed.descriptor_len, parsed.picture_id), (1, None));
    assert!(!parse(&[0x48, 1]).unwrap().is_keyframe, "P");
    assert!(!parse(&[0x00, 1]).unwrap().is_keyframe, "no first packet");
    assert!(parse(&[0x04, 1]).unwrap().frame_end);
}

#[test]
fn only_the_base_layer_starts_a_keyframe() {
    for spatial_id in 0..=7 {
        let parsed = parse(&[0x28, spatial_id << 1 | 1, 9, 1]).unwrap();
        assert_eq!(parsed.spatial_id, Some(spatial_id));
        assert!(parsed.inter_layer);
        assert_eq!(parsed.is_keyframe, spatial_id == 0);
    }
}

#[test]
fn layers_are_read() {
    let parsed = parse(&[0x60, 0xb4, 7, 1]).unwrap();
    assert_eq!((parsed.temporal_id, parsed.spatial_id), (Some(5), Some(2)));
    assert!(parsed.switching_up && !parsed.inter_layer && parsed.inter_picture);
    assert_eq!(parsed.tl0_picture_index, Some(7));
}

#[test]
fn flexible_mode_has_references_and_no_tl0() {
    // I, P, L, F, B: a narrow picture id, layers, two references.
    let parsed = parse(&[0xf8, 0x05, 0x20, 0x03, 0x04, 1]).unwrap();
    assert!(parsed.flexible && parsed.inter_picture);
    assert_eq!(parsed.tl0_picture_index, None);
    assert_eq!(parsed.descriptor_len, 5);
    assert_eq!(parsed.references, [1, 2, 0]);
    // A fourth reference cannot be.
    assert_eq!(parse(&[0xf8, 5, 0x20, 3, 3, 3, 2, 1]), None);
    // Nor can flexible mode without a picture id (RFC 9628 section 4.2).
    assert_eq!(parse(&[0x18, 1, 1, 1]), None);
}

#[test]
fn a_descriptor_cut_short_or_bare_is_refused() {
    for len in 0..KEY_PICTURE.len() - 1 {
        assert_eq!(parse(&KEY_PICTURE[..len]), None, "{len}");
        let mut cut = KEY_PICTURE[..len].to_vec();
        let bare = len == KEY_PICTURE.len() - 2;
        assert_eq!(patch(&mut cut, Some(1), Some(1)).is_some(), bare);
        assert_eq!(cut == KEY_PICTURE[..len], !bare);
    }
    // A structure that claims more pictures than there are bytes.
    assert_eq!(parse(&[0x02, 0x08, 255, 4, 1, 4, 1]), None);
}

#[test]
fn rewriting_keeps_the_width_and_everything_else() {
    for original in [KEY_PICTURE, &[0xe8, 0x05, 0x20, 0x77, 1, 2]] {
        let before = parse(original).unwrap();
        let mut patched = original.to_vec();
        patch(&mut patched, Some(0x7abc), Some(0xee)).unwrap();
        let after = parse(&patched).unwrap();
        let id = before.picture_id.unwrap();
        let value = if id.wide { 0x7abc } else { 0x3c };
        assert_eq!(
            after,
            Vp9Descriptor {
                picture_id: Some(PictureId { value, ..id }),
                tl0_picture_index: Some(0xee),
                ..before
            }
        );
        let len = usize::from(before.descriptor_len);
        assert_eq!(patched[len..], original[len..]);
        let (id, tl0) = (Some(id.value), before.tl0_picture_index);
        patch(&mut patched, id, tl0).unwrap();
        assert_eq!(patched, original);
    }
}

/// The fronts of payloads of Chromium 156 in L2T3_KEY, as its fake camera gave them: flexible mode.
#[test]
fn what_chromium_sends() {
    let key = [
        0xbe, 0xd6, 0x6c, 0x10, 0x30, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0x83, 0x49,
        0x83, 0x42, 0x00,
    ];
    let base = parse(&key).unwrap();
    assert!(base.is_keyframe && base.flexible && base.frame_start && base.frame_end);
    assert_eq!(base.picture_id.map(|id| id.value), Some(0x566c));
    assert_eq!((base.temporal_id, base.spatial_id), (Some(0), Some(0)));
    assert!(base.switching_up);
    assert_eq!(base.resolution, Some((640, 360)));
    // The same picture's upper layer, in three packets.
    for (front, start, end) in [
        ([0xb9, 0xd6, 0x6c, 0x13, 0x87, 0x02], true, false),
        ([0xb1, 0xd6, 0x6c, 0x13, 0xb6, 0x5e], false, false),
        ([0xb5, 0xd6, 0x6c, 0x13, 0x84, 0x3b], false, true),
    ] {
        let upper = parse(&front).unwrap();
        assert_eq!((upper.frame_start, upper.frame_end), (start, end));
        assert_eq!(upper.spatial_id, Some(1));
        assert!(upper.inter_layer && !upper.inter_picture && !upper.is_keyframe);
    }
    // A later picture, which rests on the one before.
    let inter = parse(&[0xfd, 0xd6, 0x6b, 0x50, 0x02, 0x87, 0x00]).unwrap();
    assert!(inter.inter_picture && !inter.is_keyframe);
    assert_eq!((inter.temporal_id, inter.descriptor_len), (Some(2), 5));
    assert_eq!(inter.references, [1, 0, 0]);
}

use super::*;

fn elements(profile: u16, data: &[u8]) -> Vec<(u8, &[u8])> {
    iter(profile, data).collect()
}

/// Writes, and returns the profile word and the data.
fn written(elements: &[(u8, &[u8])]) -> (u16, Vec<u8>) {
    let mut writer = ExtensionWriter::new();
    for &(id, value) in elements {
        assert!(writer.push(id, value));
    }
    let mut out = vec![0xff; writer.encoded_len()];
    writer.write(&mut out);
    let words = usize::from(be16(&out, 2).unwrap());
    assert_eq!(out.len(), 4 + 4 * words);
    (be16(&out, 0).unwrap(), out[4..].to_vec())
}

#[test]
fn the_one_byte_example_of_rfc_8285_is_read() {
    // Section 4.2: lengths 1, 2 with padding after, and 4.
    let data = [0x10, 0xaa, 0x21, 0xb1, 0xb2, 0, 0, 0x33, 1, 2, 3, 4];
    let want: [(u8, &[u8]); 3] = [(1, &[0xaa]), (2, &[0xb1, 0xb2]), (3, &[1, 2, 3, 4])];
    assert_eq!(elements(0xbede, &data), want);
    assert_eq!(find(0xbede, &data, 3), Some(&[1, 2, 3, 4][..]));
    assert_eq!(find(0xbede, &data, 4), None);
}

#[test]
fn the_two_byte_example_of_rfc_8285_is_read() {
    // Section 4.3: lengths 0, 1 with padding after, and 4; any application bits.
    let data = [1, 0, 2, 1, 0xbb, 0, 200, 4, 1, 2, 3, 4];
    let want: [(u8, &[u8]); 3] = [(1, &[]), (2, &[0xbb]), (200, &[1, 2, 3, 4])];
    for profile in 0x1000..=0x100f {
        assert_eq!(elements(profile, &data), want);
    }
}

#[test]
fn other_profiles_have_no_elements() {
    for profile in [0, 0x0fff, 0x1010, 0xbedd, 0xbedf, 0xffff] {
        assert_eq!(elements(profile, &[0x10, 1, 0x20, 2]), []);
    }
}

#[test]
fn id_15_and_a_padding_id_with_a_length_end_the_one_byte_walk() {
    for end in [0xf0, 0xff, 0x01, 0x0f] {
        let data = [0x10, 1, end, 2, 0x30, 3];
        assert_eq!(elements(0xbede, &data), [(1, &[1][..])]);
    }
    // In the two-byte form 15 is an id like any other.
    assert_eq!(elements(0x1000, &[15, 1, 7]), [(15, &[7][..])]);
}

#[test]
fn an_element_cut_short_ends_the_walk_for_good() {
    let mut walk = iter(0xbede, &[0x10, 1, 0x23, 2, 3]);
    assert_eq!(walk.next(), Some((1, &[1][..])));
    assert_eq!(walk.next(), None);
    assert_eq!(walk.next(), None);
    assert_eq!(elements(0xbede, &[0x10]), []);
    assert_eq!(elements(0x1000, &[1]), []);
    assert_eq!(elements(0x1000, &[1, 2, 9]), []);
}

#[test]
fn written_elements_read_back_in_the_smallest_form() {
    let short: &[(u8, &[u8])] = &[(1, b"a"), (14, &[7; 16]), (4, b"mid")];
    let (profile, data) = written(short);
    assert_eq!(profile, 0xbede);
    assert_eq!(elements(profile, &data), short);
    for odd in [(15, &b"a"[..]), (255, b"b"), (3, b""), (3, &[9; 17])] {
        let mut all = short.to_vec();
        all.push(odd);
        let (profile, data) = written(&all);
        assert_eq!(profile, 0x1000);
        assert_eq!(elements(profile, &data), all);
    }
}

#[test]
fn every_length_reads_back_and_is_padded_with_zeros() {
    for len in 0..=255 {
        let value = vec![0xee; len];
        let (profile, data) = written(&[(5, &value), (6, b"!")]);
        assert_eq!(profile == 0xbede, (1..=16).contains(&len));
        assert_eq!(data.len() % 4, 0);
        assert_eq!(elements(profile, &data), [(5, &value[..]), (6, b"!")]);
        let used = len + 1 + if profile == 0xbede { 2 } else { 4 };
        assert!(data[used..].iter().all(|&byte| byte == 0) && data.len() - used < 4);
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let long = [0; 256];
    let mut writer = ExtensionWriter::new();
    assert!(!writer.push(0, b"x"));
    assert!(!writer.push(1, &long));
    assert!(writer.is_empty());
    assert_eq!(writer.encoded_len(), 0);
    for id in 1..=MAX_ELEMENTS {
        assert!(writer.push(id as u8, b"x"));
    }
    assert!(!writer.push(1, b"x"));
}

#[test]
fn the_largest_extension_is_written_whole() {
    let value = [3; 255];
    let all = [(9, &value[..]); MAX_ELEMENTS];
    let (profile, data) = written(&all);
    assert_eq!(elements(profile, &data), all);
}

#[test]
fn audio_levels_are_read() {
    for byte in 0..=255 {
        let level = audio_level(&[byte]).unwrap();
        assert_eq!(level.voice, byte >= 128);
        assert_eq!(level.level_dbov, byte % 128);
        assert_eq!(level.to_byte(), byte);
    }
    assert_eq!(audio_level(&[]), None);
    assert_eq!(audio_level(&[1, 0]), None);
}

#[test]
fn numbers_have_exactly_their_width() {
    assert_eq!(transport_sequence(&[0x12, 0x34]), Some(0x1234));
    assert_eq!(transport_sequence(&[0x12]), None);
    assert_eq!(transport_sequence(&[1, 2, 3]), None);
    assert_eq!(abs_send_time(&[0x12, 0x34, 0x56]), Some(0x12_3456));
    assert_eq!(abs_send_time(&[1, 2]), None);
    assert_eq!(abs_send_time(&[1, 2, 3, 4]), None);
    assert_eq!(abs_send_time_bytes(0xff12_3456), [0x12, 0x34, 0x56]);
}

#[test]
fn names_are_tokens_that_fit() {
    assert_eq!(mid(b"0").unwrap().as_str(), "0");
    assert_eq!(mid(b"a!#$%&'*+-.^_`{|").unwrap().len(), 16);
    assert_eq!(mid(b"12345678901234567"), None);
    assert_eq!(rid(b"hi-_9").unwrap().as_str(), "hi-_9");
    assert_eq!(mid(b""), None);
    assert_eq!(rid(b""), None);
    for byte in 0..=255u8 {
        // RFC 8866 section 9: token-char.
        let is_token = matches!(byte, 0x21 | 0x23..=0x27 | 0x2a..=0x2b | 0x2d..=0x2e
            | 0x30..=0x39 | 0x41..=0x5a | 0x5e..=0x7e);
        assert_eq!(mid(&[byte]).is_some(), is_token, "{byte:#x}");
        let is_rid = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        assert_eq!(rid(&[byte]).is_some(), is_rid, "{byte:#x}");
    }
}

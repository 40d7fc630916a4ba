use super::*;
use crate::wire::extensions;

const WRITER: RtpWriter = RtpWriter {
    marker: true,
    payload_type: PayloadType(96),
    sequence: 0x1234,
    timestamp: 0x5678_9abc,
    ssrc: Ssrc(0xdead_beef),
    padding: false,
};

/// Version 2, two CSRCs, an extension of two words, payload type 111, no marker.
fn with_everything() -> Vec<u8> {
    let mut packet = vec![0xb2, 111, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5];
    packet.extend([0, 0, 0, 1, 0, 0, 0, 2]);
    packet.extend([0xbe, 0xde, 0, 2, 0x10, 0xaa, 0, 0x31, 1, 2, 0, 0]);
    packet.extend([0x55; 10]);
    packet.extend([0, 0, 3]);
    packet
}

#[test]
fn a_header_with_everything_is_read() {
    let packet = with_everything();
    let header = RtpHeader::parse_decrypted(&packet).unwrap();
    assert_eq!(
        header,
        RtpHeader {
            marker: false,
            payload_type: PayloadType(111),
            sequence: 7,
            timestamp: 9,
            ssrc: Ssrc(5),
            csrc_count: 2,
            extension_profile: 0xbede,
            extension_start: 24,
            extension_len: 8,
            header_len: 32,
            has_padding: true,
            padding_len: 3,
        }
    );
    assert_eq!(header.extension(&packet), &packet[24..32]);
    assert_eq!(&packet[header.payload_range(packet.len())], &[0x55; 10]);
}

#[test]
fn an_encrypted_packets_last_byte_is_not_taken_for_padding() {
    let mut packet = with_everything();
    *packet.last_mut().unwrap() = 0;
    let header = RtpHeader::parse(&packet).unwrap();
    assert!(header.has_padding);
    assert_eq!(header.padding_len, 0);
    assert_eq!(header.parse_padding(&packet), None);
}

#[test]
fn padding_is_1_to_all_of_the_body() {
    let mut packet = with_everything();
    let header = RtpHeader::parse(&packet).unwrap();
    let body = u8::try_from(packet.len() - usize::from(header.header_len)).unwrap();
    for count in 0..=255 {
        *packet.last_mut().unwrap() = count;
        let want = (1..=body).contains(&count).then_some(count);
        assert_eq!(header.parse_padding(&packet), want, "count {count}");
    }
    // The padding bit over no body at all.
    assert_eq!(header.parse_padding(&packet[..32]), None);
    *packet.last_mut().unwrap() = body;
    let header = RtpHeader::parse_decrypted(&packet).unwrap();
    assert!(header.payload_range(packet.len()).is_empty());
    assert!(header.payload_range(0).is_empty());
}

#[test]
fn truncated_headers_and_other_versions_are_refused() {
    let packet = with_everything();
    for len in 0..packet.len() {
        assert_eq!(RtpHeader::parse(&packet[..len]).is_some(), len >= 32);
    }
    for version in [0x00, 0x40, 0xc0] {
        let mut packet = packet.clone();
        packet[0] = packet[0] & 0x3f | version;
        assert_eq!(RtpHeader::parse(&packet), None);
    }
}

#[test]
fn an_extension_longer_than_offsets_can_say_is_refused() {
    let mut packet = vec![0; 300_000];
    packet[0] = 0x90;
    packet[14] = 0xff;
    packet[15] = 0xff;
    assert_eq!(RtpHeader::parse(&packet), None);
    packet[14] = 0x3f;
    packet[15] = 0x00;
    assert!(RtpHeader::parse(&packet).is_some());
}

#[test]
fn a_written_header_reads_back() {
    for (marker, padding) in [(false, false), (true, false), (false, true), (true, true)] {
        let writer = RtpWriter {
            marker,
            padding,
            ..WRITER
        };
        let mut extensions = ExtensionWriter::new();
        assert!(extensions.push(3, &[7, 8]));
        let mut packet = [0xff; 40];
        let len = writer.write_header(&mut packet, &extensions).unwrap();
        assert_eq!(len, 12 + 4 + 4);
        packet[39] = 1;
        let header = RtpHeader::parse_decrypted(&packet).unwrap();
        assert_eq!(header.marker, marker);
        assert_eq!(header.has_padding, padding);
        assert_eq!(header.padding_len, u8::from(padding));
        assert_eq!(header.payload_type, writer.payload_type);
        assert_eq!(header.sequence, writer.sequence);
        assert_eq!(header.timestamp, writer.timestamp);
        assert_eq!(header.ssrc, writer.ssrc);
        assert_eq!(header.csrc_count, 0);
        assert_eq!(usize::from(header.header_len), len);
        let read = extensions::iter(header.extension_profile, header.extension(&packet));
        assert_eq!(read.collect::<Vec<_>>(), [(3, &[7, 8][..])]);
    }
}

#[test]
fn a_header_without_extensions_has_no_extension_bit() {
    let mut out = [0; 12];
    let len = WRITER.write_header(&mut out, &ExtensionWriter::new());
    assert_eq!(len, Some(12));
    assert_eq!(out, *b"\x80\xe0\x12\x34\x56\x78\x9a\xbc\xde\xad\xbe\xef");
}

#[test]
fn a_buffer_too_short_is_left_alone() {
    let mut extensions = ExtensionWriter::new();
    assert!(extensions.push(1, b"0"));
    let mut out = [9; 20];
    for len in 0..20 {
        assert_eq!(WRITER.write_header(&mut out[..len], &extensions), None);
    }
    assert_eq!(out, [9; 20]);
    assert_eq!(WRITER.write_header(&mut out, &extensions), Some(20));
}

#[test]
fn padding_ends_in_its_count() {
    let mut out = [9; 256];
    assert_eq!(write_padding(&mut out), None);
    assert_eq!(write_padding(&mut []), None);
    assert_eq!(write_padding(&mut out[..255]), Some(()));
    assert_eq!((out[0], out[253], out[254], out[255]), (0, 0, 255, 9));
    assert_eq!(write_padding(&mut out[..1]), Some(()));
    assert_eq!(out[0], 1);
}

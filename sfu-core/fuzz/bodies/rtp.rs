//! Any bytes as a datagram, an RTP packet and its header extensions.

use sfu_core::wire::demux::{self, DatagramKind};
use sfu_core::wire::extensions::{self, AbsCaptureTime, ExtensionWriter};
use sfu_core::wire::rtp::{RtpHeader, RtpWriter};

/// Reads `data`, and checks that what was read stays within it and survives being written.
pub(crate) fn check(data: &[u8]) {
    let kind = demux::classify(data);
    let header = RtpHeader::parse(data);
    if header.is_some() {
        assert!(matches!(kind, Some(DatagramKind::Rtp | DatagramKind::Rtcp)));
    }
    let Some(header) = header else {
        assert_eq!(RtpHeader::parse_decrypted(data), None);
        return;
    };
    assert!(usize::from(header.header_len) <= data.len());
    let extension = header.extension(data);
    assert_eq!(extension.len(), usize::from(header.extension_len));
    if let Some(whole) = RtpHeader::parse_decrypted(data) {
        assert_eq!(whole.padding_len > 0, whole.has_padding);
        let payload = whole.payload_range(data.len());
        let start = usize::from(whole.header_len);
        assert_eq!(payload.start, start);
        assert_eq!(payload.end + usize::from(whole.padding_len), data.len());
    }
    // Offsets of one packet on another, shorter one.
    for len in [0, data.len() / 2] {
        let _ = header.parse_padding(&data[..len]);
        let _ = header.extension(&data[..len]);
        let _ = header.payload_range(len);
    }
    rewrite(header, header.extension_profile, extension);
}

/// Every element read is an element written and read again.
fn rewrite(header: RtpHeader, profile: u16, extension: &[u8]) {
    let mut writer = ExtensionWriter::new();
    let mut kept = Vec::new();
    let mut bytes = 0;
    for (id, value) in extensions::iter(profile, extension) {
        bytes += 1 + value.len();
        assert!(id != 0 && bytes <= extension.len());
        assert!(extensions::find(profile, extension, id).is_some());
        typed(value);
        if writer.push(id, value) {
            kept.push((id, value));
        }
    }
    let fields = RtpWriter {
        marker: header.marker,
        payload_type: header.payload_type,
        sequence: header.sequence,
        timestamp: header.timestamp,
        ssrc: header.ssrc,
        padding: false,
    };
    let mut out = vec![0; 12 + writer.encoded_len()];
    assert_eq!(fields.write_header(&mut out, &writer), Some(out.len()));
    let again = RtpHeader::parse_decrypted(&out).expect("what was written reads back");
    assert_eq!(usize::from(again.header_len), out.len());
    assert_eq!(
        (again.marker, again.payload_type, again.sequence),
        (header.marker, header.payload_type, header.sequence)
    );
    assert_eq!(
        (again.timestamp, again.ssrc),
        (header.timestamp, header.ssrc)
    );
    let read = extensions::iter(again.extension_profile, again.extension(&out));
    assert_eq!(read.collect::<Vec<_>>(), kept);
}

/// The values of every kind of element.
fn typed(value: &[u8]) {
    if let Some(level) = extensions::audio_level(value) {
        assert_eq!(value, [level.to_byte()]);
    }
    if let Some(time) = extensions::abs_send_time(value) {
        assert_eq!(value, extensions::abs_send_time_bytes(time));
    }
    if let Some(sequence) = extensions::transport_sequence(value) {
        assert_eq!(value, sequence.to_be_bytes());
    }
    if let Some(time) = AbsCaptureTime::parse(value) {
        let long = AbsCaptureTime::bytes(time.captured, time.clock_offset.unwrap_or(0));
        assert_eq!(long[..value.len()], *value);
    }
    if let &[least_high, middle, greatest_low] = value {
        let least = u16::from_be_bytes([least_high, middle]) >> 4;
        let greatest = u16::from_be_bytes([middle & 0xf, greatest_low]);
        let is_delay = extensions::is_playout_delay(&[least_high, middle, greatest_low]);
        assert_eq!(is_delay, least <= greatest);
    }
    for name in [extensions::mid(value), extensions::rid(value)] {
        assert!(name.is_none_or(|name| name.as_bytes() == value));
    }
}

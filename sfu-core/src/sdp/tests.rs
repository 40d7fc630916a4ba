//! Offers of Chromium 156 and Firefox 153 as they wrote them (`fixtures/`), bent in one place each.

mod codecs;
mod hostile;
mod reading;
mod writing;

use super::read_offer;
use crate::media::session::{
    DtlsRole, Fingerprint, IceCredentials, LocalTransport, OfferError, OfferedSession,
};

/// A data channel, three idle audio and three idle video sections.
const CHROMIUM_JOIN: &str = include_str!("fixtures/chromium_join.sdp");
/// The same, with a microphone and a camera of three VP8 encodings.
const CHROMIUM_PUBLISH: &str = include_str!("fixtures/chromium_publish.sdp");
const FIREFOX_JOIN: &str = include_str!("fixtures/firefox_join.sdp");
const FIREFOX_PUBLISH: &str = include_str!("fixtures/firefox_publish.sdp");
const ALL: [&str; 4] = [
    CHROMIUM_JOIN,
    CHROMIUM_PUBLISH,
    FIREFOX_JOIN,
    FIREFOX_PUBLISH,
];

/// The fewest lines that are an offer: one audio section.
const SMALL: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
    a=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\na=rtcp-mux\r\n\
    a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:\
    10:11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f\r\n\
    a=rtpmap:111 OPUS/48000/2\r\n";

fn read(text: &str) -> OfferedSession {
    read_offer(text).unwrap()
}

fn refusal(text: &str) -> OfferError {
    read_offer(text).unwrap_err()
}

/// `text` with one part replaced, which must be there.
fn bend(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in the offer");
    text.replace(from, to)
}

/// [`SMALL`] with lines added to its section.
fn with(lines: &[&str]) -> String {
    let mut text = SMALL.to_owned();
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text
}

fn local() -> LocalTransport {
    LocalTransport {
        ice: IceCredentials {
            ufrag: "ours".try_into().unwrap(),
            pwd: "our+password/of24letters".try_into().unwrap(),
        },
        fingerprint: Fingerprint([0xAB; 32]),
        dtls_role: DtlsRole::Passive,
        candidates: vec![
            "192.0.2.1:7882".parse().unwrap(),
            "[2001:db8::1]:7882".parse().unwrap(),
            "192.0.2.1:7883".parse().unwrap(),
        ],
    }
}

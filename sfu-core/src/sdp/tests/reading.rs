use super::*;
use crate::id::{PayloadType, Ssrc};
use crate::media::codec::{Codec, MediaKind};
use crate::media::format::{FormatParameters, PayloadMapping};
use crate::media::session::{Direction, SctpParameters, SectionKind};

const VIDEO: SectionKind = SectionKind::Media(MediaKind::Video);
const AUDIO: SectionKind = SectionKind::Media(MediaKind::Audio);

#[test]
fn a_join_of_chromium() {
    let offer = read(CHROMIUM_JOIN);
    let kinds: Vec<_> = offer.sections.iter().map(|s| s.kind).collect();
    let data = SectionKind::Data(SctpParameters {
        port: 5000,
        max_message_size: 262_144,
    });
    let expected = [AUDIO, AUDIO, AUDIO, VIDEO, VIDEO, VIDEO, data];
    assert_eq!(kinds, expected);
    assert_eq!(offer.transport.dtls_role, DtlsRole::Passive);
    assert_eq!(offer.transport.ice.ufrag.len(), 4);
    assert_eq!(offer.transport.ice.pwd.len(), 24);
    let video = &offer.sections[3];
    assert_eq!(video.mid.as_str(), "3");
    assert_eq!(video.direction, Direction::RecvOnly);
    assert!(video.rtcp_rsize && video.extmap_allow_mixed && !video.stopped);
    let vp8 = PayloadMapping {
        codec: Codec::Vp8,
        parameters: FormatParameters::None,
        payload_type: PayloadType(96),
        rtx: Some(PayloadType(97)),
        nack: true,
        pli: true,
        fir: true,
        transport_cc: true,
    };
    assert_eq!(video.payloads[0], vp8);
    let map = video.extensions;
    assert_eq!(
        (map.mid, map.rid, map.repaired_rid),
        (Some(4), Some(10), Some(11))
    );
    assert_eq!((map.transport_cc, map.abs_send_time), (Some(3), Some(2)));
    assert_eq!((map.audio_level, map.video_orientation), (None, Some(13)));
}

#[test]
fn opus_without_repairs() {
    let offer = read(CHROMIUM_JOIN);
    let opus = PayloadMapping {
        codec: Codec::Opus,
        parameters: FormatParameters::None,
        payload_type: PayloadType(111),
        rtx: None,
        nack: false,
        pli: false,
        fir: false,
        transport_cc: true,
    };
    assert_eq!(offer.sections[0].payloads[0], opus);
    assert_eq!(offer.sections[0].extensions.audio_level, Some(1));
}

#[test]
fn a_simulcast_publisher_of_chromium_announces_rids_and_no_ssrcs() {
    let offer = read(CHROMIUM_PUBLISH);
    let camera = offer.sections.iter().find(|s| !s.rids.is_empty()).unwrap();
    let rids: Vec<_> = camera.rids.iter().map(ToString::to_string).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    assert_eq!(camera.direction, Direction::SendOnly);
    assert!(camera.ssrcs.is_empty());
    assert_eq!(camera.track_cid.as_ref().unwrap().len(), 36);
    assert_eq!(camera.extensions.dependency_descriptor, Some(12));
    let mut sending = offer.sections.iter().filter(|s| s.direction.sends());
    let microphone = sending.next().unwrap();
    assert_eq!(microphone.kind, AUDIO);
    assert_eq!(microphone.ssrcs.len(), 1);
    assert!(microphone.track_cid.is_some());
}

#[test]
fn a_simulcast_publisher_of_firefox_announces_both() {
    let offer = read(FIREFOX_PUBLISH);
    // One fingerprint at session level, bundle-only sections with port 0 after the first.
    assert!(offer.sections.iter().all(|s| !s.stopped));
    let camera = offer.sections.iter().find(|s| !s.rids.is_empty()).unwrap();
    let expected = [
        (Ssrc(1_187_329_458), Some(Ssrc(741_484_033))),
        (Ssrc(808_581_228), Some(Ssrc(3_425_319_833))),
        (Ssrc(3_706_279_849), Some(Ssrc(3_704_958_521))),
    ];
    assert_eq!(camera.ssrcs.as_slice(), expected);
    assert_eq!(camera.payloads[0].rtx, Some(PayloadType(124)));
    assert!(camera.extmap_allow_mixed, "said per section");
    let receiving = offer.sections.iter().filter(|s| !s.direction.sends());
    assert!(receiving.clone().count() >= 6);
    assert!(
        receiving.into_iter().all(|s| s.ssrcs.is_empty()),
        "those are of its reports"
    );
}

#[test]
fn setup_decides_the_role() {
    let role = |setup: &str| read(&bend(SMALL, "actpass", setup)).transport.dtls_role;
    assert_eq!(role("actpass"), DtlsRole::Passive);
    assert_eq!(role("active"), DtlsRole::Passive);
    assert_eq!(role("passive"), DtlsRole::Active);
}

#[test]
fn the_sha_256_of_several_fingerprints_in_any_case() {
    let digest: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    assert_eq!(read(SMALL).transport.fingerprint, Fingerprint(digest));
    let several = bend(
        SMALL,
        "a=fingerprint:sha-256",
        "a=fingerprint:sha-1 00:01:02\r\na=fingerprint:SHA-256",
    );
    assert_eq!(read(&several).transport.fingerprint, Fingerprint(digest));
}

#[test]
fn the_transport_at_session_level_or_in_the_tagged_section() {
    // The group names section 1 first: its credentials count, whatever section 0 says.
    let two = bend(SMALL, "BUNDLE 0", "BUNDLE 1 0")
        + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtcp-mux\r\na=setup:passive\r\n\
           a=ice-ufrag:tagg\r\na=ice-pwd:tagged7890123456789012\r\n";
    let digest = SMALL.lines().find(|line| line.contains("sha-256")).unwrap();
    let two = two + digest + "\r\n";
    let transport = read(&two).transport;
    assert_eq!(transport.ice.ufrag.as_str(), "tagg");
    assert_eq!(transport.dtls_role, DtlsRole::Active);

    let ice = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n";
    let session_level = bend(
        &bend(SMALL, ice, ""),
        "t=0 0\r\n",
        &format!("t=0 0\r\n{ice}"),
    );
    assert_eq!(
        read(&session_level).transport.ice,
        read(SMALL).transport.ice
    );
}

#[test]
fn port_zero_is_stopped_unless_bundle_only() {
    let zero = bend(SMALL, "m=audio 9", "m=audio 0");
    let bundle_only = read(&(zero.clone() + "a=bundle-only\r\n"));
    assert!(!bundle_only.sections[0].stopped);
    // A stopped section needs neither mid, group nor rtcp-mux; the transport is the session's.
    let stopped = "m=video 0 UDP/TLS/RTP/SAVPF 0\r\na=inactive\r\n";
    let offer = read(&(SMALL.to_owned() + stopped));
    assert!(offer.sections[1].stopped);
    assert_eq!(offer.sections[1].mid.as_str(), "");
}

#[test]
fn wildcard_feedback_and_the_nack_of_audio() {
    let offer = read(&with(&["a=rtcp-fb:* nack", "a=rtcp-fb:111 transport-cc"]));
    let opus = offer.sections[0].payloads[0];
    assert!(opus.nack && opus.transport_cc && !opus.pli);
}

#[test]
fn codecs_go_by_name_rate_and_channels() {
    let payloads = |from, to| read(&bend(SMALL, from, to)).sections[0].payloads.len();
    assert_eq!(payloads("OPUS/48000/2", "opus/48000/2"), 1);
    assert_eq!(payloads("OPUS/48000/2", "opus/48000"), 0);
    assert_eq!(payloads("OPUS/48000/2", "opus/16000/2"), 0);
    assert_eq!(payloads("OPUS/48000/2", "VP8/90000"), 0, "not of this kind");
    assert_eq!(payloads("SAVPF 111", "SAVPF 112"), 0, "not in the m= line");
    assert_eq!(payloads("SAVPF 111", "SAVPF 111 111"), 1);
    let muxed = bend(
        &bend(SMALL, "SAVPF 111", "SAVPF 72"),
        "rtpmap:111",
        "rtpmap:72",
    );
    assert!(
        read(&muxed).sections[0].payloads.is_empty(),
        "RTCP's under rtcp-mux"
    );
}

#[test]
fn extension_ids_in_range_once_and_any_direction() {
    let mid = "urn:ietf:params:rtp-hdrext:sdes:mid";
    let id = |lines: &[String]| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        read(&with(&lines)).sections[0].extensions.mid
    };
    let mixed = || "a=extmap-allow-mixed".to_owned();
    assert_eq!(id(&[format!("a=extmap:14 {mid}")]), Some(14));
    assert_eq!(id(&[format!("a=extmap:4/recvonly {mid} x=y")]), Some(4));
    assert_eq!(id(&[format!("a=extmap:4/inactive {mid}")]), None);
    for refused in ["0", "15", "16", "256", "-1", "x", ""] {
        assert_eq!(
            id(&[format!("a=extmap:{refused} {mid}")]),
            None,
            "{refused}"
        );
    }
    assert_eq!(id(&[mixed(), format!("a=extmap:255 {mid}")]), Some(255));
    assert_eq!(id(&[mixed(), format!("a=extmap:15 {mid}")]), None);
    assert_eq!(
        id(&["a=extmap:3 urn:other".into(), format!("a=extmap:3 {mid}")]),
        None
    );
    assert_eq!(
        id(&[format!("a=extmap:3 {mid}"), format!("a=extmap:4 {mid}")]),
        Some(3)
    );
}

#[test]
fn rids_in_order_with_paused_ones_and_the_first_of_alternatives() {
    let rids = |simulcast: &str| -> Vec<String> {
        let lines = [
            "a=rid:a send",
            "a=rid:b send pt=111;max-width=640",
            "a=rid:c send",
        ];
        let more = ["a=rid:d send", "a=rid:r recv", simulcast];
        let offer = read(&with(&[&lines[..], &more[..]].concat()));
        offer.sections[0]
            .rids
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(rids("a=simulcast:send c;~b;a"), ["c", "b", "a"]);
    assert_eq!(rids("a=simulcast:send a,b;~c,d"), ["a", "c"]);
    assert_eq!(rids("a=simulcast:recv r send b;a"), ["b", "a"]);
    assert_eq!(
        rids("a=simulcast:send a;b;c;d"),
        ["a", "b", "c"],
        "three at most"
    );
    assert_eq!(
        rids("a=simulcast:send a;x;a;r"),
        ["a"],
        "undeclared, repeated, not sent"
    );
    assert!(rids("a=simulcast:recv r").is_empty());
    assert!(rids("a=other").is_empty(), "rids alone are no simulcast");
}

#[test]
fn ssrcs_of_older_simulcast_keep_the_order_of_the_sim_group() {
    let offer = read(&with(&[
        "a=ssrc-group:FID 1 11",
        "a=ssrc-group:FID 2 12",
        "a=ssrc-group:FEC-FR 2 22",
        "a=ssrc-group:SIM 2 1",
        "a=ssrc:1 cname:x",
        "a=ssrc:1 msid:stream track",
        "a=ssrc:11 cname:x",
        "a=ssrc:2 cname:x",
        "a=ssrc:12 cname:x",
        "a=ssrc:22 cname:x",
        "a=ssrc:4294967296 cname:x",
    ]));
    let section = &offer.sections[0];
    let expected = [(Ssrc(2), Some(Ssrc(12))), (Ssrc(1), Some(Ssrc(11)))];
    assert_eq!(section.ssrcs.as_slice(), expected);
    assert_eq!(section.track_cid.as_deref(), Some("track"));
}

#[test]
fn the_sections_own_msid_comes_before_that_of_an_ssrc() {
    let cid = |lines: &[&str]| read(&with(lines)).sections[0].track_cid.clone();
    let both = ["a=ssrc:1 msid:s old", "a=msid:- {new}"];
    assert_eq!(cid(&both).as_deref(), Some("{new}"));
    assert_eq!(cid(&["a=msid:stream"]), None);
    assert_eq!(cid(&[]), None);
}

#[test]
fn media_without_dtls_is_not_media() {
    let offer = read(&bend(SMALL, "UDP/TLS/RTP/SAVPF", "RTP/AVP"));
    assert_eq!(offer.sections[0].kind, SectionKind::Other);
}

/// An offer of nothing but data, with these lines in its section.
fn data(lines: &str) -> SectionKind {
    let text = bend(SMALL, "m=audio 9 UDP/TLS/RTP/SAVPF 111", DATA_LINE);
    read(&(text + lines)).sections[0].kind
}

const DATA_LINE: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel";

#[test]
fn a_data_section_says_its_port_and_the_largest_message() {
    let sctp = |lines: &str| match data(lines) {
        SectionKind::Data(sctp) => Some((sctp.port, sctp.max_message_size)),
        _ => None,
    };
    let port = "a=sctp-port:5001\r\n";
    let size = |text: &str| sctp(&format!("{port}a=max-message-size:{text}\r\n"));
    assert_eq!(size("1200"), Some((5001, 1200)));
    // RFC 8841 section 6.1: 64 K where it is not said, and no limit where it is zero.
    assert_eq!(sctp(port), Some((5001, 65_536)));
    assert_eq!(size("0"), Some((5001, u32::MAX)));
    assert_eq!(size("99999999999999"), Some((5001, u32::MAX)));
    for port in ["0", "65536", "-1", "x", ""] {
        assert_eq!(sctp(&format!("a=sctp-port:{port}\r\n")), None, "{port:?}");
    }
    assert_eq!(data(""), SectionKind::Other, "no port");
    assert!(matches!(
        read(FIREFOX_JOIN).sections[6].kind,
        SectionKind::Data(_)
    ));
}

#[test]
fn the_drafts_syntax_of_data_is_unknown() {
    let old = bend(
        SMALL,
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=application 9 DTLS/SCTP 5000",
    );
    let offer = read(&(old + "a=sctpmap:5000 webrtc-datachannel 1024\r\n"));
    assert_eq!(offer.sections[0].kind, SectionKind::Other);
}

use std::io::Cursor;

use rtc_sdp::description::session::SessionDescription;

use super::*;
use crate::id::Ssrc;
use crate::media::codec::Codec;
use crate::media::format::CodecWishes;
use crate::media::session::{
    AnsweredSection, Direction, OfferedSection, ReceivingSection, SectionKind, SendingSection,
};
use crate::sdp::write_answer;

/// Sends the first of the offered formats of `codec`; nothing where there is none.
fn sending(offered: &OfferedSection, codec: Codec) -> AnsweredSection {
    let mut formats = offered.payloads.iter().copied();
    AnsweredSection::Send(SendingSection {
        stream_label: "PA_1|TR_2".into(),
        track_label: "TR_2".into(),
        ssrc: Ssrc(1000),
        rtx_ssrc: Some(Ssrc(2000)),
        cname: "publisher".into(),
        payloads: formats.find(|one| one.codec == codec).into_iter().collect(),
    })
}

/// Takes all that is offered.
fn receiving(offered: &OfferedSection) -> AnsweredSection {
    AnsweredSection::Receive(ReceivingSection {
        payloads: offered.payloads.clone(),
        wishes: CodecWishes::default(),
    })
}

/// The answer to every section alike.
fn answer_all(offer: &OfferedSession, one: impl Fn(&OfferedSection) -> AnsweredSection) -> String {
    let sections: Vec<_> = offer.sections.iter().map(one).collect();
    write_answer(offer, &local(), &sections, 1)
}

fn reread(answer: &str) -> SessionDescription {
    SessionDescription::unmarshal(&mut Cursor::new(answer.as_bytes())).unwrap()
}

/// The lines of one answered section, from its `m=` line.
fn section(answer: &str, index: usize) -> Vec<&str> {
    let mut at = 0;
    let lines = answer.split_terminator("\r\n").filter(move |line| {
        at += usize::from(line.starts_with("m="));
        at == index + 1
    });
    lines.collect()
}

/// An answer has the offer's sections in the offer's order (RFC 3264 section 6), names the accepted
/// ones and no others in its group, and every line is whole.
pub(super) fn assert_mirrors(offer: &OfferedSession, answer: &str) {
    assert!(
        answer
            .lines()
            .all(|line| line.chars().all(|c| !c.is_control()))
    );
    let reread = reread(answer);
    assert_eq!(reread.media_descriptions.len(), offer.sections.len());
    let mut group = "BUNDLE".to_owned();
    for (media, offered) in reread.media_descriptions.iter().zip(&offer.sections) {
        assert_eq!(media.media_name.media, offered.media);
        assert_eq!(media.media_name.protos.join("/"), offered.protocol);
        assert!(!media.media_name.formats.is_empty());
        let mid = media.attribute("mid").flatten().unwrap_or_default();
        assert_eq!(mid, offered.mid.as_str());
        if media.media_name.port.value != 0 {
            group = group + " " + mid;
        }
    }
    assert_eq!(*reread.attribute("group").unwrap(), group);
}

#[test]
fn every_fixture_is_mirrored_in_every_use() {
    for text in ALL {
        let offer = read(text);
        assert_mirrors(&offer, &answer_all(&offer, |_| AnsweredSection::Rejected));
        assert_mirrors(&offer, &answer_all(&offer, |_| AnsweredSection::Inactive));
        assert_mirrors(&offer, &answer_all(&offer, |_| AnsweredSection::Data));
        assert_mirrors(&offer, &answer_all(&offer, receiving));
        for codec in Codec::ALL {
            let answer = answer_all(&offer, |offered| sending(offered, codec));
            assert_mirrors(&offer, &answer);
        }
        assert_mirrors(&offer, &write_answer(&offer, &local(), &[], 1));
    }
}

#[test]
fn feedback_by_the_streams_own_numbers_is_taken_of_who_has_no_other() {
    let offers = |lines: &[&str]| read(&with(lines)).sections[0].congestion_feedback;
    assert!(offers(&["a=rtcp-fb:* ack ccfb"]));
    assert!(offers(&["a=rtcp-fb:111 ack ccfb"]));
    for none in [
        "a=rtcp-fb:* ack",
        "a=rtcp-fb:* nack",
        "a=rtcp-fb:* ack ccfb 1",
    ] {
        assert!(!offers(&[none]), "{none}");
    }
    let both = ["a=rtcp-fb:* ack ccfb", "a=rtcp-fb:111 transport-cc"];
    assert!(!offers(&both));

    let line = "a=rtcp-fb:* ack ccfb";
    let offer = read(&with(&both[..1]));
    let sent = answer_all(&offer, |offered| sending(offered, Codec::Opus));
    assert!(section(&sent, 0).contains(&line));
    // It would promise the same of what is received.
    for answer in [
        answer_all(&offer, receiving),
        answer_all(&offer, |_| AnsweredSection::Inactive),
    ] {
        assert!(!section(&answer, 0).contains(&line));
    }
}

#[test]
fn the_session_lines() {
    let offer = read(SMALL);
    let answer = write_answer(&offer, &local(), &[receiving(&offer.sections[0])], 42);
    let session: Vec<&str> = answer
        .lines()
        .take_while(|l| !l.starts_with("m="))
        .collect();
    let expected = [
        "v=0",
        "o=- 6185084777655555541 42 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE 0",
        "a=msid-semantic: WMS *",
    ];
    assert_eq!(session, expected);
    assert!(answer.ends_with("\r\n"));
}

#[test]
fn candidates_stand_in_the_first_accepted_section_only() {
    let offer = read(CHROMIUM_JOIN);
    let sections = [
        AnsweredSection::Rejected,
        AnsweredSection::Inactive,
        AnsweredSection::Inactive,
    ];
    let answer = write_answer(&offer, &local(), &sections, 1);
    let tagged = section(&answer, 1);
    // RFC 8445 section 5.1.2.1; one address has one foundation.
    for line in [
        "a=ice-ufrag:ours",
        "a=ice-pwd:our+password/of24letters",
        "a=setup:passive",
        "a=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host",
        "a=candidate:2 1 udp 2130706175 2001:db8::1 7882 typ host",
        "a=candidate:1 1 udp 2130705919 192.0.2.1 7883 typ host",
        "a=end-of-candidates",
    ] {
        assert!(tagged.contains(&line), "{line}");
    }
    let fingerprint = format!("a=fingerprint:sha-256 {}", ["AB"; 32].join(":"));
    assert!(tagged.contains(&fingerprint.as_str()));
    assert_eq!(answer.matches("candidate").count(), 4);
    assert_eq!(
        section(&answer, 0)[0],
        "m=audio 0 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126"
    );
    assert_eq!(section(&answer, 0)[2..], ["a=mid:0", "a=inactive"]);
    assert!(answer.contains("a=group:BUNDLE 1 2\r\n"));
}

#[test]
fn an_idle_video_section_agrees_on_all_that_a_later_use_needs() {
    // Chromium offers the dependency descriptor in the camera's section only.
    let needed = [
        "sdes:mid",
        "sdes:rtp-stream-id",
        "sdes:repaired-rtp-stream-id",
        "transport-wide-cc-extensions-01",
        "dependency-descriptor-rtp-header-extension",
    ];
    for (text, at, formats, needed) in [
        (CHROMIUM_JOIN, 3, "96 97 98 99 ", &needed[..4]),
        (CHROMIUM_PUBLISH, 7, "96 97 ", &needed[..]),
        (FIREFOX_PUBLISH, 7, "120 124 ", &needed[..]),
    ] {
        let offer = read(text);
        let idle = vec![AnsweredSection::Inactive; offer.sections.len()];
        let answer = write_answer(&offer, &local(), &idle, 1);
        let video = section(&answer, at);
        let line = format!("m=video 9 UDP/TLS/RTP/SAVPF {formats}");
        assert!(video[0].starts_with(&line), "{}", video[0]);
        for uri in needed {
            let named = |line: &&&str| line.starts_with("a=extmap:") && line.ends_with(uri);
            assert_eq!(video.iter().filter(named).count(), 1, "{uri}");
        }
        assert!(video.contains(&"a=inactive") && video.contains(&"a=extmap-allow-mixed"));
    }
}

#[test]
fn a_published_simulcast_track() {
    let offer = read(CHROMIUM_PUBLISH);
    let at = offer
        .sections
        .iter()
        .position(|s| !s.rids.is_empty())
        .unwrap();
    let vp8 = |offered: &OfferedSection| {
        AnsweredSection::Receive(ReceivingSection {
            payloads: offered.payloads.iter().copied().take(1).collect(),
            wishes: CodecWishes::default(),
        })
    };
    for (answer, direction) in [
        (answer_all(&offer, vp8), "a=recvonly"),
        (
            answer_all(&offer, |_| AnsweredSection::Inactive),
            "a=inactive",
        ),
    ] {
        let camera = section(&answer, at);
        let from = camera.iter().position(|line| *line == direction).unwrap();
        let first = [
            "a=rtpmap:96 VP8/90000",
            "a=rtcp-fb:96 transport-cc",
            "a=rtcp-fb:96 ccm fir",
            "a=rtcp-fb:96 nack",
            "a=rtcp-fb:96 nack pli",
            "a=rtpmap:97 rtx/90000",
            "a=fmtp:97 apt=96",
        ];
        let last = [
            "a=rid:q recv",
            "a=rid:h recv",
            "a=rid:f recv",
            "a=simulcast:recv q;h;f",
        ];
        assert!(camera[from + 1..].starts_with(&first), "{camera:?}");
        assert!(camera.ends_with(&last), "{camera:?}");
        assert!(camera.contains(&"a=rtcp-mux") && camera.contains(&"a=rtcp-rsize"));
    }
}

#[test]
fn a_sent_track() {
    let offer = read(CHROMIUM_JOIN);
    let codec = |offered: &OfferedSection| match offered.media.as_str() {
        "audio" => Codec::Opus,
        _ => Codec::Vp8,
    };
    let answer = answer_all(&offer, |offered| sending(offered, codec(offered)));
    let audio = section(&answer, 0);
    assert_eq!(audio[0], "m=audio 9 UDP/TLS/RTP/SAVPF 111");
    let expected = [
        "a=sendonly",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=msid:PA_1|TR_2 TR_2",
        // Without an RTX payload type its SSRC is not announced.
        "a=ssrc:1000 cname:publisher",
    ];
    assert!(audio.ends_with(&expected), "{audio:?}");
    let expected = [
        "a=msid:PA_1|TR_2 TR_2",
        "a=ssrc-group:FID 1000 2000",
        "a=ssrc:1000 cname:publisher",
        "a=ssrc:2000 cname:publisher",
    ];
    assert!(section(&answer, 3).ends_with(&expected));
}

#[test]
fn what_a_peer_only_sends_is_only_received_and_the_reverse() {
    let offer = read(FIREFOX_PUBLISH);
    let camera = offer
        .sections
        .iter()
        .position(|s| !s.rids.is_empty())
        .unwrap();
    let one_way = |answer: &str| {
        let lines = section(answer, camera).into_iter();
        let of_extensions = lines.filter_map(|line| line.strip_prefix("a=extmap:"));
        let ids = of_extensions.filter_map(|line| line.split(' ').next());
        let one_way = ids.filter(|id| id.contains('/'));
        one_way.map(str::to_owned).collect::<Vec<_>>()
    };
    let inactive = answer_all(&offer, |_| AnsweredSection::Inactive);
    // RFC 8285 section 6. The rid, the repaired rid, the dependency descriptor, and what Firefox
    // only takes: the playout delay.
    let expected = ["9/recvonly", "10/recvonly", "8/recvonly", "6/sendonly"];
    assert_eq!(one_way(&inactive), expected);
    let mut offer = offer;
    offer.sections[camera].direction = Direction::SendRecv;
    let sent = answer_all(&offer, |offered| sending(offered, Codec::Vp8));
    assert_eq!(one_way(&sent), ["6/sendonly"], "the rest is not for it");
}

#[test]
fn who_is_sent_to_is_not_offered_what_the_engine_alone_reads() {
    let offer = read(CHROMIUM_PUBLISH);
    let camera = offer
        .sections
        .iter()
        .position(|s| !s.rids.is_empty())
        .unwrap();
    let layers =
        "a=extmap:9 http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";
    let publishing = answer_all(&offer, receiving);
    assert!(section(&publishing, camera).contains(&layers));
    let mut offer = offer;
    offer.sections[camera].direction = Direction::SendRecv;
    let sent = answer_all(&offer, |offered| sending(offered, Codec::Vp8));
    let sent = section(&sent, camera);
    assert!(
        sent.contains(&"a=sendonly") && !sent.contains(&layers),
        "{sent:?}"
    );
    // What the number of a packet is for, and the word that has the peer tell what became of it.
    assert!(sent.contains(&"a=rtcp-fb:96 transport-cc"));
}

#[test]
fn labels_cannot_end_a_line() {
    let offer = read(SMALL);
    let AnsweredSection::Send(mut sending) = sending(&offer.sections[0], Codec::Opus) else {
        unreachable!()
    };
    sending.stream_label = "a\r\nm=audio 9 x y".into();
    sending.cname = String::new();
    let sections = [AnsweredSection::Send(sending)];
    let answer = write_answer(&offer, &local(), &sections, 1);
    assert_mirrors(&offer, &answer);
    assert!(answer.contains("a=msid:a__m=audio_9_x_y TR_2\r\n"));
    assert!(answer.contains("cname:-\r\n"));
}

#[test]
fn what_the_offer_does_not_allow_is_idle_or_rejected() {
    type Answering = fn(&OfferedSection) -> AnsweredSection;
    let opus: Answering = |offered| sending(offered, Codec::Opus);
    let is_idle = |offered: &str, one: Answering| {
        let answer = answer_all(&read(&with(&[offered])), one);
        let lines = section(&answer, 0);
        let names = ["a=inactive", "a=recvonly", "a=sendonly"];
        *lines.iter().find(|line| names.contains(line)).unwrap() == "a=inactive"
    };
    assert!(is_idle("a=recvonly", receiving));
    assert!(is_idle("a=sendonly", opus));
    assert!(!is_idle("a=sendrecv", receiving));
    assert!(!is_idle("a=sendrecv", opus));

    let port = |text: &str, one: Answering| {
        let answer = answer_all(&read(text), one);
        reread(&answer).media_descriptions[0].media_name.port.value
    };
    assert_eq!(port(SMALL, receiving), 9);
    assert_eq!(port(SMALL, opus), 9);
    let vp8: Answering = |offered| sending(offered, Codec::Vp8);
    assert_eq!(port(SMALL, vp8), 0, "a codec not offered");
    let foreign: Answering = |_| receiving(&read(CHROMIUM_JOIN).sections[3]);
    assert_eq!(port(SMALL, foreign), 0, "formats not offered");
    let unknown = bend(SMALL, "OPUS/48000/2", "G722/8000");
    assert_eq!(
        port(&unknown, |_| AnsweredSection::Inactive),
        0,
        "no codec in common"
    );
}

#[test]
fn stopped_sections_are_rejected_and_data_that_is_answered_as_media() {
    let text = CHROMIUM_JOIN.replacen("m=audio 9", "m=audio 0", 1);
    // The section that the group named first is gone from it, as a re-offer has it.
    let offer = read(&text.replace("BUNDLE 0 1", "BUNDLE 1"));
    let answer = write_answer(&offer, &local(), &vec![AnsweredSection::Inactive; 7], 1);
    assert!(section(&answer, 0)[0].starts_with("m=audio 0 "));
    assert!(matches!(offer.sections[6].kind, SectionKind::Data(_)));
    let data = section(&answer, 6)[0];
    assert_eq!(data, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel");
    assert!(answer.contains("a=group:BUNDLE 1 2 3 4 5\r\n"));
}

#[test]
fn our_role_stays_in_a_re_offer() {
    let ours = LocalTransport {
        dtls_role: DtlsRole::Active,
        ..local()
    };
    let offer = read(SMALL);
    let answer = write_answer(&offer, &ours, &[receiving(&offer.sections[0])], 2);
    assert!(answer.contains("a=setup:active\r\n"));
}

#[test]
fn data_channels_are_answered_with_our_port_and_our_limit() {
    for text in ALL {
        let offer = read(text);
        let at = offer.sections.len() - 1;
        let sections: Vec<_> = (0..=at)
            .map(|index| match index == at {
                true => AnsweredSection::Data,
                false => AnsweredSection::Inactive,
            })
            .collect();
        let answer = write_answer(&offer, &local(), &sections, 1);
        assert_mirrors(&offer, &answer);
        let lines = section(&answer, at);
        assert_eq!(lines[0], "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
        for line in [
            "a=setup:passive",
            "a=ice-ufrag:ours",
            "a=sctp-port:5000",
            "a=max-message-size:65536",
        ] {
            assert!(lines.contains(&line), "{line}");
        }
        assert!(
            !lines
                .iter()
                .any(|line| line.starts_with("a=rtcp") || *line == "a=inactive")
        );
    }
    // Alone, it carries the candidates.
    let only = bend(
        SMALL,
        "audio 9 UDP/TLS/RTP/SAVPF 111",
        "application 9 UDP/DTLS/SCTP webrtc-datachannel",
    );
    let offer = read(&(only + "a=sctp-port:5000\r\n"));
    let answer = write_answer(&offer, &local(), &[AnsweredSection::Data], 1);
    assert!(section(&answer, 0).contains(&"a=end-of-candidates"));
    // Media is never answered as data.
    let answer = write_answer(&read(SMALL), &local(), &[AnsweredSection::Data], 1);
    assert!(section(&answer, 0).contains(&"a=inactive"));
}

//! Formats: what is read of `a=rtpmap` and `a=fmtp`, and what an answer says.

use super::*;
use crate::id::PayloadType;
use crate::media::codec::Codec;
use crate::media::delivery::deliveries;
use crate::media::format::{
    Av1Parameters, CodecWishes, FormatParameters, H264Parameters, PayloadMapping, accepted,
};
use crate::media::session::{AnsweredSection, OfferedSection, ReceivingSection, SectionKind};
use crate::sdp::write_answer;
use crate::wire::codec::h264::Profile;

/// One section of these formats and lines.
fn section(media: &str, formats: &str, lines: &[&str]) -> Vec<PayloadMapping> {
    let text = bend(
        SMALL,
        "audio 9 UDP/TLS/RTP/SAVPF 111",
        &format!("{media} 9 UDP/TLS/RTP/SAVPF {formats}"),
    );
    let lines = lines
        .iter()
        .map(|line| format!("{line}\r\n"))
        .collect::<String>();
    let text = bend(&text, "a=rtpmap:111 OPUS/48000/2\r\n", &lines);
    read(&text).sections[0].payloads.to_vec()
}

fn numbers(payloads: &[PayloadMapping]) -> Vec<u8> {
    payloads.iter().map(|one| one.payload_type.0).collect()
}

#[test]
fn chromium_offers_eleven_formats_to_receive() {
    let offer = read(CHROMIUM_JOIN);
    let video = &offer.sections[3].payloads;
    let known: Vec<_> = video
        .iter()
        .map(|one| (one.payload_type.0, one.codec))
        .collect();
    let expected = [
        (96, Codec::Vp8),
        (98, Codec::Vp9),
        (100, Codec::Vp9),
        (35, Codec::Vp9),
        (37, Codec::Vp9),
        (102, Codec::H264),
        (108, Codec::H264),
        (116, Codec::H264),
        (41, Codec::H264),
        (45, Codec::Av1),
        (47, Codec::Av1),
    ];
    assert_eq!(known, expected, "each of H.264 in packetization mode 1");
    let profile = |at: usize| match video[at].parameters {
        FormatParameters::H264(parameters) => parameters.profile,
        _ => panic!("{:?}", video[at]),
    };
    assert_eq!(profile(5), Profile::Baseline);
    assert_eq!(profile(6), Profile::ConstrainedBaseline);
    assert_eq!(profile(7), Profile::Main);
    assert_eq!(profile(8), Profile::PredictiveHigh444);
    let high = Av1Parameters {
        profile: 1,
        level_index: 5,
        tier: 0,
    };
    assert_eq!(video[10].parameters, FormatParameters::Av1(high));
    assert_eq!(video[1].parameters, FormatParameters::Vp9 { profile: 0 });
    assert!(video.iter().all(|one| one.rtx.is_some()));
    let audio = &offer.sections[0].payloads;
    let known: Vec<_> = audio
        .iter()
        .map(|one| (one.payload_type.0, one.codec))
        .collect();
    let expected = [
        (111, Codec::Opus),
        (63, Codec::OpusRed),
        (0, Codec::Pcmu),
        (8, Codec::Pcma),
    ];
    assert_eq!(known, expected);
    let blocks = PayloadType(111);
    assert_eq!(audio[1].parameters, FormatParameters::Red { blocks });
}

#[test]
fn only_packetization_mode_1_and_known_profiles_of_h264() {
    let h264 = |fmtp: &str| {
        let fmtp = format!("a=fmtp:102 {fmtp}");
        section("video", "102", &["a=rtpmap:102 H264/90000", &fmtp])
    };
    for (fmtp, profile_level_id) in [
        (
            "packetization-mode=1;profile-level-id=42e01f",
            [0x42, 0xe0, 0x1f],
        ),
        (
            "profile-level-id=640C1F; packetization-mode=1",
            [0x64, 0x0c, 0x1f],
        ),
        ("PACKETIZATION-MODE=1", [0x42, 0x00, 0x0a]),
    ] {
        let FormatParameters::H264(parameters) = h264(fmtp)[0].parameters else {
            panic!("{fmtp}");
        };
        assert_eq!(parameters.profile_level_id, profile_level_id);
        assert!(!parameters.level_asymmetry);
    }
    for fmtp in [
        "packetization-mode=0;profile-level-id=42e01f",
        "packetization-mode=2;profile-level-id=42e01f",
        "profile-level-id=42e01f",
        "packetization-mode=1;profile-level-id=42e0",
        "packetization-mode=1;profile-level-id=+2e01f",
        "packetization-mode=1;profile-level-id=ffffff",
        "packetization-mode=1;profile-level-id=é2e01",
    ] {
        assert!(h264(fmtp).is_empty(), "{fmtp}");
    }
    assert!(section("video", "102", &["a=rtpmap:102 H264/90000"]).is_empty());
}

#[test]
fn static_payload_types_need_no_rtpmap() {
    let plain = section("audio", "8 0", &[]);
    let codecs: Vec<_> = plain.iter().map(|one| one.codec).collect();
    assert_eq!(codecs, [Codec::Pcma, Codec::Pcmu]);
    assert_eq!(Codec::Pcmu.clock_rate(), 8_000);
    // An rtpmap may say otherwise; in a video section they mean nothing.
    let other = section(
        "audio",
        "0 8",
        &["a=rtpmap:0 opus/48000/2", "a=rtpmap:8 PCMA/16000"],
    );
    assert_eq!(numbers(&other), [0]);
    assert_eq!(other[0].codec, Codec::Opus);
    assert!(section("video", "0 8", &[]).is_empty());
    assert_eq!(
        numbers(&section("audio", "0", &["a=rtpmap:0 PCMU/8000/1"])),
        [0]
    );
    assert!(section("audio", "0", &["a=rtpmap:0 PCMU/8000/2"]).is_empty());
}

#[test]
fn red_names_one_codec_or_is_left_out() {
    let red = |fmtp: &str| {
        let lines = ["a=rtpmap:111 opus/48000/2", "a=rtpmap:63 red/48000/2", fmtp];
        numbers(&section("audio", "111 63", &lines))
    };
    assert_eq!(red("a=fmtp:63 111/111"), [111, 63]);
    assert_eq!(red("a=fmtp:63 111/111/111"), [111, 63]);
    assert_eq!(red("a=fmtp:63 111/0"), [111]);
    assert_eq!(red("a=fmtp:63 x"), [111]);
    assert_eq!(red("a=ptime:20"), [111]);
    let video = ["a=rtpmap:96 VP8/90000", "a=rtpmap:118 red/90000"];
    assert_eq!(numbers(&section("video", "96 118", &video)), [96]);
}

#[test]
fn other_codecs_parameters_are_read_or_refused() {
    let video = |rtpmap: &str, fmtp: &str| {
        let (rtpmap, fmtp) = (
            format!("a=rtpmap:98 {rtpmap}/90000"),
            format!("a=fmtp:98 {fmtp}"),
        );
        let payloads = section("video", "98", &[&rtpmap, &fmtp]);
        payloads.first().map(|one| one.parameters)
    };
    let none = Some(FormatParameters::None);
    assert_eq!(video("VP9", "max-fs=12288;max-fr=60"), none);
    assert_eq!(
        video("VP9", "profile-id=2"),
        Some(FormatParameters::Vp9 { profile: 2 })
    );
    assert_eq!(video("VP9", "profile-id=9"), None);
    assert_eq!(video("AV1", ""), none);
    assert_eq!(video("AV1", "profile=3"), None);
    assert_eq!(video("AV1", "level-idx=32"), None);
    assert_eq!(video("H265", ""), none);
    assert!(matches!(
        video("H265", "level-id=93;profile-id=2;tier-flag=0;tx-mode=SRST"),
        Some(FormatParameters::H265(parameters)) if parameters.profile == 2
    ));
    assert_eq!(video("H265", "tx-mode=MRST"), None);
    assert_eq!(video("H265", "sprop-max-don-diff=2"), None);
    let long = "x=1;".repeat(200) + "profile-id=2";
    assert_eq!(video("VP9", &long), none, "more than is read");
}

/// The `m=` line's formats and the lines that name them, of one answered section.
fn answered(offer: &OfferedSession, at: usize, answered: AnsweredSection) -> Vec<String> {
    let mut sections = vec![AnsweredSection::Inactive; offer.sections.len()];
    sections[at] = answered;
    let answer = write_answer(offer, &local(), &sections, 1);
    let mut sections = answer.split("m=").skip(at + 1);
    let lines = sections.next().unwrap().lines();
    let named = |line: &&str| {
        line.starts_with("a=rtpmap") || line.starts_with("a=fmtp") || line.contains("SAVPF")
    };
    lines.filter(named).map(str::to_owned).collect()
}

fn receive(offer: &OfferedSession, at: usize, wishes: CodecWishes) -> AnsweredSection {
    AnsweredSection::Receive(ReceivingSection {
        payloads: accepted(&offer.sections[at].payloads, &wishes),
        wishes,
    })
}

#[test]
fn an_answer_repeats_the_offered_parameters() {
    let offer = read(CHROMIUM_JOIN);
    let lines = answered(&offer, 3, AnsweredSection::Inactive);
    for line in [
        "a=fmtp:98 profile-id=0",
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
        "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=fmtp:45 level-idx=5;profile=0;tier=0",
        "a=fmtp:103 apt=102",
    ] {
        assert!(lines.iter().any(|one| one == line), "{line}: {lines:#?}");
    }
    assert!(
        lines
            .iter()
            .all(|line| !line.contains("packetization-mode=0"))
    );
    let audio = answered(&offer, 0, AnsweredSection::Inactive);
    let expected = [
        "audio 9 UDP/TLS/RTP/SAVPF 111 63 0 8",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
    ];
    assert_eq!(audio, expected);
}

#[test]
fn a_published_section_names_what_was_announced() {
    let offer = read(CHROMIUM_PUBLISH);
    let camera = offer
        .sections
        .iter()
        .position(|s| !s.rids.is_empty())
        .unwrap();
    let wishes = CodecWishes {
        codec: Some(Codec::H264),
        ..CodecWishes::default()
    };
    let lines = answered(&offer, camera, receive(&offer, camera, wishes));
    assert!(
        lines[0].contains(" 108 109 102 103 116 117"),
        "{}",
        lines[0]
    );
    assert!(lines.iter().all(|line| !line.contains("VP8")));
}

#[test]
fn a_published_sound_says_what_its_publisher_wants() {
    let offer = read(CHROMIUM_PUBLISH);
    let sends = |s: &&OfferedSection| s.direction.sends();
    let at = offer.sections.iter().position(|s| sends(&s)).unwrap();
    let fmtp = |wishes: CodecWishes| {
        let lines = answered(&offer, at, receive(&offer, at, wishes));
        let fmtp = lines
            .iter()
            .find(|line| line.starts_with("a=fmtp:111 "))
            .unwrap();
        (lines[0].clone(), fmtp.split_once(' ').unwrap().1.to_owned())
    };
    let default = CodecWishes::default();
    let (formats, opus) = fmtp(default);
    assert!(formats.ends_with(" 63 111 0 8"), "RED first: {formats}");
    assert_eq!(opus, "minptime=10;useinbandfec=1;usedtx=1");
    let plain = CodecWishes {
        red: false,
        dtx: false,
        ..default
    };
    let (formats, opus) = fmtp(plain);
    assert!(formats.ends_with(" 111 0 8"), "{formats}");
    assert_eq!(opus, "minptime=10;useinbandfec=1");
    let stereo = CodecWishes {
        stereo: true,
        ..plain
    };
    let opus = fmtp(stereo).1;
    assert_eq!(
        opus,
        "minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=510000"
    );
}

#[test]
fn firefox_and_chromium_have_formats_in_common_by_profile() {
    let chromium = &read(CHROMIUM_JOIN).sections[3].payloads.clone();
    let firefox = read(FIREFOX_JOIN);
    let video =
        |s: &&OfferedSection| s.kind == SectionKind::Media(crate::media::codec::MediaKind::Video);
    let firefox = &firefox.sections.iter().find(video).unwrap().payloads;
    let reach = |sent: &[PayloadMapping], taken: &[PayloadMapping]| {
        let all = deliveries(sent, taken);
        let pairs: Vec<_> = all
            .iter()
            .map(|one| (one.source.0, one.payload_type.0))
            .collect();
        pairs
    };
    assert_eq!(reach(firefox, chromium), [(120, 96), (121, 98), (99, 45)]);
    // Debian's Firefox has no H264; VP9 has its profile 0 only.
    assert_eq!(reach(chromium, firefox), [(96, 120), (98, 121), (45, 99)]);
}

#[test]
fn a_profile_named_otherwise_is_the_same_format() {
    let constrained = |fmtp: &str| {
        let fmtp = format!("a=fmtp:102 packetization-mode=1;profile-level-id={fmtp}");
        section("video", "102", &["a=rtpmap:102 H264/90000", &fmtp])
    };
    let (one, other) = (constrained("42e01f"), constrained("42c015"));
    assert_ne!(one, other);
    assert_eq!(deliveries(&one, &other).len(), 1);
    let parameters = |payloads: &[PayloadMapping]| match payloads[0].parameters {
        FormatParameters::H264(H264Parameters { profile, .. }) => profile,
        _ => panic!("{payloads:?}"),
    };
    assert_eq!(parameters(&one), parameters(&other));
}

use super::*;

fn payload(codec: Codec, number: u8, parameters: FormatParameters) -> PayloadMapping {
    PayloadMapping {
        codec,
        parameters,
        payload_type: PayloadType(number),
        rtx: None,
        nack: true,
        pli: true,
        fir: false,
        transport_cc: true,
    }
}

fn h264(number: u8, idc: u8, iop: u8) -> PayloadMapping {
    let parameters = H264Parameters {
        profile_level_id: [idc, iop, 0x1f],
        profile: Profile::of(idc, iop).unwrap(),
        level_asymmetry: true,
    };
    payload(Codec::H264, number, FormatParameters::H264(parameters))
}

fn plain(codec: Codec, number: u8) -> PayloadMapping {
    payload(codec, number, FormatParameters::None)
}

fn red(number: u8, blocks: u8) -> PayloadMapping {
    let blocks = PayloadType(blocks);
    payload(Codec::OpusRed, number, FormatParameters::Red { blocks })
}

fn numbers(payloads: &[PayloadMapping]) -> Vec<u8> {
    payloads.iter().map(|one| one.payload_type.0).collect()
}

/// Chromium's order.
fn video() -> Vec<PayloadMapping> {
    vec![
        plain(Codec::Vp8, 96),
        h264(102, 0x42, 0),
        h264(108, 0x42, 0xe0),
        h264(116, 0x4d, 0),
        plain(Codec::Av1, 45),
        plain(Codec::Vp9, 98),
    ]
}

fn wishing(codec: Codec) -> CodecWishes {
    CodecWishes {
        codec: Some(codec),
        ..CodecWishes::default()
    }
}

#[test]
fn an_announced_codec_is_the_only_one() {
    assert_eq!(numbers(&accepted(&video(), &wishing(Codec::Vp9))), [98]);
    assert_eq!(numbers(&accepted(&video(), &wishing(Codec::Av1))), [45]);
}

#[test]
fn an_announced_codec_that_is_not_offered_leaves_the_others() {
    let all = accepted(&video(), &wishing(Codec::H265));
    assert_eq!(all.len(), 6);
    assert_eq!(all[0].codec, Codec::Vp8);
}

#[test]
fn of_h264_the_profile_that_most_decode_goes_first() {
    let accepted = accepted(&video(), &wishing(Codec::H264));
    assert_eq!(numbers(&accepted), [108, 102, 116]);
}

#[test]
fn without_an_announcement_the_offers_order_stays() {
    let accepted = accepted(&video(), &CodecWishes::default());
    assert_eq!(numbers(&accepted), [96, 108, 102, 116, 45, 98]);
}

#[test]
fn red_goes_before_its_opus_or_out() {
    let audio = [
        plain(Codec::Opus, 111),
        red(63, 111),
        plain(Codec::Pcmu, 0),
        plain(Codec::Pcma, 8),
    ];
    let with = accepted(&audio, &CodecWishes::default());
    assert_eq!(numbers(&with), [63, 111, 0, 8]);
    let wishes = CodecWishes {
        red: false,
        ..CodecWishes::default()
    };
    assert_eq!(numbers(&accepted(&audio, &wishes)), [111, 0, 8]);
    // A client that wants PCMU first gets it first.
    let turned = [audio[2], audio[0], audio[1]];
    assert_eq!(
        numbers(&accepted(&turned, &CodecWishes::default())),
        [0, 63, 111]
    );
    // RED of something else than the section's Opus is none.
    let foreign = [plain(Codec::Opus, 111), red(63, 9)];
    assert_eq!(numbers(&accepted(&foreign, &CodecWishes::default())), [111]);
}

#[test]
fn as_many_formats_as_a_section_keeps_stay_within_the_bound() {
    let mut many: Vec<_> = (0..15).map(|at| plain(Codec::Opus, 96 + at)).collect();
    many.push(red(63, 96));
    assert_eq!(accepted(&many, &CodecWishes::default()).len(), MAX_PAYLOADS);
}

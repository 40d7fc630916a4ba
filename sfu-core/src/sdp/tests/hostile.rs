use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::config::{MAX_SDP_LEN, MAX_SDP_LINES, MAX_SECTIONS};
use crate::media::format::{CodecWishes, accepted};
use crate::media::session::{AnsweredSection, OfferedSection, ReceivingSection};
use crate::sdp::write_answer;

#[test]
fn text_out_of_bounds() {
    let long = " ".repeat(MAX_SDP_LEN + 1);
    let (got, limit) = (MAX_SDP_LEN + 1, MAX_SDP_LEN);
    assert_eq!(refusal(&long), OfferError::TooLarge { got, limit });
    let many = SMALL.to_owned() + &"m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n".repeat(MAX_SECTIONS);
    let (got, limit) = (MAX_SECTIONS + 1, MAX_SECTIONS);
    assert_eq!(refusal(&many), OfferError::TooManySections { got, limit });
    // The syntax reads these as sections too.
    let hidden = many.replace("m=audio 0", "\r\rm=audio 0");
    assert_eq!(refusal(&hidden), OfferError::TooManySections { got, limit });
    let lines = SMALL.to_owned() + &"a\n".repeat(MAX_SDP_LINES);
    let (got, limit) = (lines.split('\n').count(), MAX_SDP_LINES);
    assert_eq!(refusal(&lines), OfferError::TooManyLines { got, limit });
}

#[test]
fn not_sdp() {
    for text in ["hello", "v=1\r\n", "v=0\r\nm=audio 9\r\n", "\u{e9}=0"] {
        assert!(matches!(refusal(text), OfferError::Syntax(_)), "{text}");
    }
    let OfferError::Syntax(told) = refusal(&"x".repeat(MAX_SDP_LEN)) else {
        panic!("another error");
    };
    assert!(told.len() < 100, "an error repeats little of the offer");
}

#[test]
fn outside_the_bundle() {
    let named = OfferError::NotBundled("0".into());
    assert_eq!(refusal(&bend(SMALL, "a=group:BUNDLE 0\r\n", "")), named);
    assert_eq!(refusal(&bend(SMALL, "BUNDLE 0", "BUNDLE 00 1")), named);
    assert_eq!(refusal(&bend(SMALL, "BUNDLE 0", "LS 0")), named);
    let second = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n";
    let outside = refusal(&(SMALL.to_owned() + second));
    assert_eq!(outside, OfferError::NotBundled("d".into()));
}

#[test]
fn without_rtcp_mux() {
    let error = refusal(&bend(SMALL, "a=rtcp-mux\r\n", ""));
    assert_eq!(error, OfferError::NoRtcpMux("0".into()));
}

#[test]
fn without_a_usable_fingerprint() {
    for (from, to) in [
        ("a=fingerprint:", "a=x:"),
        ("sha-256", "sha-512"),
        ("1e:1f", "1e"),
        ("1e:1f", "1e:1f:20"),
        ("1e:1f", "1e:+f"),
        ("1e:1f", "1e:\u{e9}"),
    ] {
        assert_eq!(refusal(&bend(SMALL, from, to)), OfferError::NoFingerprint);
    }
}

#[test]
fn without_usable_ice_credentials() {
    let long = format!("ufrag:{}", "a".repeat(65));
    for (from, to) in [
        ("a=ice-ufrag:abcd\r\n", ""),
        ("a=ice-pwd:", "a=x:"),
        ("ufrag:abcd", "ufrag:abc"),
        ("ufrag:abcd", "ufrag:ab:d"),
        ("ufrag:abcd", long.as_str()),
        ("012345678901\r\n", "\r\n"),
    ] {
        assert_eq!(
            refusal(&bend(SMALL, from, to)),
            OfferError::NoIceCredentials
        );
    }
}

#[test]
fn without_a_usable_setup() {
    for (from, to) in [("actpass", "holdconn"), ("a=setup:actpass\r\n", "")] {
        assert_eq!(refusal(&bend(SMALL, from, to)), OfferError::BadSetup);
    }
}

#[test]
fn mids_missing_repeated_long_or_no_token() {
    let bad = |mid: &str| OfferError::BadMid(mid.into());
    assert_eq!(refusal(&bend(SMALL, "a=mid:0\r\n", "")), bad(""));
    assert_eq!(refusal(&bend(SMALL, "a=mid:0", "a=mid:a b")), bad("a b"));
    let long = "12345678901234567";
    assert_eq!(
        refusal(&bend(SMALL, "a=mid:0", &format!("a=mid:{long}"))),
        bad(long)
    );
    let section = &SMALL[SMALL.find("m=").unwrap()..];
    assert_eq!(refusal(&(SMALL.to_owned() + section)), bad("0"));
    // A bare carriage return ends no line for the syntax, and would for the reader of an answer.
    assert_eq!(
        refusal(&bend(SMALL, "a=mid:0", "a=mid:0\ra=x")),
        bad("0\ra=x")
    );
}

#[test]
fn names_that_cannot_be_carried() {
    let rid = |name: &str| {
        refusal(&with(&[
            &format!("a=rid:{name} send"),
            &format!("a=simulcast:send {name}"),
        ]))
    };
    assert_eq!(rid("a.b"), OfferError::BadRid("a.b".into()));
    let long = "12345678901234567";
    assert_eq!(rid(long), OfferError::BadRid(long.into()));
    let msid = |track: &str| refusal(&with(&[&format!("a=msid:- {track}")]));
    assert_eq!(msid("\u{e9}"), OfferError::BadMsid("\u{e9}".into()));
    assert!(matches!(msid(&"x".repeat(65)), OfferError::BadMsid(_)));
}

#[test]
fn media_lines_that_cannot_be_repeated() {
    for (from, to) in [("SAVPF 111", "SAVPF 111 \u{1}"), ("UDP/TLS", "UDP/\u{e9}")] {
        assert_eq!(refusal(&bend(SMALL, from, to)), OfferError::BadMediaLine(0));
    }
    let long = format!("\r\nm=video 0 x/SAVPF {}\r\n", "0 ".repeat(600));
    let hidden = long.replace('m', "\rm");
    for second in [long, hidden] {
        assert_eq!(
            refusal(&(SMALL.to_owned() + &second)),
            OfferError::BadMediaLine(1)
        );
    }
}

/// Whatever is offered, nothing panics, and an answer is SDP with the offer's sections.
#[test]
fn mutated_offers_never_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut below = |limit: usize| usize::try_from(rng.next_u64() % limit as u64).unwrap();
    let (mut read, mut refused) = (0, 0);
    for round in 0..1500 {
        let mut lines: Vec<String> = ALL[round % 4].lines().map(str::to_owned).collect();
        for _ in 0..=below(6) {
            let count = lines.len();
            let at = below(count);
            match below(5) {
                0 => {
                    lines.remove(at);
                }
                1 => lines.swap(at, (at * 7 + 1) % count),
                2 => lines[at] = lines[at].replace(|c: char| c.is_ascii_digit(), "9999999999"),
                3 => {
                    let cut = below(lines[at].len() + 1);
                    lines[at].truncate(cut);
                }
                _ => {
                    let odd = ["\0", "\r", "\u{e9}", " ", ":", ";;", "/", "a=", "~,"][below(9)];
                    let place = below(lines[at].len() + 1);
                    if lines[at].is_char_boundary(place) {
                        lines[at].insert_str(place, odd);
                    }
                }
            }
        }
        match read_offer(&lines.join("\r\n")) {
            Err(_) => refused += 1,
            Ok(offer) => {
                read += 1;
                let receive = |offered: &OfferedSection| {
                    let wishes = CodecWishes::default();
                    let payloads = accepted(&offered.payloads, &wishes);
                    AnsweredSection::Receive(ReceivingSection { payloads, wishes })
                };
                let sections: Vec<_> = offer.sections.iter().map(receive).collect();
                let answer = write_answer(&offer, &local(), &sections, 1);
                writing::assert_mirrors(&offer, &answer);
            }
        }
    }
    assert!(
        read > 100 && refused > 100,
        "both ways are walked: {read}, {refused}"
    );
}

/// Texts made to be long in one place: each is read in one pass over its lines, whose work does
/// not grow with the number of the other lines. A quadratic reader makes this test take minutes.
#[test]
fn a_text_at_the_limit_is_read_in_one_pass() {
    let fill = |unit: &str| unit.repeat((MAX_SDP_LEN - 2000) / unit.len());
    let names: String = (0..60_000).map(|n| format!("n{n};")).collect();
    let simulcast = format!("a=simulcast:send {names}");
    let rids: String = (0..20_000)
        .map(|n| format!("a=rid:m{n} send\r\n"))
        .collect();
    let groups: String = (0..20_000)
        .map(|n| format!("a=ssrc-group:FID {n} {n}\r\n"))
        .collect();
    let ssrcs: String = (0..20_000)
        .map(|n| format!("a=ssrc:{n} cname:x\r\n"))
        .collect();
    let group = bend(SMALL, "BUNDLE 0", &format!("BUNDLE {} 0", fill("a ")));
    for text in [
        group,
        with(&[&simulcast, &rids]),
        with(&[&groups, &ssrcs]),
        with(&[&fill("a=rtcp-fb:* nack pli xx\r\n")]),
        with(&[&fill("a=extmap:3 urn:x\r\n")]),
        with(&[&fill("a=fmtp:111 a;b;c\r\n")]),
        with(&[&"a\r\n".repeat(MAX_SDP_LINES - 20)]),
        with(&[&"\r\n".repeat(MAX_SDP_LINES - 20)]),
    ] {
        let within = text.len() <= MAX_SDP_LEN && text.split('\n').count() <= MAX_SDP_LINES;
        assert!(within, "it is refused before it is read");
        // Refused or read: the point is that it ends.
        let _ = read_offer(&text);
    }
}

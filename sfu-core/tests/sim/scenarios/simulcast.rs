//! Three encodings, one stream for the subscriber, whichever of them it is.

use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::oracle::Violation;
use crate::publisher::SourceKind;

fn meeting(seed: u64, link: Link) -> Meeting {
    Meeting::new(
        seed,
        &[
            Seat::publishing(&[SourceKind::Simulcast]).over(link, link),
            Seat::watching().over(link, link),
        ],
    )
}

/// The encodings that the subscriber got, in order, each once.
fn encodings(meeting: &Meeting) -> Vec<u8> {
    let frames = meeting.client(1).frames.iter();
    let mut encodings: Vec<u8> = frames.map(|frame| frame.tag.unwrap().encoding).collect();
    encodings.dedup();
    encodings
}

#[test]
fn the_best_encoding_is_forwarded_without_a_seam() {
    for seed in 1..=3 {
        let mut meeting = meeting(seed, Link::of_ms(20).losing(10));
        meeting.run_until_ms(3000);
        meeting.wind_down();
        assert_eq!(meeting.complaints(1, (0, 0)), [], "seed {seed}");
        assert_eq!(encodings(&meeting).last(), Some(&2), "seed {seed}");
    }
}

#[test]
fn an_encoding_that_stops_gives_way_and_comes_back() {
    let mut meeting = meeting(1, Link::of_ms(20));
    meeting.run_until_ms(2000);
    meeting.source_mut(0, 0).pause(2, true);
    meeting.run_until_ms(5500);
    meeting.source_mut(0, 0).pause(2, false);
    meeting.run_until_ms(7500);
    meeting.wind_down();
    let seen = encodings(&meeting);
    assert!(seen.ends_with(&[2, 1, 2]), "{seen:?}");
    let complaints = meeting.complaints(1, (0, 0));
    // Nothing comes until the engine takes the encoding for dead, 1.5 s, and a keyframe is there;
    // all that comes is decodable and continuous.
    let (missing, others): (Vec<_>, Vec<_>) = complaints
        .into_iter()
        .partition(|c| matches!(c, Violation::Missing(_)));
    assert_eq!(others, []);
    assert!(
        (1..60).contains(&missing.len()),
        "{} frames missing",
        missing.len()
    );
}

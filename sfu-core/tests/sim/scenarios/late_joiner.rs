//! Who joins later sees a picture at once.

use std::time::Duration;

use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::publisher::SourceKind;

#[test]
fn a_late_joiner_gets_a_keyframe_within_a_round_trip() {
    let mut meeting = Meeting::new(
        1,
        &[
            Seat::publishing(&[SourceKind::Video]),
            Seat::watching(),
            Seat::watching()
                .at_ms(2000)
                .over(Link::of_ms(40), Link::of_ms(40)),
        ],
    );
    meeting.run_until_ms(2000);
    let before = meeting.source(0, 0).requests.len();
    meeting.run_until_ms(4000);
    meeting.wind_down();
    for subscriber in [1, 2] {
        assert_eq!(meeting.complaints(subscriber, (0, 0)), []);
    }
    let late = meeting.client(2);
    let first = late.frames[0];
    assert!(first.tag.unwrap().keyframe);
    let waited = first.at - late.connected.unwrap();
    // To the engine, to the publisher, a frame's time, and all the way down; `str0m` says that it
    // is connected when its last flight of DTLS leaves or the engine's arrives.
    assert!(
        waited < Duration::from_millis(40 + 20 + 34 + 20 + 40 + 40),
        "{waited:?}"
    );
    assert_eq!(
        meeting.source(0, 0).requests.len(),
        before + 1,
        "one request for one joiner"
    );
}

#[test]
fn who_joins_just_after_the_publisher_waits_no_longer() {
    for later in [0, 20, 40, 60, 80, 200] {
        let mut meeting = Meeting::new(
            2,
            &[
                Seat::publishing(&[SourceKind::Video]),
                Seat::watching().at_ms(later),
            ],
        );
        meeting.run_until_ms(1500);
        meeting.wind_down();
        assert_eq!(meeting.complaints(1, (0, 0)), []);
        let client = meeting.client(1);
        let began = client.connected.max(meeting.client(0).connected).unwrap();
        let waited = client.frames[0].at - began;
        assert!(
            waited < Duration::from_millis(4 * 20 + 34 + 40),
            "{later} ms later: {waited:?}"
        );
        // None at all where the first keyframe found the subscriber ready.
        let first = client.frames[0].tag.unwrap().number;
        let requests = meeting.source(0, 0).requests.len();
        let expected = usize::from(first > 0);
        assert_eq!(requests, expected, "{later} ms later, from frame {first}");
    }
}

//! Who joins later sees a picture at once.

use std::time::Duration;

use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::publisher::SourceKind;

type Making = fn(u64, &[Seat]) -> Meeting;

#[test]
fn a_late_joiner_gets_a_keyframe_within_a_round_trip() {
    let meeting = a_late_joiner_sees_a_picture_at_once(Meeting::new);
    for subscriber in [1, 2] {
        assert_eq!(meeting.complaints(subscriber, (0, 0)), []);
    }
}

/// Of what comes after it, not all may fit an estimate that has just begun.
#[test]
fn a_late_joiner_waits_no_longer_where_a_pacer_stands_before_it() {
    a_late_joiner_sees_a_picture_at_once(Meeting::adapting);
}

fn a_late_joiner_sees_a_picture_at_once(making: Making) -> Meeting {
    let mut meeting = making(
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
    meeting
}

#[test]
fn who_joins_just_after_the_publisher_waits_no_longer() {
    for later in [0, 20, 40, 60, 80, 200] {
        let meeting = who_joins_later_waits_no_longer(Meeting::new, later);
        assert_eq!(meeting.complaints(1, (0, 0)), []);
        // None at all where the first keyframe found the subscriber ready.
        let first = meeting.client(1).frames[0].tag.unwrap().number;
        let requests = meeting.source(0, 0).requests.len();
        let expected = usize::from(first > 0);
        assert_eq!(requests, expected, "{later} ms later, from frame {first}");
        who_joins_later_waits_no_longer(Meeting::adapting, later);
    }
}

fn who_joins_later_waits_no_longer(making: Making, later: u64) -> Meeting {
    let mut meeting = making(
        2,
        &[
            Seat::publishing(&[SourceKind::Video]),
            Seat::watching().at_ms(later),
        ],
    );
    meeting.run_until_ms(1500);
    meeting.wind_down();
    let client = meeting.client(1);
    let began = client.connected.max(meeting.client(0).connected).unwrap();
    let waited = client.frames[0].at - began;
    assert!(
        waited < Duration::from_millis(4 * 20 + 34 + 40),
        "{later} ms later: {waited:?}"
    );
    meeting
}

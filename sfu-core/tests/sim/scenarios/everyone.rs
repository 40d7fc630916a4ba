//! Several publish; sections are offered as they are needed.

use std::time::Duration;

use sfu_core::event::Event;

use crate::meeting::{Meeting, Seat};
use crate::publisher::SourceKind;

#[test]
fn a_subscriber_offers_the_sections_that_it_is_asked_for() {
    let both = [SourceKind::Audio, SourceKind::Video];
    let mut meeting = Meeting::new(
        3,
        &[
            Seat::publishing(&both),
            Seat::publishing(&both).at_ms(300),
            Seat::publishing(&both).at_ms(600),
            Seat::watching(),
        ],
    );
    meeting.run_until_ms(3000);
    meeting.wind_down();
    for publisher in 0..3 {
        for source in 0..2 {
            let complaints = meeting.complaints(3, (publisher, source));
            assert_eq!(complaints, [], "source {source} of {publisher}");
        }
    }
    let asked = meeting.events.iter().filter(|(_, event)| {
        matches!(event, Event::SectionsNeeded { participant, .. } if participant.0 == 4)
    });
    // One for each publisher whose tracks find no free section, or one for both of its tracks.
    assert!((1..=4).contains(&asked.count()), "{:?}", meeting.events);
}

#[test]
fn rooms_hear_nothing_of_each_other() {
    let mut meeting = Meeting::new(
        4,
        &[
            Seat::publishing(&[SourceKind::Video]),
            Seat::watching(),
            Seat::publishing(&[SourceKind::Video]).in_room(2),
            Seat::watching().in_room(2),
        ],
    );
    meeting.run_until_ms(1500);
    meeting.wind_down();
    assert_eq!(meeting.complaints(1, (0, 0)), []);
    assert_eq!(meeting.complaints(3, (2, 0)), []);
    assert!(
        meeting
            .client(1)
            .frames
            .iter()
            .all(|frame| frame.track == 100)
    );
    assert!(
        meeting
            .client(3)
            .frames
            .iter()
            .all(|frame| frame.track == 300)
    );
    assert!(meeting.elapsed() >= Duration::from_millis(2200));
}

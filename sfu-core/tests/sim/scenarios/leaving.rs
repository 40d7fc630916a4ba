//! Who leaves is gone, and nobody else notices more than that.

use crate::meeting::{Meeting, Seat};
use crate::publisher::SourceKind;

#[test]
fn a_publisher_leaves_and_its_tracks_with_it() {
    let mut meeting = Meeting::new(
        1,
        &[
            Seat::publishing(&[SourceKind::Video]),
            Seat::publishing(&[SourceKind::Video]),
            Seat::watching(),
        ],
    );
    meeting.run_until_ms(1500);
    assert_eq!(meeting.worker().population(), (1, 3, 2));
    meeting.leave(0);
    meeting.run_until_ms(1600);
    assert_eq!(meeting.worker().population(), (1, 2, 1));
    let seen = meeting
        .client(2)
        .frames
        .iter()
        .filter(|frame| frame.track == 100)
        .count();
    assert!(seen > 20, "{seen} frames before it left");
    meeting.run_until_ms(3000);
    meeting.wind_down();
    let after = meeting
        .client(2)
        .frames
        .iter()
        .filter(|frame| frame.track == 100)
        .count();
    assert!(after <= seen + 2, "{after} frames, {seen} when it left");
    assert_eq!(meeting.complaints(2, (1, 0)), []);
}

#[test]
fn a_section_that_got_free_serves_the_next_track() {
    let mut meeting = Meeting::new(
        2,
        &[
            Seat::publishing(&[SourceKind::Video]),
            Seat::publishing(&[SourceKind::Video]).at_ms(1500),
            Seat::watching(),
        ],
    );
    meeting.run_until_ms(1200);
    meeting.leave(0);
    meeting.run_until_ms(3500);
    meeting.wind_down();
    assert_eq!(meeting.complaints(2, (1, 0)), []);
    assert!(
        meeting
            .client(2)
            .frames
            .iter()
            .any(|frame| frame.track == 100)
    );
}

#[test]
fn an_emptied_room_leaves_nothing_behind() {
    let mut meeting = Meeting::new(
        3,
        &[Seat::publishing(&[SourceKind::Video]), Seat::watching()],
    );
    let free = meeting.worker().pool_free();
    meeting.run_until_ms(1000);
    assert!(meeting.worker().pool_free() < free);
    meeting.leave(0);
    meeting.leave(1);
    meeting.run_until_ms(1100);
    assert_eq!(meeting.worker().population(), (0, 0, 0));
    assert_eq!(meeting.worker().pool_free(), free);
    assert_eq!(meeting.worker().poll_timeout(), None);
}

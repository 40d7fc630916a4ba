//! Sound: never repaired here, as `str0m` offers it without NACK, and never worse than its links.

use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::oracle::Violation;
use crate::publisher::SourceKind;

#[test]
fn audio_arrives_whole_over_clean_links() {
    let mut meeting = Meeting::new(
        1,
        &[
            Seat::publishing(&[SourceKind::Audio]),
            Seat::watching(),
            Seat::watching(),
        ],
    );
    meeting.run_until_ms(3000);
    meeting.wind_down();
    for subscriber in [1, 2] {
        assert_eq!(meeting.complaints(subscriber, (0, 0)), []);
        assert!(meeting.client(subscriber).frames.len() > 120);
    }
}

#[test]
fn a_lost_packet_of_audio_costs_its_own_frame_alone() {
    let lossy = Link::of_ms(20).losing(20);
    let mut meeting = Meeting::new(
        2,
        &[
            Seat::publishing(&[SourceKind::Audio]).over(lossy, lossy),
            Seat::watching().over(lossy, lossy.reordering(30)),
            Seat::watching(),
        ],
    );
    meeting.run_until_ms(5000);
    meeting.wind_down();
    let missing = |subscriber| {
        let complaints = meeting.complaints(subscriber, (0, 0));
        let all_missing = complaints
            .iter()
            .all(|c| matches!(c, Violation::Missing(_)));
        assert!(all_missing, "{complaints:?}");
        complaints
    };
    let (lossy, clean) = (missing(1), missing(2));
    assert!(!clean.is_empty(), "the publisher's own link loses some");
    assert!(
        lossy.len() > clean.len(),
        "the subscriber's link loses more"
    );
    assert!(lossy.len() as u64 <= meeting.lost());
    assert!(meeting.client(1).frames.len() > 180);
}

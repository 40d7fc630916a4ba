//! Every number of the publisher's wraps, and the subscriber's go on.

use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::publisher::SourceKind;

#[test]
fn numbers_go_on_over_the_publishers_wraps() {
    for seed in 1..=3 {
        let lossy = Link::of_ms(20).losing(20);
        let mut meeting = Meeting::new(
            seed,
            &[
                Seat::publishing(&[SourceKind::Video])
                    .over(lossy, lossy)
                    .before_wraps(),
                Seat::watching().over(lossy, lossy),
            ],
        );
        meeting.run_until_ms(3000);
        meeting.wind_down();
        assert_eq!(meeting.complaints(1, (0, 0)), [], "seed {seed}");
        assert!(meeting.client(1).frames.len() > 50);
    }
}

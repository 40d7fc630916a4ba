//! Everyone loses packets both ways, and nobody loses a frame.

use sfu_core::drop_reason::DropReason;

use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::publisher::SourceKind;

/// 1 % each way.
const LOSSY: Link = Link::of_ms(20).losing(10);

#[test]
fn two_subscribers_get_every_frame_over_lossy_links() {
    let mut meeting = Meeting::new(1, &[
        Seat::publishing(&[SourceKind::Video]).over(LOSSY, LOSSY),
        Seat::watching().over(LOSSY, LOSSY),
        Seat::watching().over(LOSSY.reordering(20).duplicating(10), LOSSY.reordering(20)),
    ]);
    meeting.run_until_ms(6000);
    meeting.wind_down();
    for subscriber in [1, 2] {
        assert_eq!(meeting.complaints(subscriber, (0, 0)), []);
        let frames = meeting.client(subscriber).frames.len();
        assert!(frames > 120, "{frames} frames in about 5 s");
    }
    let stats = meeting.worker().stats();
    assert!(meeting.lost() > 20, "{} lost", meeting.lost());
    assert!(stats.nacked_in > 0 && stats.rtx_out > 0, "{stats:?}");
    assert!(stats.nacked_out > 0 && stats.rtx_in > 0, "{stats:?}");
    assert_eq!(stats.drops.get(DropReason::SrtpAuthFailed), 0);
    assert_eq!(stats.drops.get(DropReason::PoolExhausted), 0);
}

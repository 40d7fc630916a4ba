//! Every codec's frames, put together again by another stack's depacketisers, over links that lose.

use str0m::format::Codec;

use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::publisher::SourceKind;

/// 1 % each way.
const LOSSY: Link = Link::of_ms(20).losing(10);

#[test]
fn two_subscribers_get_every_frame_of_every_codec_over_lossy_links() {
    for codec in [Codec::H264, Codec::Vp9, Codec::Av1, Codec::H265] {
        let mut meeting = Meeting::new(
            5,
            &[
                Seat::publishing(&[SourceKind::Coded(codec)]).over(LOSSY, LOSSY),
                Seat::watching().over(LOSSY, LOSSY),
                Seat::watching().over(LOSSY.reordering(20), LOSSY),
            ],
        );
        meeting.run_until_ms(5000);
        meeting.wind_down();
        for subscriber in [1, 2] {
            let complaints = meeting.complaints(subscriber, (0, 0));
            assert_eq!(complaints, [], "{codec:?}, subscriber {subscriber}");
            let frames = meeting.client(subscriber).frames.len();
            assert!(frames > 110, "{codec:?}: {frames} frames");
        }
        let stats = meeting.worker().stats();
        assert!(stats.nacked_in > 0 && stats.rtx_out > 0, "{stats:?}");
    }
}

#[test]
fn a_late_subscriber_starts_at_a_keyframe_of_any_codec() {
    for codec in [Codec::H264, Codec::Vp9, Codec::Av1, Codec::H265] {
        let mut meeting = Meeting::new(
            6,
            &[
                Seat::publishing(&[SourceKind::Coded(codec)]),
                Seat::watching(),
                Seat::watching().at_ms(1500),
            ],
        );
        meeting.run_until_ms(3500);
        meeting.wind_down();
        for subscriber in [1, 2] {
            let complaints = meeting.complaints(subscriber, (0, 0));
            assert_eq!(complaints, [], "{codec:?}, subscriber {subscriber}");
        }
        let first = meeting.client(2).frames[0].tag.unwrap();
        assert!(first.keyframe && first.number > 0, "{codec:?}: {first:?}");
        // The one that it asked for.
        assert!(!meeting.source(0, 0).requests.is_empty());
    }
}

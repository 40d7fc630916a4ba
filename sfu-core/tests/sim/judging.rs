//! The oracle's questions, put to a meeting.

use std::time::Duration;

use str0m::format::Codec;

use crate::meeting::Meeting;
use crate::oracle::{self, Violation};
use crate::server::ClientId;

/// Frames captured this shortly before the sources stopped may be missing: a loss at the very end
/// shows only by what comes after it.
const TAIL: Duration = Duration::from_millis(150);

/// How far a timestamp may be off where the encoding changes: half a frame at 90 kHz.
pub(crate) const SWITCH_TOLERANCE: u32 = 1500;

impl Meeting {
    /// Everything that is wrong with how a source arrived at a subscriber. After
    /// [`Meeting::wind_down`].
    pub(crate) fn complaints(
        &self,
        subscriber: ClientId,
        (publisher, source): (ClientId, usize),
    ) -> Vec<Violation> {
        let source = self.source(publisher, source);
        let client = self.client(subscriber);
        let audio = source.kind.is_audio();
        let of_track = client
            .frames
            .iter()
            .filter(|frame| frame.track == source.track);
        let received: Vec<_> = of_track.copied().collect();
        let Some(last) = source.published.last() else {
            return vec![Violation::Nothing];
        };
        let until = last.at - TAIL;
        let mut wrong = oracle::frames(&source.published, &received, until, !audio);
        let due = source.published.iter().rfind(|frame| frame.at <= until);
        let number = due.map_or(0, |frame| frame.tag.number);
        if source.kind.codec() == Codec::Vp8 {
            wrong.extend(match client.streams.get(&source.track) {
                Some(streams) => {
                    oracle::video_packets(&client.packets, *streams, number, SWITCH_TOLERANCE)
                }
                None => vec![Violation::Nothing],
            });
        }
        wrong
    }
}

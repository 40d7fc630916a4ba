//! What a client's decoders make of the frames that its stack gives.

use std::time::{Duration, Instant};

use str0m::media::{KeyframeRequestKind, MediaData};

use super::{Client, Received};
use crate::frame::{self, FrameTag};

/// Time between two requests for a keyframe.
const KEYFRAME_RETRY: Duration = Duration::from_millis(200);

/// A track's decoder.
#[derive(Default)]
pub(super) struct Decoder {
    last: Option<FrameTag>,
    asked: Option<Instant>,
}

impl Client {
    /// A decoder needs a keyframe, and then every frame; it asks for a keyframe when it has none to
    /// start from, as browsers do. Audio needs nothing.
    pub(super) fn decode(&mut self, now: Instant, data: &MediaData) {
        let track = self.tracks.get(&*data.mid).copied().unwrap_or(0);
        let tag = frame::read(&data.data);
        let decoder = self.decoders.entry(track).or_default();
        let video = data.params.spec().codec.is_video();
        if let Some(tag) = tag.filter(|tag| video && !tag.keyframe) {
            let follows = decoder
                .last
                .is_some_and(|last| (last.encoding, last.number + 1) == (tag.encoding, tag.number));
            if !follows {
                if decoder
                    .asked
                    .is_none_or(|asked| now - asked >= KEYFRAME_RETRY)
                {
                    decoder.asked = Some(now);
                    let mut writer = self.rtc.writer(data.mid).expect("frame mode");
                    let asked = writer.request_keyframe(None, KeyframeRequestKind::Pli);
                    asked.expect("video has PLI");
                }
                return;
            }
        }
        decoder.last = tag;
        self.frames.push(Received {
            at: now,
            track,
            tag,
        });
    }
}

//! What a client's decoders make of the frames that its stack gives.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use str0m::media::{KeyframeRequestKind, MediaData};

use super::{Client, Received};
use crate::frame;

/// Time between two requests for a keyframe.
const KEYFRAME_RETRY: Duration = Duration::from_millis(200);

/// A track's decoder.
#[derive(Default)]
pub(super) struct Decoder {
    /// The encodings and numbers of all frames that it could decode.
    decoded: BTreeSet<(u8, u32)>,
    asked: Option<Instant>,
}

impl Client {
    /// A decoder needs a keyframe, and then what each frame builds on: an upper temporal layer that is
    /// left out is missed by nobody. It asks for a keyframe when it has nothing to go on from, as
    /// browsers do. Audio needs nothing.
    pub(super) fn decode(&mut self, now: Instant, data: &MediaData) {
        let track = self.tracks.get(&*data.mid).copied().unwrap_or(0);
        let tag = frame::read(&data.data);
        let decoder = self.decoders.entry(track).or_default();
        let video = data.params.spec().codec.is_video();
        if let Some(tag) = tag.filter(|tag| video && !tag.keyframe)
            && !decoder.decoded.contains(&(tag.encoding, tag.needs))
        {
            let lately = |asked| now - asked < KEYFRAME_RETRY;
            if !decoder.asked.is_some_and(lately) {
                decoder.asked = Some(now);
                let mut writer = self.rtc.writer(data.mid).expect("frame mode");
                let asked = writer.request_keyframe(None, KeyframeRequestKind::Pli);
                asked.expect("video has PLI");
            }
            return;
        }
        if let Some(tag) = tag.filter(|_| video) {
            decoder.decoded.insert((tag.encoding, tag.number));
        }
        self.frames.push(Received {
            at: now,
            track,
            tag,
        });
    }
}

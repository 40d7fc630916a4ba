//! What a client does whose media is as browsers make it and take it.

use std::time::Instant;

use str0m::bwe::Bitrate;
use str0m::media::{KeyframeRequestKind, Mid};
use str0m::rtp::RtpPacket;

use super::Client;
use crate::live::{choice, feed};

impl Client {
    pub(super) fn go_live(&mut self, now: Instant) {
        let sources = self
            .sources
            .iter()
            .filter_map(|source| source.feed.as_ref());
        self.most = sources.map(|feed| feed.range().1).sum();
        if self.most > 0.0 {
            let most = Bitrate::kbps(self.most as u64);
            self.rtc.bwe().set_bitrate(Bitrate::ZERO, most);
        }
        for source in &mut self.sources {
            let first = now.max(source.begins.unwrap_or(now));
            source.start(feed::start_of(first, source.track as u32));
        }
        self.follow();
    }

    /// Makes of the estimate what it makes of it: other rates, or another choice of layers.
    pub(super) fn follow(&mut self) {
        let sources = self.sources.iter_mut();
        let mut choices: Vec<_> = sources
            .filter_map(|source| source.choice.as_mut())
            .collect();
        if choices.is_empty() {
            let sources = self.sources.iter_mut();
            feed::share_out(
                sources.filter_map(|source| source.feed.as_mut()),
                self.estimate,
            );
        } else if let Some(next) = choice::choose(&mut choices, self.estimate) {
            let all = Bitrate::kbps(self.most as u64);
            // As its documentation tells senders of layers.
            self.rtc.bwe().set_bitrate(Bitrate::kbps(next as u64), all);
        }
    }

    pub(super) fn see(&mut self, now: Instant, packet: &RtpPacket) {
        let Some(viewer) = &mut self.viewer else {
            return;
        };
        let pt = packet.header.payload_type;
        let mut formats = self.rtc.codec_config().iter();
        let audio = formats.any(|format| format.pt() == pt && format.spec().codec.is_audio());
        let Some(track) = viewer.receive(now, &packet.payload, audio) else {
            return;
        };
        let mut sections = self.tracks.iter();
        let Some((mid, _)) = sections.find(|(_, of)| **of == u64::from(track)) else {
            return;
        };
        let mid = Mid::from(mid.as_str());
        if let Some(stream) = self.rtc.direct_api().stream_rx_by_mid(mid, None) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }
}

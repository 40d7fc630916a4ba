//! A client's offers and answers.

use str0m::change::{SdpAnswer, SdpOffer};
use str0m::channel::{ChannelConfig, Reliability};
use str0m::media::{Direction, MediaKind, Simulcast, SimulcastLayer};

use super::{Client, LOSSY, Streams};
use crate::publisher::SourceKind;

impl Client {
    /// Makes an offer with everything that waits for one: its number and its text.
    pub(crate) fn offer(&mut self) -> Option<(u32, String)> {
        if self.pending.is_some() {
            self.wants_offer = true;
            return None;
        }
        let mut change = self.rtc.sdp_api();
        for source in self
            .sources
            .iter_mut()
            .filter(|source| source.mid.is_none())
        {
            let kind = if source.kind.is_audio() {
                MediaKind::Audio
            } else {
                MediaKind::Video
            };
            let (stream, track) = (Some("stream".to_owned()), Some(source.cid.clone()));
            let simulcast = simulcast(source.kind);
            source.mid =
                Some(change.add_media(kind, Direction::SendOnly, stream, track, simulcast));
        }
        // An idle section was answered `inactive`, which `str0m` adopts for good.
        for mid in &self.receiving {
            change.set_direction(*mid, Direction::RecvOnly);
        }
        let (audio, video) = std::mem::take(&mut self.to_add);
        let kinds = [(MediaKind::Audio, audio), (MediaKind::Video, video)];
        for (kind, count) in kinds {
            for _ in 0..count {
                self.receiving
                    .push(change.add_media(kind, Direction::RecvOnly, None, None, None));
            }
        }
        for label in std::mem::take(&mut self.labels) {
            let lossy = label == LOSSY;
            let config = ChannelConfig {
                label: label.to_owned(),
                ordered: !lossy,
                reliability: match lossy {
                    true => Reliability::MaxRetransmits { retransmits: 0 },
                    false => Reliability::Reliable,
                },
                ..ChannelConfig::default()
            };
            let channel = change.add_channel_with_config(config);
            self.channels.insert(label.to_owned(), channel);
        }
        let (offer, pending) = change.apply()?;
        self.pending = Some(pending);
        self.wants_offer = false;
        self.offers += 1;
        Some((self.offers, offer.to_sdp_string()))
    }

    /// Answers another client's offer, whose sections carry these tracks.
    pub(crate) fn accept(&mut self, sdp: &str, mids: &[(String, u64)]) -> String {
        self.tracks = mids.iter().cloned().collect();
        let offer = SdpOffer::from_sdp_string(sdp).unwrap();
        self.rtc
            .sdp_api()
            .accept_offer(offer)
            .unwrap()
            .to_sdp_string()
    }

    /// Takes an answer; gives the next offer where one has become due meanwhile.
    pub(crate) fn answer(&mut self, sdp: &str, mids: &[(String, u64)]) -> Option<(u32, String)> {
        let pending = self.pending.take().expect("an answer without an offer");
        let answer = SdpAnswer::from_sdp_string(sdp).unwrap_or_else(|e| panic!("{e}: {sdp}"));
        let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
        accepted.unwrap_or_else(|error| panic!("{error}: {sdp}"));
        self.tracks = mids.iter().cloned().collect();
        for (mid, streams) in announced_streams(sdp) {
            if let Some(track) = self.tracks.get(&mid) {
                self.streams.insert(*track, streams);
            }
        }
        if self.wants_offer { self.offer() } else { None }
    }

    /// Adds receiving sections and offers them, now or when the pending offer is answered.
    pub(crate) fn add_sections(&mut self, audio: u32, video: u32) -> Option<(u32, String)> {
        self.to_add = (self.to_add.0 + audio, self.to_add.1 + video);
        self.offer()
    }
}

fn simulcast(kind: SourceKind) -> Option<Simulcast> {
    let mut simulcast = Simulcast::new();
    for rid in kind.rids() {
        simulcast.add_send_layer(SimulcastLayer::new(rid));
    }
    (!kind.rids().is_empty()).then_some(simulcast)
}

/// The streams that an answer announces, by section.
fn announced_streams(sdp: &str) -> Vec<(String, Streams)> {
    let mut found = Vec::new();
    for section in sdp.split("\r\nm=").skip(1) {
        let value = |key| {
            section
                .lines()
                .find_map(|line: &str| line.strip_prefix(key))
        };
        let numbers = |text: &str| {
            let words: Vec<u32> = text
                .split(' ')
                .filter_map(|word| word.parse().ok())
                .collect();
            words
        };
        let group = value("a=ssrc-group:FID ").map(numbers);
        let alone = value("a=ssrc:").map(numbers);
        let Some(ssrcs) = group.or(alone).filter(|ssrcs| !ssrcs.is_empty()) else {
            continue;
        };
        let mid = value("a=mid:").unwrap_or_default().to_owned();
        found.push((
            mid,
            Streams {
                media: ssrcs[0],
                rtx: ssrcs.get(1).copied(),
            },
        ));
    }
    found
}

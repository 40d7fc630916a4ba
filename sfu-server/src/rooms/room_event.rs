//! What a room's watchers are told, in words that belong to no door.

use std::time::SystemTime;

use super::info::{ParticipantInfo, RoomInfo, TrackInfo};
use super::notice::LeaveReason;

/// One thing that happened in a room. Hidden participants' are among them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// Somebody came.
    ParticipantJoined(Box<ParticipantInfo>),
    /// Somebody's media is connected.
    ParticipantActive(Box<ParticipantInfo>),
    /// Somebody's name, metadata, attributes, permissions or state is another.
    ParticipantUpdated(Box<ParticipantInfo>),
    /// Somebody is gone; `left` says why. Its tracks ended just before.
    ParticipantLeft(Box<ParticipantInfo>),
    /// A track can be subscribed to.
    TrackPublished(Publisher, Box<TrackInfo>),
    /// A track was muted or unmuted: its `muted` says which.
    TrackMuteChanged(Publisher, Box<TrackInfo>),
    /// A track ended.
    TrackUnpublished(Publisher, Box<TrackInfo>),
    /// All that speak now, the loudest first.
    SpeakersChanged(Vec<(Publisher, f32)>),
    /// The room's own text is another.
    RoomUpdated(Box<RoomInfo>),
    /// The room is over; nothing follows.
    RoomEnded(LeaveReason),
}

/// Who publishes or speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// The application's own name of it.
    pub identity: String,
    /// Its session.
    pub sid: String,
}

/// An event in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// 1 for the first of a room's life, then one more for each.
    pub sequence: u64,
    /// When it happened.
    pub at: SystemTime,
    /// What happened.
    pub event: RoomEvent,
}

impl RoomEvent {
    /// About how many bytes it holds: what the application can make large, and a round number for
    /// the rest.
    pub(super) fn weight(&self) -> usize {
        const REST: usize = 256;
        let track = |info: &TrackInfo| REST + info.name.len() + info.stream.len();
        let texts = match self {
            Self::ParticipantJoined(info)
            | Self::ParticipantActive(info)
            | Self::ParticipantUpdated(info)
            | Self::ParticipantLeft(info) => {
                let pairs = info.attributes.iter();
                let pairs: usize = pairs.map(|(key, value)| key.len() + value.len()).sum();
                let tracks: usize = info.tracks.iter().map(track).sum();
                info.name.len() + info.metadata.len() + pairs + tracks
            }
            Self::TrackPublished(_, info)
            | Self::TrackMuteChanged(_, info)
            | Self::TrackUnpublished(_, info) => track(info),
            Self::SpeakersChanged(speakers) => speakers.len() * REST,
            Self::RoomUpdated(info) => info.metadata.len(),
            Self::RoomEnded(_) => 0,
        };
        REST + texts
    }
}

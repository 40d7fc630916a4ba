//! What a session is told, in words that belong to no door.

use std::sync::Arc;

use super::dynacast::WantedCodec;
use super::info::{ParticipantInfo, RoomInfo, TrackInfo};
use super::quality::QualityInfo;
use super::speakers::Speaker;
use super::stream_states::StreamInfo;

/// Why a participant leaves, or is made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaveReason {
    /// It said so.
    ClientInitiated,
    /// The same identity joined again.
    DuplicateIdentity,
    /// The control plane removed it.
    ParticipantRemoved,
    /// The control plane deleted the room.
    RoomDeleted,
    /// The server stops.
    ServerShutdown,
    /// Client and server disagree on what is there: a new join mends it.
    StateMismatch,
    /// The room ended by a fault of ours: a new join makes it anew.
    RoomFailed,
    /// Its media is gone.
    MediaLost,
    /// Its signalling and its media are gone.
    ConnectionLost,
    /// It does not read what it is told.
    TooSlow,
    /// Its first offer was refused.
    OfferRefused,
}

impl LeaveReason {
    /// Whether joining again at once can succeed and is wanted.
    #[must_use]
    pub const fn may_rejoin(self) -> bool {
        matches!(
            self,
            Self::StateMismatch | Self::RoomFailed | Self::MediaLost | Self::TooSlow
        )
    }
}

/// Why a wish about a track was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// No such track.
    TrackNotFound,
    /// The participant may not subscribe, or not to more.
    NotAllowed,
    /// The participant decodes nothing that the track is sent in.
    CodecUnsupported,
}

/// One thing that a session is told. In order: what is told later happened later.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// What all subscribers together want of one of the listener's tracks.
    TrackWanted {
        /// The track's sid.
        track: String,
        /// By codec, the first one first.
        codecs: Vec<WantedCodec>,
    },
    /// Pictures that the listener asks for are paused for want of bandwidth, or go on.
    StreamStates(Arc<Vec<StreamInfo>>),
    /// Participants other than the listener came, changed or left.
    ParticipantsChanged(Arc<Vec<ParticipantInfo>>),
    /// The listener's own participant changed.
    SelfChanged(Arc<ParticipantInfo>),
    /// The room changed.
    RoomChanged(Arc<RoomInfo>),
    /// The answer to an offer.
    Answer {
        /// The client's number of the offer.
        offer_id: u32,
        /// The SDP text.
        sdp: String,
        /// Each section and the sid of the track in it.
        mid_to_track: Vec<(String, String)>,
    },
    /// An offer changes nothing because it is refused.
    OfferRefused {
        /// The client's number of the offer.
        offer_id: u32,
        /// Fit for the client.
        message: String,
    },
    /// The client must add this many receiving sections and offer again.
    SectionsNeeded {
        /// Further audio sections.
        audio: u32,
        /// Further video sections.
        video: u32,
    },
    /// The listener's announced track has its sid: it may be offered now.
    TrackPublished {
        /// The client's own name of it.
        cid: String,
        /// The track.
        track: Arc<TrackInfo>,
    },
    /// The listener's own track ended.
    TrackUnpublished {
        /// Its sid.
        track: String,
    },
    /// The listener's own track was muted or unmuted by the server.
    MuteChanged {
        /// Its sid.
        track: String,
        /// Muted or not.
        muted: bool,
    },
    /// Somebody is sent the listener's own track for the first time.
    TrackSubscribed {
        /// Its sid.
        track: String,
    },
    /// A wish about a track was not granted.
    SubscriptionFailed {
        /// The sid that was named.
        track: String,
        /// Why.
        error: SubscriptionError,
    },
    /// Who is speaking changed: those of whom something changed, loudest first. A newcomer is told
    /// of all who speak, who was without signalling of everyone.
    SpeakersChanged(Arc<Vec<Speaker>>),
    /// How good connections are changed, the listener's own among them.
    QualitiesChanged(Arc<Vec<QualityInfo>>),
    /// A publisher no longer lets the listener have a track that it wants, or does again.
    SubscriptionPermitted {
        /// The publisher's sid.
        publisher: String,
        /// The track's sid.
        track: String,
        /// False: nothing of it is sent until true.
        allowed: bool,
    },
    /// The session is over; nothing follows.
    Leave {
        /// Why.
        reason: LeaveReason,
    },
}

//! The control plane's words to the engine. Every one is idempotent towards what is already gone:
//! a command about an unknown participant or track changes nothing.

use std::sync::Arc;

use crate::id::{DataLabel, ParticipantId, RoomId, TrackId};
use crate::media::codec::MediaKind;
use crate::media::format::CodecWishes;
use crate::media::layer::LayerWish;
use crate::media::session::OfferedSession;

/// What a participant's media may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaPermissions {
    /// May send media.
    pub publish: bool,
    /// May be sent media.
    pub subscribe: bool,
}

/// A track as its publisher announced it, before its media section is offered.
#[derive(Clone, Debug)]
pub struct TrackAnnouncement {
    /// The track's number.
    pub track: TrackId,
    /// Audio or video.
    pub kind: MediaKind,
    /// The client's own name of it: `a=msid`'s second word in the offer that will carry it.
    pub cid: String,
    /// `a=msid`'s first word towards subscribers.
    pub stream_label: String,
    /// `a=msid`'s second word towards subscribers.
    pub track_label: String,
    /// Published muted.
    pub muted: bool,
    /// How it is to be coded.
    pub codecs: CodecWishes,
}

/// One instruction to the worker that holds the room.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// A participant joins a room; the room exists from its first participant on.
    AddParticipant {
        /// The room.
        room: RoomId,
        /// The new participant.
        participant: ParticipantId,
        /// What its media may do.
        permissions: MediaPermissions,
    },
    /// What a participant's media may do from now on. What it may no longer do ends at once: its
    /// tracks, or its subscriptions.
    SetPermissions {
        /// Whose.
        participant: ParticipantId,
        /// What.
        permissions: MediaPermissions,
    },
    /// A participant leaves: its tracks end, its subscriptions too.
    RemoveParticipant {
        /// Who.
        participant: ParticipantId,
    },
    /// A room ends with all in it.
    CloseRoom {
        /// Which.
        room: RoomId,
    },
    /// The client's offer; answered by `Event::Answer` or `Event::OfferRefused`.
    Offer {
        /// Whose.
        participant: ParticipantId,
        /// The client's number of the offer, given back in the answer.
        offer_id: u32,
        /// The parsed offer.
        offer: Box<OfferedSession>,
    },
    /// A track whose section a coming offer will carry.
    AnnounceTrack {
        /// The publisher.
        participant: ParticipantId,
        /// The track.
        announcement: Box<TrackAnnouncement>,
    },
    /// A track ends.
    RemoveTrack {
        /// Which.
        track: TrackId,
    },
    /// The publisher mutes or unmutes: a muted track is not forwarded.
    SetTrackMuted {
        /// Which.
        track: TrackId,
        /// Muted or not.
        muted: bool,
    },
    /// Whether a sound is somebody's voice, as every one is at first. What is none, the sound of a
    /// shared screen, is no speaker and does not compete with voices for being forwarded.
    SetTrackVoice {
        /// Which.
        track: TrackId,
        /// A voice or not.
        is_voice: bool,
    },
    /// Whether pictures are of a shared screen, as none are at first: these come before faces where
    /// bandwidth is short.
    SetTrackScreen {
        /// Which.
        track: TrackId,
        /// A screen or not.
        is_screen: bool,
    },
    /// A participant wants a track. Takes effect with the next answer.
    Subscribe {
        /// The subscriber.
        participant: ParticipantId,
        /// The track.
        track: TrackId,
    },
    /// A participant no longer wants a track.
    Unsubscribe {
        /// The subscriber.
        participant: ParticipantId,
        /// The track.
        track: TrackId,
    },
    /// A subscription is paused or goes on, without renegotiation.
    SetSubscriptionEnabled {
        /// The subscriber.
        participant: ParticipantId,
        /// The track.
        track: TrackId,
        /// False: nothing is sent until true.
        enabled: bool,
    },
    /// What a subscriber asks for of a track's pictures, until it asks for something else.
    SetLayerWish {
        /// The subscriber.
        participant: ParticipantId,
        /// The track.
        track: TrackId,
        /// What it asks for.
        wish: LayerWish,
    },
    /// Why are a participant's subscriptions sent what they are sent? Answered by
    /// `Event::SubscriptionsExplained`; not at all for a participant that is not there.
    ExplainSubscriptions {
        /// Whose.
        participant: ParticipantId,
        /// Given back in the answer.
        request: u64,
    },
    /// Records what a participant's estimate and allotments are made of, and what comes of it, until
    /// `Command::StopRecording`, or until it has `most_bytes`. Answered by pieces:
    /// `Event::AdaptationRecorded`. A recording that runs already ends by it.
    RecordAdaptation {
        /// Whose.
        participant: ParticipantId,
        /// Given back with each piece.
        request: u64,
        /// At most [`crate::config::MAX_RECORDING`], which larger numbers count as.
        most_bytes: usize,
    },
    /// Ends the recording of that request, if it still runs: its last piece comes.
    StopRecording {
        /// Whose.
        participant: ParticipantId,
        /// The one that began it.
        request: u64,
    },
    /// A message for these participants, each over its open data channel of that label. Who has none
    /// open, or does not read, misses it: that is counted and hurts nobody else.
    SendData {
        /// To whom.
        recipients: Vec<ParticipantId>,
        /// Over which channel.
        label: DataLabel,
        /// The message, shared by all.
        payload: Arc<[u8]>,
    },
    /// Panics within the room's own work. For proving containment; the server offers it only under
    /// fault injection.
    InjectPanic {
        /// Which.
        room: RoomId,
    },
}

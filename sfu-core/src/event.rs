//! The engine's facts to the control plane.

use std::time::Duration;

use crate::id::{DataLabel, Mid, ParticipantId, RoomId, TrackId};
use crate::media::codec::Codec;
use crate::media::explanation::{LinkExplanation, SubscriptionExplanation};
use crate::media::path::Path;
use crate::media::session::OfferError;

/// Why a participant's media is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaLoss {
    /// No valid ICE check for the consent time (RFC 7675).
    ConsentExpired,
    /// The DTLS handshake failed: an error or the wrong certificate.
    DtlsFailed,
    /// The peer closed DTLS.
    DtlsClosed,
}

/// A sound that is speech, as far as its loudness tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// The sound.
    pub track: TrackId,
    /// How loud it is, smoothed, as -dBov (RFC 6464): 0 is the loudest, 127 silence.
    pub level_dbov: u8,
}

/// How packets fared in one direction, over the time since they were last told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStatistics {
    /// Packets that should have come, by their numbers: a source that is muted, paused or silent
    /// numbers none.
    pub expected: u64,
    /// Those of them that did not come, before any repair.
    pub lost: u64,
    /// How unevenly sound comes (RFC 3550 section 6.4.1), at the worst of its streams; zero without
    /// any. Pictures are paced by their senders, so that their jitter says nothing of the network.
    pub jitter: Duration,
}

/// How a participant's connection does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionStatistics {
    /// What it publishes, as it arrives here.
    pub received: LinkStatistics,
    /// What it is sent, by its own reports; what was missing here before is not counted as lost.
    pub sent: LinkStatistics,
    /// The round trip by its latest report; `None` while it is sent nothing.
    pub rtt: Option<Duration>,
}

/// Why a subscription cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionFailure {
    /// The subscriber decodes nothing that the publisher sends: no codec, or no profile, of its.
    CodecUnsupported,
}

/// Whether a subscriber is sent the pictures that it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// It is, as far as its bandwidth allows.
    Active,
    /// Not even the least of them fits what its network carries.
    Paused,
}

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordingEnd {
    /// It was asked to.
    Asked,
    /// It has as many bytes as it may.
    Full,
    /// Another one of the same participant began.
    Replaced,
}

/// One fact.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The answer to an offer.
    Answer {
        /// Whose offer.
        participant: ParticipantId,
        /// The client's number of the offer.
        offer_id: u32,
        /// The SDP text.
        sdp: String,
        /// The section of each track, both published and subscribed.
        mids: Vec<(Mid, TrackId)>,
    },
    /// An offer that changes nothing because it is refused.
    OfferRefused {
        /// Whose offer.
        participant: ParticipantId,
        /// The client's number of the offer.
        offer_id: u32,
        /// Why; its text is fit for the client.
        error: OfferError,
    },
    /// Subscriptions wait for sections: the client must add this many receiving ones and offer
    /// again. Both zero: enough are free, an offer is all that is needed.
    SectionsNeeded {
        /// Whose.
        participant: ParticipantId,
        /// Further audio sections.
        audio: u32,
        /// Further video sections.
        video: u32,
    },
    /// DTLS is done and media can flow.
    Connected {
        /// Whose transport.
        participant: ParticipantId,
        /// Where media goes: the nominated path, or the checked one until there is a nomination.
        path: Path,
        /// The SRTP profile's IANA name.
        srtp_profile: &'static str,
    },
    /// A participant's media is gone; its signalling may live on.
    MediaLost {
        /// Whose.
        participant: ParticipantId,
        /// Why.
        loss: MediaLoss,
    },
    /// A track's section is agreed on: others can be told of it.
    TrackBound {
        /// The track.
        track: TrackId,
        /// Its publisher's section.
        mid: Mid,
    },
    /// A track's section stopped sending: the client has unpublished it.
    TrackUnbound {
        /// The track.
        track: TrackId,
    },
    /// The codec that a track comes in: before its [`Event::TrackBound`] the one that the publisher
    /// was told to send first, and again whenever it sends another.
    TrackCodec {
        /// The track.
        track: TrackId,
        /// Its codec.
        codec: Codec,
    },
    /// A subscription is over, for it cannot be served.
    SubscriptionFailed {
        /// Whose.
        participant: ParticipantId,
        /// To which track.
        track: TrackId,
        /// Why.
        failure: SubscriptionFailure,
    },
    /// Why a participant's subscriptions are sent what they are sent: the answer to
    /// `Command::ExplainSubscriptions`.
    SubscriptionsExplained {
        /// Whose.
        participant: ParticipantId,
        /// The question's.
        request: u64,
        /// Each subscription, at most [`crate::config::MAX_SUBSCRIPTIONS_PER_PARTICIPANT`].
        explanations: Vec<SubscriptionExplanation>,
        /// Its network.
        link: LinkExplanation,
    },
    /// The next piece of a recording that `Command::RecordAdaptation` began: in order, none is
    /// missing, and joined they are the recording.
    AdaptationRecorded {
        /// Whose.
        participant: ParticipantId,
        /// The command's.
        request: u64,
        /// The piece.
        bytes: Vec<u8>,
        /// Why it was the last; `None`: more will come.
        end: Option<RecordingEnd>,
    },
    /// Pictures that a participant asks for are paused for want of bandwidth, or go on.
    StreamStates {
        /// Whose.
        participant: ParticipantId,
        /// The tracks that are not as they were, at most
        /// [`crate::config::MAX_SUBSCRIPTIONS_PER_PARTICIPANT`].
        states: Vec<(TrackId, StreamState)>,
    },
    /// The first packet of a track arrived.
    TrackStarted {
        /// The track.
        track: TrackId,
    },
    /// The list of a room's speakers changed: who is in it, or how loud. Who begins to speak is told
    /// within 300 ms; otherwise at most as often as [`crate::config::SPEAKERS_INTERVAL`] allows, and
    /// at once when a track that is in it is muted or over.
    SpeakersChanged {
        /// The room.
        room: RoomId,
        /// All of the list, the dominant speaker first, then loudest first; at most
        /// [`crate::config::MAX_SPEAKERS`].
        speakers: Vec<Speaker>,
    },
    /// Another speaker leads a room's conversation. It does so through its pauses, until somebody
    /// else does; told before the list that changes with it.
    DominantSpeaker {
        /// The room.
        room: RoomId,
        /// Its sound; `None` when that is muted or over and nobody has followed yet.
        track: Option<TrackId>,
    },
    /// How a participant's connection did over the last seconds; told every
    /// [`crate::config::STATISTICS_INTERVAL`] while it publishes or is sent anything.
    ConnectionStatistics {
        /// Whose.
        participant: ParticipantId,
        /// How it did.
        statistics: ConnectionStatistics,
    },
    /// A participant's data channel is open: `Command::SendData` reaches it from now on.
    DataChannelOpened {
        /// Whose.
        participant: ParticipantId,
        /// Which.
        label: DataLabel,
    },
    /// A participant sent a whole message over a data channel.
    DataReceived {
        /// Who.
        participant: ParticipantId,
        /// Over which channel.
        label: DataLabel,
        /// The message.
        payload: Vec<u8>,
    },
    /// A participant does not read the reliable messages that it is sent: more than
    /// [`crate::config::MAX_DATA_QUEUED`] waits for it, and what comes now is dropped. Told once,
    /// and again when the queue had emptied and filled up anew.
    DataOverflow {
        /// Who.
        participant: ParticipantId,
    },
    /// A room ended by a panic in its own work; all of it is gone from the engine.
    RoomFailed {
        /// Which.
        room: RoomId,
    },
}

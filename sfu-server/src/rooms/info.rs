//! What the application says of rooms, participants and tracks: plain values, the same for all doors.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use sfu_core::media::codec::{Codec, MediaKind};

use super::permissions::Permissions;
use super::track_traits::TrackTraits;

/// What a room is made with. `Default` leaves every choice to the server's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomOptions {
    /// The room's name: what joins refer to. Not empty.
    pub name: String,
    /// How long the room waits for its first participant.
    pub empty_timeout: Option<Duration>,
    /// How long the room waits after its last participant left.
    pub departure_timeout: Option<Duration>,
    /// Most participants at a time; `None` or 0: the server's own bound.
    pub max_participants: Option<u32>,
    /// The application's own text about the room.
    pub metadata: String,
}

/// A room as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomInfo {
    /// `RM_` and random letters: new for every life of the room.
    pub sid: String,
    /// Its name.
    pub name: String,
    /// How long it waits for its first participant.
    pub empty_timeout: Duration,
    /// How long it waits after its last participant left.
    pub departure_timeout: Duration,
    /// Most participants at a time.
    pub max_participants: u32,
    /// When this life of it began.
    pub created_at: SystemTime,
    /// The application's own text.
    pub metadata: String,
    /// Participants now, hidden ones not counted.
    pub num_participants: u32,
    /// Participants now that publish at least one track.
    pub num_publishers: u32,
}

/// How far a participant has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParticipantState {
    /// Signalling is up; media is not yet.
    Joined,
    /// Media flows, or could.
    Active,
    /// Gone.
    Disconnected,
}

/// A participant as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantInfo {
    /// `PA_` and random letters: new for every session.
    pub sid: String,
    /// The application's own name of it; one session per identity and room.
    pub identity: String,
    /// A name for people.
    pub name: String,
    /// The application's own text.
    pub metadata: String,
    /// The application's own pairs.
    pub attributes: BTreeMap<String, String>,
    /// How far it has come.
    pub state: ParticipantState,
    /// When this session began.
    pub joined_at: SystemTime,
    /// Its published tracks, oldest first.
    pub tracks: Vec<TrackInfo>,
    /// What it may do.
    pub permissions: Permissions,
    /// Grows with every change, so that late news is not taken for new.
    pub version: u32,
    /// Why it left; `None` while it is here.
    pub left: Option<super::LeaveReason>,
}

/// Where a track comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TrackSource {
    /// Not said.
    #[default]
    Unknown,
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// A shared screen.
    ScreenShare,
    /// The sound of a shared screen.
    ScreenShareAudio,
}

/// A step of quality of a video track, as its publisher announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quality {
    /// The smallest.
    Low,
    /// The middle one.
    Medium,
    /// The largest.
    High,
}

/// One announced encoding of a video track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackLayer {
    /// Its step.
    pub quality: Quality,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bits per second at most; 0: not said.
    pub bitrate: u32,
}

/// A track's second codec, for those who cannot decode the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupInfo {
    /// The codec.
    pub codec: Codec,
    /// The client's own name of it; empty until it is sent.
    pub cid: String,
    /// The announced encodings; empty until it is sent.
    pub layers: Vec<TrackLayer>,
    /// The publisher's section of it, once agreed on.
    pub mid: Option<String>,
}

/// A published track as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackInfo {
    /// `TR_` and random letters.
    pub sid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: TrackSource,
    /// The publisher's name of it.
    pub name: String,
    /// The publisher's word that groups tracks to be played in step; may be empty.
    pub stream: String,
    /// Muted by its publisher or the server.
    pub muted: bool,
    /// Pixels across; 0: audio or not said.
    pub width: u32,
    /// Pixels down; 0: audio or not said.
    pub height: u32,
    /// More than one encoding is sent.
    pub simulcast: bool,
    /// The announced encodings.
    pub layers: Vec<TrackLayer>,
    /// The codec that it is sent in.
    pub codec: Codec,
    /// The second codec, if there is one.
    pub backup: Option<BackupInfo>,
    /// Audio in two channels.
    pub stereo: bool,
    /// Audio without discontinuous transmission.
    pub disable_dtx: bool,
    /// Opus without redundancy.
    pub disable_red: bool,
    /// What else its publisher says of it.
    pub traits: TrackTraits,
    /// The publisher's section, once agreed on.
    pub mid: Option<String>,
}

/// How much there is, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rooms.
    pub rooms: usize,
    /// Participants in them.
    pub participants: usize,
    /// Tracks published in them.
    pub tracks: usize,
    /// Subscriptions to them.
    pub subscriptions: usize,
}

impl TrackInfo {
    /// What is played in step with it: tracks of one publisher with the same word.
    pub(super) fn group(&self) -> &str {
        match self.source {
            _ if !self.stream.is_empty() => &self.stream,
            TrackSource::Camera | TrackSource::Microphone => "camera",
            TrackSource::ScreenShare | TrackSource::ScreenShareAudio => "screen",
            TrackSource::Unknown => "unknown",
        }
    }
}

//! One participant's session and one track, as their room keeps them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use sfu_core::id::{ParticipantId, TrackId};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::backup::Backup;
use super::data::Data;
use super::dynacast::Wanted;
use super::explain::Questions;
use super::ids;
use super::info::{ParticipantInfo, ParticipantState, TrackInfo};
use super::join::JoinParams;
use super::news::News;
use super::notice::{LeaveReason, Notice};
use super::permissions::Permissions;
use super::quality::Quality;
use super::recording::Recorder;
use super::subscription_permissions::Audience;
use super::wishes::TrackWish;

/// Where a participant's media stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Media {
    /// Never connected; since when it could have.
    Awaited(Instant),
    Connected,
    /// Gone for good: what the engine has given up does not come back.
    Lost(Instant),
}

pub(super) struct Participant {
    pub(super) sid: String,
    pub(super) identity: Arc<str>,
    pub(super) name: String,
    pub(super) metadata: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) permissions: Permissions,
    pub(super) auto_subscribe: bool,
    pub(super) joined_at: SystemTime,
    pub(super) version: u32,
    /// Published, oldest first.
    pub(super) tracks: Vec<TrackId>,
    pub(super) subscriptions: BTreeSet<TrackId>,
    /// Tracks of which it is sent the second codec, or was.
    pub(super) on_backup: BTreeSet<TrackId>,
    /// What it asks for of tracks, where it is not all of them.
    pub(super) wishes: BTreeMap<TrackId, TrackWish>,
    /// Those that its network did not carry at some time, and whether it does not now.
    pub(super) paused: BTreeMap<TrackId, bool>,
    /// Wanted, but not permitted by their publishers.
    pub(super) withheld: BTreeSet<TrackId>,
    /// Something was withheld from it at some time.
    pub(super) ever_withheld: bool,
    /// Who may be sent its tracks.
    pub(super) audience: Audience,
    pub(super) quality: Quality,
    /// What was asked of the engine about it.
    pub(super) questions: Questions,
    /// Where the engine's recording of it goes.
    pub(super) recorder: Recorder,
    pub(super) pending_offers: u32,
    pub(super) media: Media,
    /// How often its signalling was taken up: an older hold on the session is void.
    pub(super) holds: u32,
    pub(super) data: Data,
    pub(super) news: News,
    /// Since when no socket carries its signalling.
    pub(super) signalling_lost: Option<Instant>,
    pub(super) outbox: mpsc::Sender<Notice>,
    pub(super) ended: watch::Sender<Option<LeaveReason>>,
}

impl Participant {
    /// Nobody knows it yet, and its media is awaited.
    pub(super) fn new(
        params: &JoinParams,
        outbox: mpsc::Sender<Notice>,
        ended: watch::Sender<Option<LeaveReason>>,
        now: Instant,
    ) -> Self {
        Self {
            sid: ids::sid("PA_"),
            identity: Arc::from(params.identity.as_str()),
            name: params.name.clone(),
            metadata: params.metadata.clone(),
            attributes: params.attributes.clone(),
            permissions: params.permissions.clone(),
            auto_subscribe: params.auto_subscribe,
            joined_at: SystemTime::now(),
            version: 1,
            tracks: Vec::new(),
            subscriptions: BTreeSet::new(),
            on_backup: BTreeSet::new(),
            wishes: BTreeMap::new(),
            paused: BTreeMap::new(),
            withheld: BTreeSet::new(),
            ever_withheld: false,
            audience: Audience::default(),
            quality: Quality::default(),
            questions: Questions::new(now),
            recorder: Recorder::default(),
            pending_offers: 0,
            holds: 0,
            media: Media::Awaited(now),
            data: Data::new(now),
            news: News::new(now),
            signalling_lost: None,
            outbox,
            ended,
        }
    }

    /// What it asks for of a track.
    pub(super) fn wish(&self, track: TrackId) -> TrackWish {
        self.wishes.get(&track).copied().unwrap_or_default()
    }

    pub(super) fn info(&self, tracks: &HashMap<TrackId, Track>) -> ParticipantInfo {
        ParticipantInfo {
            sid: self.sid.clone(),
            identity: self.identity.to_string(),
            name: self.name.clone(),
            metadata: self.metadata.clone(),
            attributes: self.attributes.clone(),
            state: match self.media {
                Media::Connected => ParticipantState::Active,
                Media::Awaited(_) | Media::Lost(_) => ParticipantState::Joined,
            },
            joined_at: self.joined_at,
            // Others are told of a track once its section is agreed on.
            tracks: self
                .tracks
                .iter()
                .filter_map(|id| tracks.get(id))
                .filter(|track| track.info.mid.is_some())
                .map(|track| track.info.clone())
                .collect(),
            permissions: self.permissions.clone(),
            version: self.version,
            left: None,
        }
    }
}

pub(super) struct Track {
    pub(super) publisher: ParticipantId,
    pub(super) cid: String,
    pub(super) info: TrackInfo,
    /// Somebody has been sent it.
    pub(super) subscribed: bool,
    /// Its pictures are of another size than those who are sent it were served by.
    pub(super) resized: bool,
    /// What its subscribers want of it.
    pub(super) wanted: Wanted,
    /// Its second codec, if there is one.
    pub(super) backup: Option<Backup>,
    /// Its publisher did not ask for how it is muted.
    pub(super) muted_by_server: bool,
}

//! What a participant may do in a room.

use sfu_core::command::MediaPermissions;
use sfu_core::media::codec::MediaKind;

use super::info::TrackSource;

/// What a participant may do. The doors make it from a token's grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// May send media.
    pub publish: bool,
    /// May be sent media.
    pub subscribe: bool,
    /// May send data.
    pub publish_data: bool,
    /// What it may publish; empty: everything.
    pub sources: Vec<TrackSource>,
    /// May change its own name, metadata and attributes.
    pub update_own_metadata: bool,
    /// The others are neither told of it nor sent its tracks.
    pub hidden: bool,
    /// It records the room.
    pub recorder: bool,
}

impl Default for Permissions {
    fn default() -> Self {
        Self {
            publish: true,
            subscribe: true,
            publish_data: true,
            sources: Vec::new(),
            update_own_metadata: false,
            hidden: false,
            recorder: false,
        }
    }
}

impl Permissions {
    /// What of it the engine enforces.
    pub(super) const fn media(&self) -> MediaPermissions {
        MediaPermissions {
            publish: self.publish,
            subscribe: self.subscribe,
        }
    }

    /// Sources as they are kept: each once, however often somebody names it, since everyone is
    /// told them with every change of the participant.
    ///
    /// # Errors
    /// The first of the errors among them.
    pub fn each_once<E>(
        sources: impl Iterator<Item = Result<TrackSource, E>>,
    ) -> Result<Vec<TrackSource>, E> {
        let mut kept = Vec::new();
        for source in sources {
            let source = source?;
            if !kept.contains(&source) {
                kept.push(source);
            }
        }
        Ok(kept)
    }

    /// Whether it may publish a track from `source`.
    fn may_publish(&self, source: TrackSource) -> bool {
        self.publish && (self.sources.is_empty() || self.sources.contains(&source))
    }

    /// Whether it may publish a track of `kind` from `source`: who may use some sources only may
    /// not call pictures a microphone.
    #[must_use]
    pub(super) fn may_publish_as(&self, source: TrackSource, kind: MediaKind) -> bool {
        let fits = match source {
            TrackSource::Unknown => true,
            TrackSource::Camera | TrackSource::ScreenShare => kind == MediaKind::Video,
            TrackSource::Microphone | TrackSource::ScreenShareAudio => kind == MediaKind::Audio,
        };
        self.may_publish(source) && (fits || self.sources.is_empty())
    }
}

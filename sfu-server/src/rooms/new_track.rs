//! A track as its publisher describes it, and what becomes of the description.

use sfu_core::command::TrackAnnouncement;
use sfu_core::id::TrackId;
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::format::CodecWishes;

use super::info::{BackupInfo, TrackInfo, TrackLayer, TrackSource};
use super::track_traits::TrackTraits;
use super::{check, ids, limits};
use crate::error::ApiError;

/// A track that a participant is about to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTrack {
    /// The client's own name of it: `a=msid`'s second word in its offer.
    pub cid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// Where it comes from.
    pub source: TrackSource,
    /// A name for people.
    pub name: String,
    /// Groups tracks to be played in step; may be empty.
    pub stream: String,
    /// Published muted.
    pub muted: bool,
    /// Pixels across; 0: audio or not said.
    pub width: u32,
    /// Pixels down; 0: audio or not said.
    pub height: u32,
    /// The encodings to come; more than one: simulcast.
    pub layers: Vec<TrackLayer>,
    /// Audio in two channels.
    pub stereo: bool,
    /// Audio without discontinuous transmission.
    pub disable_dtx: bool,
    /// Opus without redundancy.
    pub disable_red: bool,
    /// The only codec that it is to be sent in; `None`: any.
    pub codec: Option<Codec>,
    /// What it can be sent in too, for those who cannot decode that.
    pub backup: Option<Codec>,
    /// The track whose backup this is; empty: it is a track of its own.
    pub backup_of: String,
    /// What else others are to know of it.
    pub traits: TrackTraits,
}

impl NewTrack {
    /// One of which nothing else is said.
    #[cfg(test)]
    pub(crate) fn plain(cid: &str, kind: MediaKind, source: TrackSource) -> Self {
        Self {
            cid: cid.to_owned(),
            kind,
            source,
            name: String::new(),
            stream: String::new(),
            muted: false,
            width: 0,
            height: 0,
            layers: Vec::new(),
            stereo: false,
            disable_dtx: false,
            disable_red: false,
            codec: None,
            backup: None,
            backup_of: String::new(),
            traits: TrackTraits::default(),
        }
    }

    pub(super) fn check(&self) -> Result<(), ApiError> {
        check::name("cid", &self.cid, limits::MAX_TRACK_WORD)?;
        check::text("name", &self.name, limits::MAX_TRACK_WORD)?;
        check::text("stream", &self.stream, limits::MAX_TRACK_WORD)?;
        if self.layers.len() > limits::MAX_LAYERS {
            let most = limits::MAX_LAYERS;
            return Err(ApiError::invalid("layers", format!("at most {most}")));
        }
        Ok(())
    }

    pub(super) fn wishes(&self) -> CodecWishes {
        CodecWishes {
            codec: self.codec.filter(|codec| codec.kind() == self.kind),
            red: !self.disable_red,
            dtx: !self.disable_dtx,
            stereo: self.stereo,
        }
    }

    /// The second codec of a track of pictures that has a first.
    pub(super) fn backup_codec(&self) -> Option<Codec> {
        let is_other = |codec: &Codec| codec.kind() == self.kind && self.codec != Some(*codec);
        let has_first = self.kind == MediaKind::Video && self.codec.is_some();
        self.backup.filter(|codec| has_first && is_other(codec))
    }

    pub(super) fn info(&self) -> TrackInfo {
        TrackInfo {
            sid: ids::sid("TR_"),
            kind: self.kind,
            source: self.source,
            name: self.name.clone(),
            stream: self.stream.clone(),
            muted: self.muted,
            width: self.width,
            height: self.height,
            simulcast: self.kind == MediaKind::Video && self.layers.len() > 1,
            layers: self.layers.clone(),
            // A guess, until the engine tells what the section agrees on.
            codec: self.codec.unwrap_or(match self.kind {
                MediaKind::Audio => Codec::Opus,
                MediaKind::Video => Codec::Vp8,
            }),
            backup: self.backup_codec().map(BackupInfo::new),
            stereo: self.stereo,
            disable_dtx: self.disable_dtx,
            disable_red: self.disable_red,
            traits: self.traits.clone(),
            mid: None,
        }
    }
}

impl TrackInfo {
    /// How the engine hears of it, or of its second codec, which others see as the same track.
    pub(super) fn announcement(
        &self,
        track: TrackId,
        cid: &str,
        publisher: &str,
        codecs: CodecWishes,
    ) -> TrackAnnouncement {
        TrackAnnouncement {
            track,
            kind: self.kind,
            cid: cid.to_owned(),
            // Clients read the publisher from a subscribed stream's name, native ones only before
            // a bar; what has the same name is played in step.
            stream_label: format!("{publisher}|{}", self.group()),
            track_label: self.sid.clone(),
            muted: self.muted,
            codecs,
        }
    }
}

impl BackupInfo {
    /// Named by its publisher, and not sent.
    pub(super) const fn new(codec: Codec) -> Self {
        Self {
            codec,
            cid: String::new(),
            layers: Vec::new(),
            mid: None,
        }
    }
}

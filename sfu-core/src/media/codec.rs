//! What a stream carries.

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures: a camera or a screen.
    Video,
}

/// A codec the engine forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Opus (RFC 7587).
    Opus,
    /// VP8 (RFC 7741).
    Vp8,
}

impl Codec {
    /// Every codec, in the order of preference in an answer.
    pub const ALL: [Self; 2] = [Self::Opus, Self::Vp8];

    /// The encoding name of `a=rtpmap`, as registered; compare without case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Vp8 => "VP8",
        }
    }

    /// RTP clock rate in hertz.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Vp8 => 90_000,
        }
    }

    /// Audio channels of `a=rtpmap`; `None` for video.
    #[must_use]
    pub const fn channels(self) -> Option<u8> {
        match self {
            // RFC 7587 section 7: always 2, whatever is sent.
            Self::Opus => Some(2),
            Self::Vp8 => None,
        }
    }

    /// Audio or video.
    #[must_use]
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            Self::Vp8 => MediaKind::Video,
        }
    }
}

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
    /// Opus with its own redundancy: older packets' sound in every packet (RFC 2198).
    OpusRed,
    /// G.711 with the mu-law (RFC 3551 section 4.5.14).
    Pcmu,
    /// G.711 with the A-law (RFC 3551 section 4.5.14).
    Pcma,
    /// VP8 (RFC 7741).
    Vp8,
    /// H.264 in packetization mode 1 (RFC 6184).
    H264,
    /// VP9 (RFC 9628).
    Vp9,
    /// AV1 (RTP Payload Format For AV1, version 1.0).
    Av1,
    /// H.265 (RFC 7798).
    H265,
}

impl Codec {
    /// Every codec, those that most clients know first.
    pub const ALL: [Self; 9] = [
        Self::Opus,
        Self::OpusRed,
        Self::Pcmu,
        Self::Pcma,
        Self::Vp8,
        Self::H264,
        Self::Vp9,
        Self::Av1,
        Self::H265,
    ];

    /// The encoding name of `a=rtpmap`, as registered; compare without case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::OpusRed => "red",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::Vp8 => "VP8",
            Self::H264 => "H264",
            Self::Vp9 => "VP9",
            Self::Av1 => "AV1",
            Self::H265 => "H265",
        }
    }

    /// RTP clock rate in hertz.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        match self {
            // RFC 2198 section 4: RED has the clock of what is in it.
            Self::Opus | Self::OpusRed => 48_000,
            Self::Pcmu | Self::Pcma => 8_000,
            Self::Vp8 | Self::H264 | Self::Vp9 | Self::Av1 | Self::H265 => 90_000,
        }
    }

    /// Audio channels of `a=rtpmap`; `None` where the line names none: video, and sound of one
    /// channel.
    #[must_use]
    pub const fn channels(self) -> Option<u8> {
        match self {
            // RFC 7587 section 7: always 2, whatever is sent.
            Self::Opus | Self::OpusRed => Some(2),
            _ => None,
        }
    }

    /// The payload type that means this codec without an `a=rtpmap` (RFC 3551 section 6).
    #[must_use]
    pub const fn static_payload_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            _ => None,
        }
    }

    /// Audio or video.
    #[must_use]
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus | Self::OpusRed | Self::Pcmu | Self::Pcma => MediaKind::Audio,
            Self::Vp8 | Self::H264 | Self::Vp9 | Self::Av1 | Self::H265 => MediaKind::Video,
        }
    }
}

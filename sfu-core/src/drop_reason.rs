//! The named, counted fate of every packet that is not forwarded.
//!
//! Packets never produce an `Err` that climbs the tree: the room that gives a packet up says why in
//! one word, and the worker counts it.

/// Why a datagram, an RTP packet or a data message went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum DropReason {
    /// Shorter than any protocol's header, or an unassigned first byte (RFC 7983 section 7).
    NotDemultiplexed,
    /// STUN that does not parse, or is no binding request.
    StunMalformed,
    /// STUN whose username names no transport here.
    StunUnknownUfrag,
    /// STUN with a missing or wrong MESSAGE-INTEGRITY.
    StunBadIntegrity,
    /// A valid STUN check from an address that another living transport has.
    StunPathTaken,
    /// DTLS from an address that no valid ICE check has vouched for.
    DtlsUnknownPath,
    /// DTLS that ended the handshake: an error, or a certificate that the SDP did not announce.
    DtlsFailed,
    /// RTP or RTCP from an address that no valid ICE check has vouched for.
    MediaUnknownPath,
    /// RTP or RTCP before the DTLS handshake gave keys.
    MediaBeforeKeys,
    /// RTP whose header does not parse.
    RtpMalformed,
    /// RTCP that does not parse.
    RtcpMalformed,
    /// RTCP of which some was not listened to: it says more than one participant may in a second.
    FeedbackExceeded,
    /// SRTP or SRTCP whose authentication tag is wrong.
    SrtpAuthFailed,
    /// SRTP or SRTCP seen before, or older than the replay window.
    SrtpReplayed,
    /// A stream that no negotiated section, rid or SSRC accounts for.
    StreamUnknown,
    /// A payload type that was not negotiated for its section.
    PayloadTypeUnknown,
    /// One stream more than a participant may send.
    StreamLimit,
    /// A stream that would take the place of one that still sends: most often the late packets of
    /// one that was replaced itself.
    StreamContested,
    /// Padding only (a probe): counted for TWCC, never forwarded.
    PaddingOnly,
    /// An RTX packet whose original had already arrived, or that repairs nothing known.
    RtxUseless,
    /// A sequence number already received.
    Duplicate,
    /// A packet older than the cache keeps.
    TooOld,
    /// The payload does not parse as its codec.
    CodecMalformed,
    /// The dependency descriptor does not parse.
    DescriptorMalformed,
    /// The packet pool is full of pinned packets.
    PoolExhausted,
    /// The track is muted or its publisher may not publish.
    NotPermitted,
    /// A subscription that forwards another encoding of the track now.
    OtherEncoding,
    /// A frame of a layer that a subscription does not get now.
    LayerLeftOut,
    /// A subscription still waiting for a keyframe.
    AwaitingKeyframe,
    /// A format that the subscriber cannot decode or has not agreed on.
    FormatNotAgreed,
    /// A subscription that is paused, or whose transport has no keys yet.
    SubscriptionInactive,
    /// Sound that has no place among the voices that are forwarded: others speak. What is followed by a
    /// word at once is sent after all.
    VoiceWithheld,
    /// A subscriber's send queue is full.
    SendQueueFull,
    /// A repair of a picture beyond what repairs may take of what is sent: it is asked for again.
    RepairRateExceeded,
    /// A packet that cannot be rewritten or sealed: longer than a datagram with our headers, or taken
    /// from a queue that kept it for too long.
    NotSealed,
    /// The batch's kept bytes ran past their bound while the socket was full.
    SocketFull,
    /// The room was ended by a panic in its own work.
    RoomPoisoned,
    /// SCTP that does not parse, belongs to no association, or names a stream out of bounds.
    DataMalformed,
    /// SCTP over the rate that one participant may send; its sender sends it again.
    DataRateExceeded,
    /// A data channel that is not opened: its label is too long, or there are too many.
    DataChannelRefused,
    /// A data message on or for a channel that is not open.
    DataChannelUnknown,
    /// A data message larger than its receiver takes.
    DataTooLarge,
    /// A data message for a participant that does not read as fast as it is sent.
    DataQueueFull,
    /// Data without an SCTP association: none was agreed on, or it is gone.
    DataFailed,
}

impl DropReason {
    /// Every reason, in counter order.
    pub const ALL: [Self; 44] = [
        Self::NotDemultiplexed,
        Self::StunMalformed,
        Self::StunUnknownUfrag,
        Self::StunBadIntegrity,
        Self::StunPathTaken,
        Self::DtlsUnknownPath,
        Self::DtlsFailed,
        Self::MediaUnknownPath,
        Self::MediaBeforeKeys,
        Self::RtpMalformed,
        Self::RtcpMalformed,
        Self::FeedbackExceeded,
        Self::SrtpAuthFailed,
        Self::SrtpReplayed,
        Self::StreamUnknown,
        Self::PayloadTypeUnknown,
        Self::StreamLimit,
        Self::StreamContested,
        Self::PaddingOnly,
        Self::RtxUseless,
        Self::Duplicate,
        Self::TooOld,
        Self::CodecMalformed,
        Self::DescriptorMalformed,
        Self::PoolExhausted,
        Self::NotPermitted,
        Self::OtherEncoding,
        Self::LayerLeftOut,
        Self::AwaitingKeyframe,
        Self::FormatNotAgreed,
        Self::SubscriptionInactive,
        Self::VoiceWithheld,
        Self::SendQueueFull,
        Self::RepairRateExceeded,
        Self::NotSealed,
        Self::SocketFull,
        Self::RoomPoisoned,
        Self::DataMalformed,
        Self::DataRateExceeded,
        Self::DataChannelRefused,
        Self::DataChannelUnknown,
        Self::DataTooLarge,
        Self::DataQueueFull,
        Self::DataFailed,
    ];

    /// The reason's name as a metric label: lower snake case.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotDemultiplexed => "not_demultiplexed",
            Self::StunMalformed => "stun_malformed",
            Self::StunUnknownUfrag => "stun_unknown_ufrag",
            Self::StunBadIntegrity => "stun_bad_integrity",
            Self::StunPathTaken => "stun_path_taken",
            Self::DtlsUnknownPath => "dtls_unknown_path",
            Self::DtlsFailed => "dtls_failed",
            Self::MediaUnknownPath => "media_unknown_path",
            Self::MediaBeforeKeys => "media_before_keys",
            Self::RtpMalformed => "rtp_malformed",
            Self::RtcpMalformed => "rtcp_malformed",
            Self::FeedbackExceeded => "feedback_exceeded",
            Self::SrtpAuthFailed => "srtp_auth_failed",
            Self::SrtpReplayed => "srtp_replayed",
            Self::StreamUnknown => "stream_unknown",
            Self::PayloadTypeUnknown => "payload_type_unknown",
            Self::StreamLimit => "stream_limit",
            Self::StreamContested => "stream_contested",
            Self::PaddingOnly => "padding_only",
            Self::RtxUseless => "rtx_useless",
            Self::Duplicate => "duplicate",
            Self::TooOld => "too_old",
            Self::CodecMalformed => "codec_malformed",
            Self::DescriptorMalformed => "descriptor_malformed",
            Self::PoolExhausted => "pool_exhausted",
            Self::NotPermitted => "not_permitted",
            Self::OtherEncoding => "other_encoding",
            Self::LayerLeftOut => "layer_left_out",
            Self::AwaitingKeyframe => "awaiting_keyframe",
            Self::FormatNotAgreed => "format_not_agreed",
            Self::SubscriptionInactive => "subscription_inactive",
            Self::VoiceWithheld => "voice_withheld",
            Self::SendQueueFull => "send_queue_full",
            Self::RepairRateExceeded => "repair_rate_exceeded",
            Self::NotSealed => "not_sealed",
            Self::SocketFull => "socket_full",
            Self::RoomPoisoned => "room_poisoned",
            Self::DataMalformed => "data_malformed",
            Self::DataRateExceeded => "data_rate_exceeded",
            Self::DataChannelRefused => "data_channel_refused",
            Self::DataChannelUnknown => "data_channel_unknown",
            Self::DataTooLarge => "data_too_large",
            Self::DataQueueFull => "data_queue_full",
            Self::DataFailed => "data_failed",
        }
    }
}

/// One counter for each [`DropReason`]: packets.
#[derive(Clone, Debug)]
pub struct DropCounts([u64; DropReason::ALL.len()]);

impl Default for DropCounts {
    fn default() -> Self {
        Self([0; DropReason::ALL.len()])
    }
}

impl DropCounts {
    /// Counts one packet given up for `reason`.
    pub fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// Packets given up for `reason` so far.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter_and_label() {
        let mut counts = DropCounts::default();
        let mut labels = std::collections::BTreeSet::new();
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            assert!(labels.insert(reason.label()), "{} twice", reason.label());
            counts.count(reason);
            assert_eq!(counts.get(reason), 1);
        }
    }
}

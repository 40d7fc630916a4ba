//! How much of what a worker receives and sends.

use crate::bandwidth::departure::Class;
use crate::media::codec::MediaKind;

/// What a datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrafficKind {
    /// Sound, repairs excluded.
    Audio,
    /// Pictures, repairs excluded.
    Video,
    /// Repairs (RFC 4588).
    Rtx,
    /// What only fills a probe: padding, and packets sent once more that nobody asked for.
    Padding,
    /// Reports and requests about media.
    Rtcp,
    /// Handshakes, and data channels inside them.
    Dtls,
    /// ICE's checks and their answers.
    Stun,
}

impl TrafficKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Audio,
        Self::Video,
        Self::Rtx,
        Self::Padding,
        Self::Rtcp,
        Self::Dtls,
        Self::Stun,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Rtx => "rtx",
            Self::Padding => "padding",
            Self::Rtcp => "rtcp",
            Self::Dtls => "dtls",
            Self::Stun => "stun",
        }
    }

    /// Of a stream of that kind, or of the repairs of one.
    pub(super) const fn of(kind: MediaKind, is_repair: bool) -> Self {
        match (is_repair, kind) {
            (true, _) => Self::Rtx,
            (false, MediaKind::Audio) => Self::Audio,
            (false, MediaKind::Video) => Self::Video,
        }
    }

    /// Of what leaves a pacer.
    pub(super) const fn leaving(class: Class) -> Self {
        match class {
            Class::Audio => Self::Audio,
            Class::Repair => Self::Rtx,
            Class::Video => Self::Video,
            Class::Padding => Self::Padding,
        }
    }
}

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Packets, each a datagram.
    pub packets: u64,
    /// Bytes of UDP payload.
    pub bytes: u64,
}

/// A volume for each [`TrafficKind`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic([Volume; TrafficKind::ALL.len()]);

impl Traffic {
    /// The volume of one kind.
    #[must_use]
    pub const fn get(&self, kind: TrafficKind) -> Volume {
        self.0[kind as usize]
    }

    /// One datagram more.
    pub fn count(&mut self, kind: TrafficKind, bytes: usize) {
        let volume = &mut self.0[kind as usize];
        volume.packets += 1;
        volume.bytes += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_counted_by_itself() {
        let mut traffic = Traffic::default();
        for (index, kind) in TrafficKind::ALL.into_iter().enumerate() {
            for _ in 0..=index {
                traffic.count(kind, 100);
            }
        }
        for (count, kind) in (1..).zip(TrafficKind::ALL) {
            let expected = Volume {
                packets: count,
                bytes: count * 100,
            };
            assert_eq!(traffic.get(kind), expected, "{kind:?}");
        }
    }
}

//! One participant's media: its transport, its sections, what it publishes and what it is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use slab::Slab;

use super::allotments::Allotments;
use super::bandwidth::Bandwidth;
use super::census::Counted;
use super::departure::Departures;
use super::header::HeaderTerms;
use super::pacing;
use super::publisher_clock::PublisherClock;
use super::rtcp_queue::RtcpQueue;
use super::stats::WorkerStats;
use super::streams::Streams;
use crate::bandwidth::pacer::Pacer;
use crate::command::MediaPermissions;
use crate::egress::Egress;
use crate::id::{Mid, ParticipantId, PayloadType, Ssrc, TrackId};
use crate::ingress::Ingress;
use crate::ingress::twcc_recorder::TwccRecorder;
use crate::media::codec::MediaKind;
use crate::media::layer::LayerWish;
use crate::media::packet::PacketPool;
use crate::media::packet_cache::PacketCache;
use crate::media::session::{ExtensionMap, OfferedSection};
use crate::room::tracks::TrackIndex;
use crate::transport::Transport;
use crate::wire::rtcp;
use crate::wire::seq::TimestampUnwrapper;

/// How often a participant whose packets arrive is looked after: NACKs, TWCC feedback, liveness.
///
/// Higher: fewer wake-ups, and a lost packet is asked for later. Lower: the reverse.
pub(super) const UPKEEP: Duration = Duration::from_millis(20);

/// Most sequence numbers asked for in one NACK: at 17 to a word, at most 512 bytes.
///
/// Higher: a burst is asked for in one go. Lower: in several, an upkeep apart.
const MAX_NACKED: usize = 128;

/// What a negotiated section is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionUse {
    /// Port 0.
    Rejected,
    /// Agreed on, waiting for a use.
    Idle,
    /// What it carried has ended. The next answer says so, and then it is idle: a browser that was
    /// not told takes the next track here for the former one, and its page hears of none.
    Ending,
    /// The participant publishes this track here.
    Receives(TrackIndex),
    /// The participant is sent this egress here.
    Sends(usize),
    /// Data channels, both ways.
    Data,
}

/// A section as last negotiated.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) offered: OfferedSection,
    pub(super) used: SectionUse,
    /// It began to send, or to send something of another name, with the last offer.
    pub(super) is_new_source: bool,
}

/// One encoding that the participant publishes.
pub(super) struct Publishing {
    pub(super) track: TrackIndex,
    pub(super) ingress: Ingress,
    pub(super) cache: PacketCache,
    pub(super) ssrc: Ssrc,
    /// The format that it comes in.
    pub(super) payload_type: PayloadType,
}

/// One track that the participant is sent.
pub(super) struct Sending {
    pub(super) track: TrackIndex,
    pub(super) kind: MediaKind,
    pub(super) egress: Egress,
    pub(super) ssrc: Ssrc,
    pub(super) rtx_ssrc: Option<Ssrc>,
    pub(super) cname: String,
    /// What goes into the headers.
    pub(super) header: HeaderTerms,
}

/// Sections asked of the client and not yet offered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Requested {
    pub(super) audio: u32,
    pub(super) video: u32,
    /// An offer was asked for, whatever the counts.
    pub(super) offer: bool,
}

/// A participant in its room.
pub(super) struct Peer {
    pub(super) id: ParticipantId,
    pub(super) permissions: MediaPermissions,
    /// It may publish, or could before: its sections may still say that they send.
    pub(super) ever_published: bool,
    pub(super) transport: Transport,
    pub(super) sections: Vec<Section>,
    /// Header extension ids: the same in every section of a bundle (RFC 9143 section 9.2).
    pub(super) extensions: ExtensionMap,
    pub(super) streams: Streams,
    pub(super) ingresses: Slab<Publishing>,
    pub(super) egresses: Slab<Sending>,
    pub(super) pacer: Pacer,
    /// What its network carries.
    pub(super) bandwidth: Bandwidth,
    /// The numbers of what leaves.
    pub(super) departures: Departures,
    /// The clock that it tells of their arrivals by (RFC 8888).
    pub(super) receiver_clock: TimestampUnwrapper,
    pub(super) rtcp: RtcpQueue,
    /// The sender SSRC of our own RTCP towards this participant.
    pub(super) rtcp_ssrc: Ssrc,
    pub(super) arrivals: TwccRecorder,
    /// Tracks wanted that have no section yet, in the order of asking.
    pub(super) waiting: Vec<TrackId>,
    /// Subscriptions that are paused, whether they have a section or wait for one.
    pub(super) paused: BTreeSet<TrackId>,
    /// What it asks for of the pictures of those that it does not want all of.
    pub(super) wishes: BTreeMap<TrackId, LayerWish>,
    /// What its bandwidth allows.
    pub(super) allotments: Allotments,
    pub(super) requested: Requested,
    /// The round-trip time by the participant's last report on what it is sent.
    pub(super) rtt: Option<Duration>,
    /// How its wall clock goes with the one that its subscribers see.
    pub(super) clock: PublisherClock,
    pub(super) next_report: Instant,
    /// When its report tells the control plane too how its connection does.
    pub(super) next_statistics: Instant,
    pub(super) session_version: u64,
    pub(super) dirty: bool,
    /// Packets of data wait for their turn.
    pub(super) data_waits: bool,
    /// What the worker's census has of it.
    pub(super) counted: Counted,
}

impl Peer {
    /// The section of a mid.
    pub(super) fn section(&self, mid: &Mid) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.offered.mid == *mid)
    }

    /// The free sections that could carry a track of `kind` to this participant.
    pub(super) fn idle_sections(&self, kind: MediaKind) -> impl Iterator<Item = (usize, &Section)> {
        use crate::media::session::SectionKind;
        self.sections
            .iter()
            .enumerate()
            .filter(move |(_, section)| {
                section.used == SectionUse::Idle
                    && section.offered.kind == SectionKind::Media(kind)
                    && section.offered.direction.receives()
                    && !section.offered.payloads.is_empty()
            })
    }

    /// The egress that sends `ssrc`. That of its repairs is nothing to ask anything of.
    pub(super) fn egress_of(&self, ssrc: Ssrc) -> Option<usize> {
        self.egresses
            .iter()
            .find(|(_, sending)| sending.ssrc == ssrc)
            .map(|(key, _)| key)
    }

    /// The egress that sends `ssrc`, and whether that is the stream of its repairs.
    pub(super) fn sent_as(&self, ssrc: Ssrc) -> Option<(usize, bool)> {
        self.egresses.iter().find_map(|(key, sending)| {
            let is_repair = sending.rtx_ssrc == Some(ssrc);
            (sending.ssrc == ssrc || is_repair).then_some((key, is_repair))
        })
    }

    /// What it asks for of a track's pictures.
    pub(super) fn wish(&self, track: TrackId) -> LayerWish {
        self.wishes.get(&track).copied().unwrap_or_default()
    }

    /// The egress that sends a track.
    pub(super) fn egress_to(&self, track: TrackIndex) -> Option<usize> {
        let mut all = self.egresses.iter();
        let found = all.find(|(_, sending)| sending.track == track);
        found.map(|(key, _)| key)
    }

    /// The ingress of a media SSRC.
    pub(super) fn ingress_of(&mut self, ssrc: Ssrc) -> Option<&mut Publishing> {
        self.ingresses
            .iter_mut()
            .map(|(_, p)| p)
            .find(|publishing| publishing.ssrc == ssrc)
    }

    /// An SSRC that nothing towards this participant uses.
    pub(super) fn unused_ssrc(&self, rng: &mut impl rand_core::Rng) -> Ssrc {
        loop {
            let ssrc = Ssrc(rng.next_u32());
            let taken = self.rtcp_ssrc == ssrc
                || self
                    .egresses
                    .iter()
                    .any(|(_, sending)| sending.ssrc == ssrc || sending.rtx_ssrc == Some(ssrc));
            if !taken && ssrc.0 != 0 {
                return ssrc;
            }
        }
    }

    /// Asks the publisher for what is missing, and again for a keyframe that does not come.
    pub(super) fn ask_for_missing(&mut self, stats: &mut WorkerStats, now: Instant) {
        let sender = self.rtcp_ssrc;
        for (_, publishing) in &mut self.ingresses {
            let mut missing = arrayvec::ArrayVec::<u16, MAX_NACKED>::new();
            publishing.ingress.poll_nacks(now, &mut missing);
            if !missing.is_empty() {
                stats.nacks_out += 1;
                stats.nacked_out += missing.len() as u64;
                let media = publishing.ssrc;
                self.rtcp
                    .push(|out| rtcp::nack(out, sender, media, &missing));
            }
            if publishing.ingress.poll_keyframe(now) {
                stats.keyframe_requests_out += 1;
                let media = publishing.ssrc;
                self.rtcp.push(|out| rtcp::pli(out, sender, media));
            }
        }
    }

    /// TWCC feedback on what has arrived since the last.
    pub(super) fn report_arrivals(&mut self, now: Instant) {
        let sender = self.rtcp_ssrc;
        // Any stream of the transport may stand as the media source: libwebrtc ignores it.
        let media = self
            .ingresses
            .iter()
            .next()
            .map_or(Ssrc(0), |(_, publishing)| publishing.ssrc);
        while let Some(feedback) = self.arrivals.poll_feedback(now) {
            let header = rtcp::FeedbackHeader {
                sender,
                media,
                base_sequence: feedback.base_sequence,
                reference_time: feedback.reference_time,
                feedback_count: feedback.feedback_count,
            };
            self.rtcp.push(|out| {
                rtcp::transport_feedback::transport_feedback(out, header, feedback.deltas)
            });
        }
    }

    /// Lets go of packets that are too old to be asked for: a stream that has stopped keeps none.
    pub(super) fn expire_caches(&mut self, pool: &mut PacketPool, now: Instant) {
        for (_, publishing) in &mut self.ingresses {
            publishing.cache.expire(pool, now);
        }
    }

    /// When this participant needs looking after next.
    pub(super) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let streams = self
            .ingresses
            .iter()
            .filter_map(|(_, p)| p.ingress.next_timeout());
        let connected = self.transport.is_connected();
        let has_reports = !self.ingresses.is_empty() || !self.egresses.is_empty();
        self.transport
            .poll_timeout()
            .into_iter()
            .chain(streams.filter(|_| connected).map(|at| at.max(now + UPKEEP)))
            .chain((connected && has_reports).then_some(self.next_report))
            .chain(self.arrivals.next_timeout().filter(|_| connected))
            .min()
    }

    /// Gives every packet that this participant holds back to the pool.
    pub(super) fn release_packets(&mut self, pool: &mut PacketPool) {
        pacing::give_up(pool, self);
        for (_, publishing) in &mut self.ingresses {
            publishing.cache.clear(pool);
        }
    }
}

//! One published encoding as it arrives: what came, what is missing, what a packet is.

mod frames;
mod incoming;
mod keyframe_throttle;
mod keyframes;
mod layer_rates;
mod layers;
mod nack_generator;
mod payload;
mod rate_meter;
mod receive_statistics;
pub mod rtx;
mod sequence_window;
mod settings;
pub mod twcc_recorder;
mod vp9_switches;

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

pub use incoming::Incoming;
pub use keyframe_throttle::{KEYFRAME_MIN_INTERVAL, KEYFRAME_RETRY_INTERVAL, KeyframeThrottle};
pub use layer_rates::MAX_MEASURED_LAYERS;
pub use settings::IngressSettings;

use self::layer_rates::LayerRates;
use self::layers::Layering;
use self::nack_generator::NackGenerator;
use self::rate_meter::RateMeter;
use self::receive_statistics::ReceiveStatistics;
use self::sequence_window::{Fresh, SequenceWindow};
use crate::drop_reason::DropReason;
use crate::event::LinkStatistics;
use crate::id::PayloadType;
use crate::media::codec::MediaKind;
use crate::media::format::Payloads;
use crate::media::packet::PacketFacts;
use crate::media::packet_cache::capacity_for;
use crate::media::source_clock::SourceClock;
use crate::unit::Bitrate;
use crate::wire::rtcp::{ReportBlock, SenderInfo};
use crate::wire::rtp::RtpHeader;

/// One published encoding.
#[derive(Debug)]
pub struct Ingress {
    settings: IngressSettings,
    kind: MediaKind,
    clock_rate: u32,
    /// Generic NACK is agreed on: missing packets are asked for.
    nack: bool,
    window: SequenceWindow,
    statistics: ReceiveStatistics,
    nack_generator: NackGenerator,
    keyframes: KeyframeThrottle,
    rate: RateMeter,
    layer_rates: LayerRates,
    clock: Option<SourceClock>,
    layering: Layering,
    /// The newest packet that starts a keyframe: the stream's own number of it, and the facts'.
    keyframe: Option<(u64, u64)>,
}

impl Ingress {
    /// An encoding of which nothing has come yet. `None` when what it begins with is none of its
    /// formats.
    #[must_use]
    pub fn new(settings: IngressSettings, now: Instant) -> Option<Self> {
        let first = settings.format(settings.payload_type)?;
        let (codec, nack) = (first.codec, first.nack);
        let kept = capacity_for(codec.kind());
        Some(Self {
            settings,
            kind: codec.kind(),
            clock_rate: codec.clock_rate(),
            nack,
            window: SequenceWindow::new(kept),
            statistics: ReceiveStatistics::new(now, codec.clock_rate()),
            nack_generator: NackGenerator::new(kept),
            keyframes: KeyframeThrottle::new(),
            rate: RateMeter::new(now),
            layer_rates: LayerRates::new(now),
            clock: None,
            layering: Layering::new(),
            keyframe: None,
        })
    }

    /// Audio or video.
    #[must_use]
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// RTP clock rate in hertz.
    #[must_use]
    pub const fn clock_rate(&self) -> u32 {
        self.clock_rate
    }

    /// Whether packets of `payload_type` go on with the stream: one of its formats, with the same
    /// clock. Another clock makes it a new stream in all but its SSRC.
    #[must_use]
    pub fn goes_on_as(&self, payload_type: PayloadType) -> bool {
        let format = self.settings.format(payload_type);
        format.is_some_and(|format| format.codec.clock_rate() == self.clock_rate)
    }

    /// The payload type whose repairs have the payload type `rtx`.
    #[must_use]
    pub fn repaired_by(&self, rtx: PayloadType) -> Option<PayloadType> {
        let mut formats = self.settings.formats.iter();
        let found = formats.find(|format| format.rtx == Some(rtx))?;
        Some(found.payload_type)
    }

    /// Takes other formats: what a new offer agrees on.
    pub fn set_formats(&mut self, formats: Payloads) {
        self.settings.formats = formats;
    }

    /// Takes one authenticated packet of the stream. What the facts call its sequence leaves packets
    /// of padding out.
    ///
    /// # Errors
    ///
    /// `PayloadTypeUnknown` for none of the formats, and for one with another clock, which must be
    /// a new ingress; `Duplicate`, for a repair `RtxUseless`; `TooOld`; `PaddingOnly`;
    /// `CodecMalformed`; `DescriptorMalformed`.
    pub fn receive(
        &mut self,
        now: Instant,
        packet: &Incoming<'_>,
    ) -> Result<PacketFacts, DropReason> {
        let (header, payload) = (&packet.header, packet.payload);
        let format = self.settings.format(header.payload_type);
        let format = *format
            .filter(|format| format.codec.clock_rate() == self.clock_rate)
            .ok_or(DropReason::PayloadTypeUnknown)?;
        self.rate.add(now, packet.size());
        let fresh = self.note(now, header, packet.repaired)?;
        if payload.is_empty() {
            self.window.skip(fresh);
            self.layering.came(fresh.sequence, header.timestamp);
            return Err(DropReason::PaddingOnly);
        }
        self.keyframes.media_seen();
        let sequence = self.window.dense(fresh.sequence);
        let (video, payload_facts, extensions) = self.read(&format, fresh.sequence, packet)?;
        self.layer_rates.add(
            now,
            video.layer,
            header.timestamp,
            video.keyframe_start,
            packet.size(),
        );
        // Independent spatial layers each have a start of their own: the lowest is the picture's.
        if video.keyframe_start && video.layer.spatial == 0 {
            // What is missing before it stays due: a receiver could do without, but subscribers see
            // the gap too, ask for it, and hold the keyframe back behind it meanwhile.
            self.keyframes.keyframe_seen();
            self.keyframe = self.keyframe.max(Some((fresh.sequence, sequence)));
        }
        Ok(PacketFacts {
            arrived: now,
            sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            payload_start: header.header_len,
            // A payload within a datagram; a longer one is refused by the pool.
            payload_len: u16::try_from(payload.len()).map_err(|_| DropReason::RtpMalformed)?,
            payload_type: header.payload_type,
            extensions,
            video,
            payload: payload_facts,
        })
    }

    /// Takes note of one authentic packet that nobody is to get, as of a muted track: it is not
    /// lost, is not asked for again, and leaves no gap in what the facts call a sequence.
    ///
    /// # Errors
    ///
    /// `Duplicate`, for a repair `RtxUseless`; `TooOld`.
    pub fn skip(
        &mut self,
        now: Instant,
        header: &RtpHeader,
        repaired: bool,
    ) -> Result<(), DropReason> {
        let fresh = self.note(now, header, repaired)?;
        self.window.skip(fresh);
        Ok(())
    }

    /// Takes note of a packet's number: in the statistics, and against the gaps.
    fn note(
        &mut self,
        now: Instant,
        header: &RtpHeader,
        repaired: bool,
    ) -> Result<Fresh, DropReason> {
        let fresh = self.window.receive(header.sequence);
        if !repaired && !matches!(fresh, Err(DropReason::TooOld)) {
            let sequence = self.window.peek(header.sequence);
            self.statistics.received(now, sequence, header.timestamp);
        }
        let fresh = fresh.map_err(|reason| match reason {
            DropReason::Duplicate if repaired => DropReason::RtxUseless,
            other => other,
        })?;
        if self.nack {
            let (sequence, before) = (fresh.sequence, fresh.highest_before);
            let nacks = &mut self.nack_generator;
            if nacks.received(now, sequence, before, repaired) {
                self.gave_up(now, sequence);
            }
        }
        Ok(fresh)
    }

    /// Appends to `out` the numbers to ask for again now, ascending; what does not fit stays due.
    pub fn poll_nacks<const N: usize>(&mut self, now: Instant, out: &mut ArrayVec<u16, N>) {
        if let Some(sequence) = self.nack_generator.poll(now, out) {
            self.gave_up(now, sequence);
        }
    }

    /// When to call [`Self::poll_nacks`] and [`Self::poll_keyframe`] next.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        let nacks = self.nack_generator.next_timeout();
        let keyframe = self.keyframes.next_timeout();
        nacks.into_iter().chain(keyframe).min()
    }

    /// The round-trip time to the publisher, where it is known: how long to wait for a repair.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.nack_generator.set_rtt(rtt);
    }

    /// The stream's block of the next receiver report, which ends the span that the next one tells
    /// of; `None` before the first packet.
    pub fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        self.statistics.report(now, self.settings.media_ssrc)
    }

    /// How the stream fared since the last call, before repairs.
    pub fn link_statistics(&mut self) -> LinkStatistics {
        self.statistics.link_statistics()
    }

    /// Takes note of the publisher's report about this stream.
    pub fn on_sender_report(&mut self, now: Instant, sender: &SenderInfo) {
        self.statistics.on_sender_report(now, sender);
        // RFC 3550 section 6.4.1: a sender without a wall clock says 0.
        if sender.ntp != 0 {
            self.clock = Some(SourceClock {
                ntp: sender.ntp,
                rtp: sender.rtp_timestamp,
                arrived: now,
            });
        }
    }

    /// Takes another wall clock for the last report's than the report has.
    pub const fn set_source_clock(&mut self, clock: SourceClock) {
        self.clock = Some(clock);
    }

    /// How the stream's media clock goes with its publisher's wall clock, once reported.
    #[must_use]
    pub const fn source_clock(&self) -> Option<&SourceClock> {
        self.clock.as_ref()
    }

    /// What came over the last second: RTP with headers and padding, repairs included.
    #[must_use]
    pub fn bitrate(&self, now: Instant) -> Bitrate {
        self.rate.rate(now)
    }
}

#[cfg(test)]
mod tests;

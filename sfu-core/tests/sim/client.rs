//! One participant's app and browser: a `str0m` peer that offers, publishes, and takes down what it
//! is sent.
//!
//! A client that publishes runs `str0m` in RTP mode, so that it can send simulcast and payload
//! descriptors as browsers do; one that only subscribes runs it in frame mode, so that `str0m`'s own
//! jitter buffer and depacketisers judge what it is sent.

mod decoder;
mod live;
mod offers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::bwe::{Bitrate, BweKind};
use str0m::change::SdpPendingOffer;
use str0m::channel::ChannelId;
use str0m::media::Mid;
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RawPacket, RtpHeader};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::frame::FrameTag;
use crate::live::viewer::Viewer;
use crate::publisher::Source;
use crate::seeded_dtls;

use self::decoder::Decoder;

/// The label of a channel that may lose messages; every other is reliable.
pub(crate) const LOSSY: &str = "_lossy";

/// Packets that a subscriber's jitter buffer waits for a repair: over a second of what is sent here.
const REORDERING: usize = 300;

/// One frame as a subscriber's decoder took it. `None`: not whole, or not intact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) track: u64,
    pub(crate) tag: Option<FrameTag>,
}

/// One data message as a client's app got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) label: String,
    pub(crate) bytes: Vec<u8>,
}

/// One RTP packet as a subscriber's stack decrypted it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Arc<[u8]>,
}

/// A receiving section's streams, from the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) media: u32,
    pub(crate) rtx: Option<u32>,
}

/// One client.
pub(crate) struct Client {
    pub(crate) rtc: Rtc,
    /// Its own address: another than the world sees when it is behind a NAT.
    pub(crate) address: SocketAddr,
    pub(crate) sources: Vec<Source>,
    /// Receiving sections that the next offer adds.
    to_add: (u32, u32),
    /// Data channels that the next offer adds.
    labels: Vec<&'static str>,
    /// Data channels by label.
    channels: BTreeMap<String, ChannelId>,
    /// Labels of the channels that are open.
    pub(crate) open: Vec<String>,
    pub(crate) messages: Vec<Message>,
    receiving: Vec<Mid>,
    pending: Option<SdpPendingOffer>,
    offers: u32,
    /// An offer is to be made when the pending one is answered.
    wants_offer: bool,
    next: Instant,
    pub(crate) connected: Option<Instant>,
    pub(crate) closed: bool,
    /// Tracks by section, from the last answer.
    tracks: BTreeMap<String, u64>,
    /// Streams by track, from the answers.
    pub(crate) streams: BTreeMap<u64, Streams>,
    /// What the decoders took, in order.
    pub(crate) frames: Vec<Received>,
    /// What each track's decoder could decode, and when it last asked for a keyframe.
    decoders: BTreeMap<u64, Decoder>,
    pub(crate) packets: Vec<Seen>,
    /// What it sees, of a client whose media is as browsers make it.
    pub(crate) viewer: Option<Viewer>,
    /// What its stack thinks that its uplink carries, in kbit/s.
    pub(crate) estimate: f64,
    /// What its sources take at most, in kbit/s.
    most: f64,
}

/// What a browser takes its uplink to carry before it knows.
const FIRST_ESTIMATE_KBPS: u64 = 300;

/// What every client's stack has.
fn config(rtp_mode: bool) -> RtcConfig {
    RtcConfig::new()
        .set_crypto_provider(seeded_dtls::provider())
        .set_dtls_cert(seeded_dtls::certificate())
        .clear_codecs()
        .enable_opus(true, false)
        .enable_vp8(true)
        .enable_h264(true)
        .enable_vp9(true)
        .enable_av1(true)
        .enable_h265(true)
        .set_rtp_mode(rtp_mode)
        .set_reordering_size_video(REORDERING)
}

/// Where a client's datagrams go: the engine's address, and the bytes.
pub(crate) type Outbox = Vec<(SocketAddr, Vec<u8>)>;

impl Client {
    /// A client that will publish `sources` and first offer `sections` to receive (audio, video).
    pub(crate) fn new(
        now: Instant,
        address: SocketAddr,
        sources: Vec<Source>,
        sections: (u32, u32),
        labels: &[&'static str],
    ) -> Self {
        let rtp_mode = !sources.is_empty();
        let config = config(rtp_mode).enable_raw_packets(true);
        Self::with_config(now, address, sources, sections, labels, config)
    }

    /// One whose media is as browsers make it and take it: its sources follow the estimate of its
    /// stack, and what it is sent is judged as a person sees it.
    pub(crate) fn live(now: Instant, address: SocketAddr, sources: Vec<Source>) -> Self {
        let start = Bitrate::kbps(FIRST_ESTIMATE_KBPS);
        let config = config(true).enable_bwe(Some(start));
        let mut client = Self::with_config(now, address, sources, (1, 1), &[], config);
        client.viewer = Some(Viewer::default());
        client
    }

    fn with_config(
        now: Instant,
        address: SocketAddr,
        sources: Vec<Source>,
        sections: (u32, u32),
        labels: &[&'static str],
        config: RtcConfig,
    ) -> Self {
        let mut rtc = config.build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        Self {
            rtc,
            address,
            sources,
            to_add: sections,
            labels: labels.to_vec(),
            channels: BTreeMap::new(),
            open: Vec::new(),
            messages: Vec::new(),
            receiving: Vec::new(),
            pending: None,
            offers: 0,
            wants_offer: false,
            next: now,
            connected: None,
            closed: false,
            tracks: BTreeMap::new(),
            streams: BTreeMap::new(),
            frames: Vec::new(),
            decoders: BTreeMap::new(),
            packets: Vec::new(),
            viewer: None,
            estimate: FIRST_ESTIMATE_KBPS as f64,
            most: 0.0,
        }
    }

    /// Sends a data message. False: the stack has no room for it.
    pub(crate) fn send_data(
        &mut self,
        now: Instant,
        label: &str,
        message: &[u8],
        outbox: &mut Outbox,
    ) -> bool {
        let mut channel = self.rtc.channel(self.channels[label]).expect("open");
        let taken = channel.write(true, message).unwrap();
        self.drain(now, outbox);
        taken
    }

    /// Whether what it is sent repeats a packet.
    pub(crate) fn is_repair(&self, datagram: &[u8]) -> bool {
        let ssrc = datagram.get(8..12).and_then(|bytes| bytes.first_chunk());
        let ssrc = ssrc.map(|bytes| u32::from_be_bytes(*bytes));
        // RFC 5761 section 4: what is RTCP here has no repair's SSRC at this place.
        let rtp = datagram.first().is_some_and(|first| first >> 6 == 2);
        rtp && ssrc.is_some() && self.streams.values().any(|streams| streams.rtx == ssrc)
    }

    /// The next deadline: of the stack, or of a source.
    pub(crate) fn next(&self) -> Instant {
        let sources = self.sources.iter().filter_map(Source::next);
        sources.chain([self.next]).min().expect("not empty")
    }

    /// Does what is due.
    pub(crate) fn due(&mut self, now: Instant, outbox: &mut Outbox) {
        if self.next <= now {
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain(now, outbox);
        }
        for at in 0..self.sources.len() {
            if self.sources[at].next().is_some_and(|next| next <= now) {
                self.capture(at, now, outbox);
            }
        }
    }

    fn capture(&mut self, at: usize, now: Instant, outbox: &mut Outbox) {
        let source = &mut self.sources[at];
        let (mid, audio) = (source.mid.expect("offered"), source.kind.is_audio());
        let packets = source.capture(now);
        let codec = source.kind.codec();
        let mut formats = self.rtc.codec_config().iter();
        let params = formats.find(|p| {
            // RFC 6184: single NAL unit mode is never agreed on.
            let mode = p.spec().format.packetization_mode;
            p.spec().codec == codec && mode.is_none_or(|mode| mode == 1)
        });
        let pt = params.expect("negotiated").pt();
        for packet in packets {
            packet.write(&mut self.rtc, mid, pt, audio, now);
            // What is written in RTP mode leaves at the next timeout, which is now: several streams'
            // packets waiting together would leave in the order of a hash map.
            self.drain(now, outbox);
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain(now, outbox);
        }
    }

    /// Takes in one datagram from `source`.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &[u8],
        outbox: &mut Outbox,
    ) {
        let Ok(contents) = datagram.try_into() else {
            panic!(
                "a datagram that no browser would know: {:02x?}",
                &datagram[..8]
            );
        };
        let destination = self.address;
        let receive = Receive {
            proto: Protocol::Udp,
            source,
            destination,
            contents,
        };
        self.rtc.handle_input(Input::Receive(now, receive)).unwrap();
        self.drain(now, outbox);
    }

    /// Takes everything out of the stack.
    pub(crate) fn drain(&mut self, now: Instant, outbox: &mut Outbox) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.next = at;
                    return;
                }
                Output::Transmit(sent) => outbox.push((sent.destination, sent.contents.to_vec())),
                Output::Event(event) => self.note(now, event),
            }
        }
    }

    fn note(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => {
                self.connected = Some(now);
                if self.viewer.is_some() {
                    self.go_live(now);
                } else {
                    self.sources.iter_mut().for_each(|source| source.start(now));
                }
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                self.estimate = estimate.as_f64() / 1000.0;
                self.follow();
            }
            Event::RtpPacket(packet) => self.see(now, &packet),
            Event::Closed => self.closed = true,
            Event::KeyframeRequest(request) => {
                let mut sources = self.sources.iter_mut();
                if let Some(source) = sources.find(|source| source.mid == Some(request.mid)) {
                    source.keyframe_requested(now, request.rid);
                }
            }
            Event::MediaData(data) => self.decode(now, &data),
            Event::ChannelOpen(channel, label) => {
                assert_eq!(self.channels.get(&label), Some(&channel), "its own");
                self.open.push(label);
            }
            Event::ChannelData(data) => {
                let mut channels = self.channels.iter();
                let found = channels.find(|(_, channel)| **channel == data.id);
                self.messages.push(Message {
                    label: found.expect("its own").0.clone(),
                    bytes: data.data,
                });
            }
            Event::RawPacket(packet) => {
                if let RawPacket::RtpRx(header, payload) = *packet {
                    self.packets.push(Seen::new(&header, payload));
                }
            }
            _ => {}
        }
    }
}

impl Seen {
    fn new(header: &RtpHeader, payload: Vec<u8>) -> Self {
        Self {
            ssrc: *header.ssrc,
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            marker: header.marker,
            payload: payload.into(),
        }
    }
}

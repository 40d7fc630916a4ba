//! A publisher that plays a recording, the worker, and its subscribers, in virtual time.

use std::collections::BTreeMap;

use sfu_core::command::Command;
use sfu_core::id::{PayloadType, Ssrc, TrackId};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::format::{
    Av1Parameters, FormatParameters, H264Parameters, H265Parameters, PayloadMapping,
};
use sfu_core::media::layer::LayerWish;
use sfu_core::media::session::ExtensionMap;
use sfu_core::wire::codec::h264::Profile;
use sfu_core::wire::rtcp::{self, RtcpItem, SenderInfo};

use crate::client::{MS, format};
use crate::dice::Dice;
use crate::meeting::{Meeting, participant};
use crate::path::{Path, Weather};
use crate::playback::{Player, Sent, Tag};
use crate::recording::{DESCRIPTOR, MID, RID, RIDS, Recording};
use crate::subscriber::Subscriber;
use crate::wire;

const RRID: u8 = 11;
const RTX: u8 = 97;
const TRACK: TrackId = TrackId(1);
/// Milliseconds of virtual time in a step.
pub(crate) const STEP: u64 = 3;
/// Packets of a stream that name it, as Chromium's do until a report says that it is known.
const NAMED: u64 = 40;

/// What is played, and to whom.
pub(crate) struct Party {
    pub(crate) recording: Recording,
    pub(crate) meeting: Meeting,
    pub(crate) dice: Dice,
    pub(crate) now: u64,
    publisher: usize,
    pub(crate) players: Vec<Player>,
    /// Decided to come, at that time: apart for each packet of a frame.
    leaving: Vec<(u64, Sent)>,
    pub(crate) up: Path<(Tag, bool)>,
    /// Whether the publisher answers requests for packets.
    pub(crate) repairs: bool,
    /// The publisher's packets that reached the engine, and when they first did.
    pub(crate) arrived: BTreeMap<Tag, u64>,
    rtx: u64,
    pub(crate) subscribers: Vec<Subscriber>,
}

fn ssrc(encoding: u8) -> u32 {
    0x1000 + u32::from(encoding)
}

fn rtx_ssrc(encoding: u8) -> u32 {
    0x2000 + u32::from(encoding)
}

/// The recording's format.
fn mapping(recording: &Recording) -> PayloadMapping {
    let parameters = match recording.codec {
        Codec::H264 => FormatParameters::H264(H264Parameters {
            profile_level_id: [0x42, 0xe0, 0x1f],
            profile: Profile::ConstrainedBaseline,
            level_asymmetry: true,
        }),
        Codec::Vp9 => FormatParameters::Vp9 { profile: 0 },
        Codec::Av1 => FormatParameters::Av1(Av1Parameters {
            profile: 0,
            level_index: 5,
            tier: 0,
        }),
        Codec::H265 => FormatParameters::H265(H265Parameters {
            profile: 1,
            tier: 0,
            level: 93,
        }),
        _ => FormatParameters::None,
    };
    PayloadMapping {
        parameters,
        rtx: Some(PayloadType(RTX)),
        ..format(recording.codec, recording.payload_type)
    }
}

fn extensions(descriptor: bool) -> ExtensionMap {
    ExtensionMap {
        mid: Some(MID),
        rid: Some(RID),
        repaired_rid: Some(RRID),
        dependency_descriptor: descriptor.then_some(DESCRIPTOR),
        transport_cc: Some(4),
        ..ExtensionMap::default()
    }
}

impl Party {
    pub(crate) fn new(recording: Recording, seed: u64, weather: Weather) -> Self {
        let mut meeting = Meeting::unpaced_with_pool(12_000);
        let rids = if recording.streams.len() > 1 {
            &RIDS[..recording.streams.len()]
        } else {
            &[]
        };
        let publisher = meeting.join();
        meeting.announce(publisher, TRACK.0, MediaKind::Video, "cid");
        meeting.clients[publisher].section(MediaKind::Video, Some("cid"), rids);
        let section = &mut meeting.clients[publisher].sections[0];
        section.payloads = [mapping(&recording)].into_iter().collect();
        section.extensions = extensions(true);
        if rids.is_empty() {
            section.ssrcs.push((Ssrc(ssrc(0)), Some(Ssrc(rtx_ssrc(0)))));
        }
        meeting.connect(publisher);
        let players = (0..recording.streams.len() as u8).map(|at| Player::new(&recording, at));
        Self {
            players: players.collect(),
            recording,
            meeting,
            dice: Dice::new(seed),
            now: 0,
            publisher,
            leaving: Vec::new(),
            up: Path::new(weather),
            repairs: true,
            arrived: BTreeMap::new(),
            rtx: 1,
            subscribers: Vec::new(),
        }
    }

    /// A subscriber joins, which knows the descriptor or does not.
    pub(crate) fn join(&mut self, descriptor: bool, weather: Weather) -> usize {
        let client = self.meeting.join();
        self.meeting.clients[client].section(MediaKind::Video, None, &[]);
        let section = &mut self.meeting.clients[client].sections[0];
        section.payloads = [mapping(&self.recording)].into_iter().collect();
        // Nobody here tells what arrives: what is offered to be sent leaves at once.
        section.extensions = ExtensionMap {
            transport_cc: None,
            ..extensions(descriptor)
        };
        self.meeting.subscribe(client, TRACK.0);
        self.meeting.connect(client);
        let described = descriptor && self.recording.has_descriptor();
        let mut subscriber =
            Subscriber::new(client, self.recording.codec, described, false, weather);
        if !self.recording.has_markers() {
            subscriber.forgive_markers();
        }
        self.subscribers.push(subscriber);
        self.subscribers.len() - 1
    }

    pub(crate) fn wish(&mut self, subscriber: usize, wish: LayerWish) {
        let participant = participant(self.subscribers[subscriber].client);
        self.meeting.command(Command::SetLayerWish {
            participant,
            track: TRACK,
            wish,
        });
    }

    pub(crate) fn enable(&mut self, subscriber: usize, enabled: bool) {
        let participant = participant(self.subscribers[subscriber].client);
        self.meeting.command(Command::SetSubscriptionEnabled {
            participant,
            track: TRACK,
            enabled,
        });
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        while self.now < end {
            self.now += STEP;
            self.publish();
            self.meeting.pass(STEP as u32 * MS);
            self.answer();
            self.deliver();
        }
    }

    /// What the publisher sends now, and what of it arrives.
    fn publish(&mut self) {
        for player in &mut self.players {
            self.leaving.extend(player.play(self.now));
        }
        self.leaving.sort_by_key(|(at, _)| *at);
        let due = self.leaving.partition_point(|(at, _)| *at <= self.now);
        for (_, sent) in self.leaving.drain(..due) {
            self.up.send(&mut self.dice, self.now, (sent.tag, false));
        }
        if self.now % 500 < STEP {
            self.report();
        }
        while let Some((tag, repair)) = self.up.arrived(self.now) {
            self.arrived.entry(tag).or_insert(self.now);
            self.hand_in(tag, repair);
        }
    }

    /// A sender report for each encoding.
    fn report(&mut self) {
        for (encoding, player) in (0..).zip(&self.players) {
            let info = SenderInfo {
                ssrc: Ssrc(ssrc(encoding)),
                ntp: (3_900_000_000 << 32) + (self.now << 32) / 1000,
                rtp_timestamp: player.timestamp_at(self.now),
                packets: 1,
                octets: 1,
            };
            let client = &mut self.meeting.clients[self.publisher];
            client.send_rtcp(|out| rtcp::sender_report(out, info, &[], Some("cname")));
        }
    }

    /// One packet of the publisher's reaches the engine.
    fn hand_in(&mut self, tag: Tag, repair: bool) {
        let sent = &self.players[usize::from(tag.encoding)].sent[&tag.sequence];
        let simulcast = self.players.len() > 1;
        let mut elements = vec![(MID, b"0".to_vec())];
        if simulcast && (tag.sequence < 0xff00 + NAMED || repair) {
            let id = if repair { RRID } else { RID };
            elements.push((id, RIDS[usize::from(tag.encoding)].as_bytes().to_vec()));
        }
        elements.extend(sent.descriptor.clone().map(|bytes| (DESCRIPTOR, bytes)));
        let payload_type = if repair {
            RTX
        } else {
            self.recording.payload_type
        };
        let index = if repair { self.rtx } else { tag.sequence };
        let stream = if repair {
            rtx_ssrc(tag.encoding)
        } else {
            ssrc(tag.encoding)
        };
        let mut bytes = vec![0x90, payload_type | u8::from(sent.marker) << 7];
        bytes.extend((index as u16).to_be_bytes());
        bytes.extend(sent.timestamp.to_be_bytes());
        bytes.extend(stream.to_be_bytes());
        wire::put_elements(&mut bytes, &elements);
        let header = bytes.len();
        if repair {
            self.rtx += 1;
            bytes.extend((tag.sequence as u16).to_be_bytes());
        }
        bytes.extend(&sent.payload);
        let client = &mut self.meeting.clients[self.publisher];
        let sealed = client.seal_written(index, bytes, header);
        client.outbox.push(sealed);
        self.meeting.drain();
    }

    /// What the engine asks the publisher for.
    fn answer(&mut self) {
        let client = &mut self.meeting.clients[self.publisher];
        let mut again = Vec::new();
        for (_, compound) in client.rtcp.drain(..) {
            rtcp::read(&compound, |item| match item {
                RtcpItem::KeyframeRequest { media, .. } => {
                    self.players[(media.0 - ssrc(0)) as usize].wants_keyframe = true;
                }
                RtcpItem::Nack {
                    media, sequences, ..
                } => {
                    again.extend(sequences.map(|sequence| (media, sequence)));
                }
                _ => {}
            })
            .unwrap();
        }
        for (media, sequence) in again.into_iter().filter(|_| self.repairs) {
            let player = &self.players[(media.0 - ssrc(0)) as usize];
            let mut recent = player.sent.keys().rev().take(2000);
            if let Some(sequence) = recent.find(|known| **known as u16 == sequence) {
                let tag = Tag {
                    encoding: (media.0 - ssrc(0)) as u8,
                    sequence: *sequence,
                };
                self.up.send(&mut self.dice, self.now + 20, (tag, true));
            }
        }
    }

    /// What left the engine for the subscribers, and what they ask for.
    fn deliver(&mut self) {
        for subscriber in &mut self.subscribers {
            let client = &mut self.meeting.clients[subscriber.client];
            for got in client.rtp.drain(..) {
                let repair = got.payload_type == RTX;
                subscriber.on_sent(&mut self.dice, self.now, got, repair);
            }
            client.rtcp.clear();
            subscriber.receive(&mut self.dice, self.now);
            let mut asked = Vec::new();
            while let Some(sequence) = subscriber.asks.arrived(self.now) {
                asked.push(sequence);
            }
            let media = Ssrc(subscriber.ssrc);
            for some in asked.chunks(50) {
                client.send_rtcp(|out| rtcp::nack(out, Ssrc(1), media, some));
            }
            if std::mem::take(&mut subscriber.wants_keyframe) {
                client.send_rtcp(|out| rtcp::pli(out, Ssrc(1), media));
            }
        }
        self.meeting.drain();
    }
}

//! The control plane of a meeting, as the server's rooms are: everyone gets everyone's tracks and
//! data.

use std::collections::{BTreeMap, BTreeSet};

use sfu_core::command::{Command, MediaPermissions, TrackAnnouncement};
use sfu_core::event::Event;
use sfu_core::id::{DataLabel, ParticipantId, RoomId, TrackId};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::format::CodecWishes;
use sfu_core::sdp::read_offer;

use crate::publisher::SourceKind;

/// A seat's place in the meeting's list.
pub(crate) type ClientId = usize;

/// A client's words to the server.
#[derive(Clone, Debug)]
pub(crate) enum Upward {
    Join {
        room: u64,
        tracks: Vec<(u64, String, SourceKind)>,
        offer: (u32, String),
    },
    Offer {
        id: u32,
        sdp: String,
    },
    Leave,
}

/// The server's words to a client.
#[derive(Clone, Debug)]
pub(crate) enum Downward {
    Answer {
        sdp: String,
        mids: Vec<(String, u64)>,
    },
    SectionsNeeded {
        audio: u32,
        video: u32,
    },
    RoomFailed,
}

#[derive(Clone, Copy)]
struct Track {
    publisher: ClientId,
    bound: bool,
}

/// What the server knows.
#[derive(Default)]
pub(crate) struct Server {
    rooms: BTreeMap<ClientId, u64>,
    tracks: BTreeMap<u64, Track>,
    /// Clients that are sent nothing.
    pub(crate) deaf: BTreeSet<ClientId>,
}

pub(crate) fn participant(client: ClientId) -> ParticipantId {
    ParticipantId(client as u64 + 1)
}

pub(crate) fn client(participant: ParticipantId) -> ClientId {
    usize::try_from(participant.0).unwrap() - 1
}

impl Server {
    /// What a client's message makes the server tell the engine.
    pub(crate) fn hear(&mut self, from: ClientId, message: Upward) -> Vec<Command> {
        match message {
            Upward::Join {
                room,
                tracks,
                offer,
            } => self.join(from, room, tracks, offer),
            Upward::Offer { id, sdp } => vec![offer(from, id, &sdp)],
            Upward::Leave => {
                self.rooms.remove(&from);
                self.tracks.retain(|_, track| track.publisher != from);
                vec![Command::RemoveParticipant {
                    participant: participant(from),
                }]
            }
        }
    }

    fn join(
        &mut self,
        from: ClientId,
        room: u64,
        tracks: Vec<(u64, String, SourceKind)>,
        (id, sdp): (u32, String),
    ) -> Vec<Command> {
        let permissions = MediaPermissions {
            publish: true,
            subscribe: true,
        };
        let participant = participant(from);
        let room_id = RoomId(room);
        let mut commands = vec![Command::AddParticipant {
            room: room_id,
            participant,
            permissions,
        }];
        let others = self
            .tracks
            .iter()
            .filter(|_| !self.deaf.contains(&from))
            .filter(|(_, track)| track.bound && self.rooms.get(&track.publisher) == Some(&room));
        commands.extend(others.map(|(track, _)| subscribe(from, *track)));
        self.rooms.insert(from, room);
        for (track, cid, kind) in tracks {
            self.tracks.insert(
                track,
                Track {
                    publisher: from,
                    bound: false,
                },
            );
            let announcement = TrackAnnouncement {
                track: TrackId(track),
                kind: if kind.is_audio() {
                    MediaKind::Audio
                } else {
                    MediaKind::Video
                },
                cid,
                stream_label: format!("PA_{from}"),
                track_label: format!("TR_{track}"),
                muted: false,
                codecs: CodecWishes {
                    codec: Some(engine_codec(kind.codec())),
                    ..CodecWishes::default()
                },
            };
            let announcement = Box::new(announcement);
            commands.push(Command::AnnounceTrack {
                participant,
                announcement,
            });
        }
        commands.push(offer(from, id, &sdp));
        commands
    }

    /// What an event makes the server tell the engine, and the clients.
    pub(crate) fn note(&mut self, event: &Event) -> (Vec<Command>, Vec<(ClientId, Downward)>) {
        let mut commands = Vec::new();
        let mut words = Vec::new();
        match event {
            Event::Answer {
                participant,
                sdp,
                mids,
                ..
            } => {
                let mids = mids
                    .iter()
                    .map(|(mid, track)| (mid.to_string(), track.0))
                    .collect();
                words.push((
                    client(*participant),
                    Downward::Answer {
                        sdp: sdp.clone(),
                        mids,
                    },
                ));
            }
            Event::OfferRefused {
                participant, error, ..
            } => {
                panic!("offer of {participant} refused: {error}");
            }
            Event::SectionsNeeded {
                participant,
                audio,
                video,
            } => {
                let (audio, video) = (*audio, *video);
                words.push((
                    client(*participant),
                    Downward::SectionsNeeded { audio, video },
                ));
            }
            Event::TrackBound { track, .. } => {
                let known = self.tracks.get_mut(&track.0).expect("announced");
                known.bound = true;
                let (publisher, room) = (known.publisher, self.rooms[&known.publisher]);
                let others = self
                    .rooms
                    .iter()
                    .filter(|(c, r)| **r == room && **c != publisher && !self.deaf.contains(c));
                commands.extend(others.map(|(other, _)| subscribe(*other, track.0)));
            }
            Event::DataReceived {
                participant,
                label,
                payload,
            } => commands.push(self.pass_on(client(*participant), *label, payload)),
            Event::RoomFailed { room } => {
                let members = self.rooms.iter().filter(|(_, r)| **r == room.0);
                words.extend(members.map(|(client, _)| (*client, Downward::RoomFailed)));
            }
            _ => {}
        }
        (commands, words)
    }

    /// A client's data goes to all others of its room.
    fn pass_on(&self, from: ClientId, label: DataLabel, payload: &[u8]) -> Command {
        let room = self.rooms.get(&from);
        let others = self.rooms.iter();
        let others = others.filter(|(other, theirs)| **other != from && Some(*theirs) == room);
        Command::SendData {
            recipients: others.map(|(other, _)| participant(*other)).collect(),
            label,
            payload: payload.into(),
        }
    }
}

fn subscribe(from: ClientId, track: u64) -> Command {
    Command::Subscribe {
        participant: participant(from),
        track: TrackId(track),
    }
}

fn offer(from: ClientId, offer_id: u32, sdp: &str) -> Command {
    let offer = read_offer(sdp).unwrap_or_else(|error| panic!("{error}: {sdp}"));
    Command::Offer {
        participant: participant(from),
        offer_id,
        offer: Box::new(offer),
    }
}

/// The engine's word for a codec of the clients' stack.
fn engine_codec(codec: str0m::format::Codec) -> Codec {
    use str0m::format::Codec as Theirs;
    match codec {
        Theirs::Opus => Codec::Opus,
        Theirs::Vp8 => Codec::Vp8,
        Theirs::Vp9 => Codec::Vp9,
        Theirs::H264 => Codec::H264,
        Theirs::H265 => Codec::H265,
        Theirs::Av1 => Codec::Av1,
        other => panic!("no source sends {other:?}"),
    }
}

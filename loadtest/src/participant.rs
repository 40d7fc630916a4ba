//! What every participant does: join with an offer, take the answers, make room for the tracks that
//! the server has for it.

use std::sync::Arc;
use std::time::Duration;

use livekit_protocol as proto;
use livekit_protocol::signal_request::Message as Asked;
use livekit_protocol::signal_response::Message as Told;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use webrtc::peer_connection::{PeerConnection, RTCPeerConnectionState, RTCSessionDescription};

use crate::args::Plan;
use crate::connection::Connection;
use crate::record::{Record, Role};
use crate::signalling::{Dialled, Signalling, SignallingError};
use crate::stamp::Clock;
use crate::tap::Tap;

/// How long joining may take. Raising: a run with a broken server ends later. Lowering: slow
/// machines fail at what they would do.
pub(crate) const JOIN_PATIENCE: Duration = Duration::from_secs(20);

/// Most sections of one kind that a server may ask for. Raising: it may make us write larger
/// offers. Lowering: rooms with many publishers are not received whole.
const MAX_SECTIONS: u32 = 250;

/// The signalling protocol's version that is spoken.
const PROTOCOL: i32 = 17;

/// Why a participant's call ended before its time. The same cause has the same words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Signalling(#[from] SignallingError),
    #[error("the peer connection failed: {0}")]
    Peer(#[from] webrtc::error::Error),
    #[error("no token could be minted: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("the server refused: {0}")]
    Refused(String),
    #[error("the server ended the session: {0}")]
    Left(&'static str),
    #[error("the media connection was lost")]
    MediaLost,
    #[error("not joined in time: {0}")]
    Late(&'static str),
}

/// What all participants of a run share.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) plan: Arc<Plan>,
    pub(crate) clock: Clock,
}

/// A peer connection, and a connection to the server on which nothing was said yet.
pub(crate) struct Draft {
    connection: Connection,
    dialled: Dialled,
}

impl Draft {
    /// Dials the server, and opens a peer connection at the address that it is reached from.
    pub(crate) async fn open(setting: &Setting, record: &Arc<Record>) -> Result<Self, Failure> {
        let dialled = Dialled::dial(&setting.plan.url).await?;
        let local = match setting.plan.bind {
            Some(bind) => bind,
            None => dialled.local_ip()?,
        };
        let tap = Tap::new(setting.clock, Arc::clone(record));
        let connection = Connection::open(local, tap).await?;
        Ok(Self {
            connection,
            dialled,
        })
    }

    /// The peer connection, to add to what is offered.
    pub(crate) fn peer(&self) -> &dyn PeerConnection {
        &*self.connection.peer
    }

    /// Joins with the first offer, announcing `tracks`.
    pub(crate) async fn join(
        self,
        setting: &Setting,
        record: &Record,
        tracks: Vec<proto::AddTrackRequest>,
    ) -> Result<Participant, Failure> {
        let plan = &setting.plan;
        let room = format!("{}-{}", plan.room_prefix, record.room + 1);
        let publishes = record.role == Role::Publisher;
        let role = if publishes { "publisher" } else { "subscriber" };
        let identity = format!("{role}-{}", record.number + 1);
        let token = plan.api_key.mint(&room, &identity, publishes)?;

        let offer = self.connection.peer.create_offer(None).await?;
        let request = proto::JoinRequest {
            client_info: Some(proto::ClientInfo {
                sdk: proto::client_info::Sdk::Unknown.into(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                protocol: PROTOCOL,
                ..Default::default()
            }),
            connection_settings: Some(proto::ConnectionSettings {
                auto_subscribe: !publishes,
                ..Default::default()
            }),
            add_track_requests: tracks,
            publisher_offer: Some(description(&offer, 1)),
            ..Default::default()
        };
        self.connection.peer.set_local_description(offer).await?;
        let signalling = self.dialled.join(&token, &request).await?;
        Ok(Participant {
            connection: self.connection,
            signalling,
            latest_offer: 1,
            offered: true,
            wanted: Sections::default(),
        })
    }
}

fn description(offer: &RTCSessionDescription, id: u32) -> proto::SessionDescription {
    proto::SessionDescription {
        r#type: "offer".to_owned(),
        sdp: offer.sdp.clone(),
        id,
        ..Default::default()
    }
}

/// How many further sections the server wants.
#[derive(Clone, Copy, Debug, Default)]
struct Sections {
    audio: u32,
    video: u32,
}

/// Somebody in a room.
pub(crate) struct Participant {
    connection: Connection,
    signalling: Signalling,
    latest_offer: u32,
    /// The latest offer has no answer yet.
    offered: bool,
    wanted: Sections,
}

/// What can happen to a participant.
pub(crate) enum Happened {
    /// The server said something.
    Told(Box<Told>),
    /// The peer connection has another state.
    StateChanged,
}

impl Participant {
    /// Waits for the next thing that happens; may be given up and called again.
    pub(crate) async fn next(&mut self) -> Result<Happened, Failure> {
        tokio::select! {
            told = self.signalling.next() => Ok(Happened::Told(Box::new(told?))),
            changed = self.connection.state.changed() => {
                changed.map_err(|_| Failure::MediaLost)?;
                Ok(Happened::StateChanged)
            }
        }
    }

    /// Does what is to be done about it; returns what only the caller's role understands.
    pub(crate) async fn obey(&mut self, happened: Happened) -> Result<Option<Told>, Failure> {
        use RTCPeerConnectionState::{Closed, Failed};
        let told = match happened {
            Happened::StateChanged => {
                let state = *self.connection.state.borrow_and_update();
                return match state {
                    Failed | Closed => Err(Failure::MediaLost),
                    _ => Ok(None),
                };
            }
            Happened::Told(told) => *told,
        };
        match told {
            Told::Answer(answer) if answer.id == self.latest_offer => {
                let answer = RTCSessionDescription::answer(answer.sdp)?;
                self.connection.peer.set_remote_description(answer).await?;
                self.offered = false;
                self.offer_wanted().await?;
            }
            Told::MediaSectionsRequirement(more) => {
                self.wanted.audio = (self.wanted.audio + more.num_audios).min(MAX_SECTIONS);
                self.wanted.video = (self.wanted.video + more.num_videos).min(MAX_SECTIONS);
                self.offer_wanted().await?;
            }
            Told::RequestResponse(response)
                if response.reason() != proto::request_response::Reason::Ok =>
            {
                return Err(Failure::Refused(response.message));
            }
            Told::SubscriptionResponse(response) => {
                let why = format!("a subscription: {}", response.err().as_str_name());
                return Err(Failure::Refused(why));
            }
            Told::Leave(leave) => return Err(Failure::Left(leave.reason().as_str_name())),
            other => return Ok(Some(other)),
        }
        Ok(None)
    }

    /// Whether media goes both ways.
    pub(crate) fn is_connected(&self) -> bool {
        *self.connection.state.borrow() == RTCPeerConnectionState::Connected
    }

    /// Offers the sections that the server wants, once the latest offer is answered.
    async fn offer_wanted(&mut self) -> Result<(), Failure> {
        let wanted = self.wanted;
        if self.offered || wanted.audio + wanted.video == 0 {
            return Ok(());
        }
        self.wanted = Sections::default();
        let peer = &self.connection.peer;
        receive(&**peer, wanted.audio, wanted.video).await?;
        let offer = peer.create_offer(None).await?;
        self.latest_offer += 1;
        let told = description(&offer, self.latest_offer);
        peer.set_local_description(offer).await?;
        self.offered = true;
        Ok(self.signalling.ask(Asked::Offer(told)).await?)
    }

    /// Leaves the room and ends the media.
    pub(crate) async fn leave(self) {
        self.signalling.leave().await;
        // The session is over for the server by then; what is left is ours alone.
        let _ = self.connection.peer.close().await;
    }
}

/// Adds sections that only receive.
pub(crate) async fn receive(
    peer: &dyn PeerConnection,
    audio: u32,
    video: u32,
) -> webrtc::error::Result<()> {
    for (kind, count) in [(RtpCodecKind::Audio, audio), (RtpCodecKind::Video, video)] {
        for _ in 0..count {
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                ..Default::default()
            };
            peer.add_transceiver_from_kind(kind, Some(init)).await?;
        }
    }
    Ok(())
}

//! The door on a real loopback socket, spoken to by a real WebSocket client. Behind the rooms the
//! media workers only record: what the engine would answer is said by the test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use futures_util::{SinkExt, StreamExt};
use livekit_protocol as proto;
use livekit_protocol::leave_request::Action;
use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::signal_response::Message as Told;
use prost::Message as _;
use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::id::Mid;
use sfu_core::media::session::OfferError;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::*;
use crate::auth::{NewToken, VideoGrants};
use crate::rooms::{MediaWorkers, Settings};

mod codecs;
mod signals;
mod wishes;

/// A browser's first offer, cut to one receiving audio section.
const OFFER: &str = "v=0\r\n\
    o=- 1 2 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=rtcp:9 IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:abcd\r\n\
    a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
    a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n\
    a=setup:actpass\r\n\
    a=mid:0\r\n\
    a=recvonly\r\n\
    a=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\n";

#[derive(Default)]
struct Recorder(Mutex<Vec<Command>>);

impl MediaWorkers for Recorder {
    fn workers(&self) -> usize {
        2
    }

    fn send(&self, _: usize, command: Command) {
        self.0.lock().unwrap().push(command);
    }
}

impl Recorder {
    fn find<T>(&self, pick: impl Fn(&Command) -> Option<T>) -> Option<T> {
        self.0.lock().unwrap().iter().rev().find_map(pick)
    }
}

struct Server {
    door: Door,
    rooms: Rooms,
    recorder: Arc<Recorder>,
    keys: ApiKeys,
    address: SocketAddr,
}

impl Server {
    async fn start() -> Self {
        Self::start_with(Settings::default(), DoorSettings::default()).await
    }

    async fn start_with(settings: Settings, door: DoorSettings) -> Self {
        let recorder = Arc::new(Recorder::default());
        let rooms = Rooms::new(settings, Arc::clone(&recorder) as Arc<dyn MediaWorkers>);
        let keys = ApiKeys::new([("key".into(), "s".repeat(32))], false).unwrap();
        let door = Door::new(rooms.clone(), keys.clone(), door);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = door
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self {
            door,
            rooms,
            recorder,
            keys,
            address,
        }
    }

    fn token(&self, identity: &str) -> String {
        self.token_with(identity, VideoGrants::join("kitchen"))
    }

    fn token_with(&self, identity: &str, video: VideoGrants) -> String {
        let token = NewToken {
            identity: identity.into(),
            video,
            ..NewToken::default()
        };
        self.keys.mint(token).unwrap().token
    }

    async fn dial(&self, query: &str) -> Result<Client, (StatusCode, String)> {
        let url = format!("ws://{}/rtc/v1?{query}", self.address);
        match tokio_tungstenite::connect_async(url.into_client_request().unwrap()).await {
            Ok((socket, _)) => Ok(Client { socket }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                let (parts, body) = response.into_parts();
                let text = String::from_utf8(body.unwrap_or_default()).unwrap();
                Err((parts.status, text))
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn join(&self, identity: &str) -> (Client, proto::JoinResponse) {
        let query = query(&self.token(identity), &join_request());
        let mut client = self.dial(&query).await.unwrap();
        let joined = client.joined().await;
        (client, joined)
    }

    /// `GET` without an upgrade: status and body.
    async fn get(&self, path: &str) -> (u16, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\norigin: https://a.example\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.to_lowercase()
                .contains("access-control-allow-origin: *"),
            "{head}"
        );
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn count(&self, closing: Closing) -> u64 {
        self.door.closings().get(closing)
    }

    /// What the engine says once it has the newest announced track's section.
    fn bind_newest_track(&self) {
        let track = self.recorder.find(|command| match command {
            Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
            _ => None,
        });
        let mid = Mid::from("3").unwrap();
        self.rooms.handle_event(
            0,
            Event::TrackBound {
                track: track.unwrap(),
                mid,
            },
        );
    }
}

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    async fn ask(&mut self, message: Ask) {
        let request = proto::SignalRequest {
            message: Some(message),
        };
        let bytes = request.encode_to_vec();
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .unwrap();
    }

    async fn told(&mut self) -> Told {
        match self.socket.next().await.unwrap().unwrap() {
            Message::Binary(bytes) => {
                let response = proto::SignalResponse::decode(bytes).unwrap();
                response.message.unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    async fn joined(&mut self) -> proto::JoinResponse {
        match self.told().await {
            Told::Join(join) => join,
            other => panic!("{other:?}"),
        }
    }

    async fn update(&mut self) -> proto::ParticipantInfo {
        match self.told().await {
            Told::Update(mut update) => {
                assert_eq!(update.participants.len(), 1);
                update.participants.remove(0)
            }
            other => panic!("{other:?}"),
        }
    }

    async fn left(&mut self) -> (proto::DisconnectReason, Action) {
        match self.told().await {
            Told::Leave(leave) => (leave.reason(), leave.action()),
            other => panic!("{other:?}"),
        }
    }

    /// The close frame's code and reason, past what is still told.
    async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.socket.next().await.unwrap().unwrap() {
                let frame = frame.unwrap();
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

fn query(token: &str, request: &proto::JoinRequest) -> String {
    let wrapped = proto::WrappedJoinRequest {
        compression: 0,
        join_request: request.encode_to_vec(),
    };
    let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(wrapped.encode_to_vec());
    format!("access_token={token}&join_request={base64}")
}

fn join_request() -> proto::JoinRequest {
    proto::JoinRequest {
        connection_settings: Some(proto::ConnectionSettings {
            auto_subscribe: true,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn microphone() -> proto::AddTrackRequest {
    proto::AddTrackRequest {
        cid: "mic".into(),
        source: proto::TrackSource::Microphone.into(),
        ..Default::default()
    }
}

fn offer(id: u32, sdp: &str) -> proto::SessionDescription {
    proto::SessionDescription {
        r#type: "offer".into(),
        sdp: sdp.into(),
        id,
        ..Default::default()
    }
}

#[tokio::test]
async fn the_first_message_is_what_clients_need() {
    let server = Server::start().await;
    let (_ann, join) = server.join("ann").await;
    let me = join.participant.unwrap();
    assert!(me.sid.starts_with("PA_") && me.identity == "ann");
    let permission = me.permission.unwrap();
    assert!(permission.can_publish && permission.can_subscribe && permission.can_publish_data);
    let room = join.room.unwrap();
    assert!(room.sid.starts_with("RM_") && room.name == "kitchen");
    assert_eq!((join.ping_timeout, join.ping_interval), (15, 5));
    let info = join.server_info.unwrap();
    assert!(info.protocol == 17 && !info.version.is_empty());
    let mimes: Vec<_> = join
        .enabled_publish_codecs
        .iter()
        .map(|one| one.mime.as_str())
        .collect();
    let expected = [
        "audio/opus",
        "audio/red",
        "audio/PCMU",
        "audio/PCMA",
        "video/VP8",
        "video/H264",
        "video/VP9",
        "video/AV1",
        "video/H265",
    ];
    assert_eq!(mimes, expected);
    assert!(!join.subscriber_primary && join.other_participants.is_empty());
}

#[tokio::test]
async fn the_first_offer_comes_with_the_join_and_its_number_with_the_answer() {
    let server = Server::start().await;
    let request = proto::JoinRequest {
        publisher_offer: Some(offer(7, OFFER)),
        add_track_requests: vec![microphone()],
        ..join_request()
    };
    let mut ann = server
        .dial(&query(&server.token("ann"), &request))
        .await
        .unwrap();
    ann.joined().await;
    let Told::TrackPublished(published) = ann.told().await else {
        panic!()
    };
    let sid = published.track.unwrap().sid;
    assert!(published.cid == "mic" && sid.starts_with("TR_"));

    let (participant, track) = server
        .recorder
        .find(|command| match command {
            Command::AnnounceTrack {
                participant,
                announcement,
            } => Some((*participant, announcement.track)),
            _ => None,
        })
        .unwrap();
    ann.ask(Ask::PingReq(proto::Ping::default())).await;
    assert!(matches!(ann.told().await, Told::PongResp(_)));
    let sent = server.recorder.find(|command| match command {
        Command::Offer {
            offer_id, offer, ..
        } => Some((*offer_id, offer.sections.len())),
        _ => None,
    });
    assert_eq!(sent, Some((7, 1)));
    let mid = Mid::from("0").unwrap();
    server.rooms.handle_event(
        0,
        Event::Answer {
            participant,
            offer_id: 7,
            sdp: "v=0".into(),
            mids: vec![(mid, track)],
        },
    );
    let Told::Answer(answer) = ann.told().await else {
        panic!()
    };
    assert_eq!(
        (answer.id, answer.r#type.as_str(), answer.sdp.as_str()),
        (7, "answer", "v=0")
    );
    assert_eq!(answer.mid_to_track_id["0"], sid);
}

#[tokio::test]
async fn a_published_track_is_told_with_what_players_need() {
    let server = Server::start().await;
    let (mut ann, ann_joined) = server.join("ann").await;
    let (mut bob, bob_joined) = server.join("bob").await;
    assert_eq!(bob_joined.other_participants[0].identity, "ann");
    assert_eq!(ann.update().await.identity, "bob");

    let layer = |quality, width| proto::VideoLayer {
        quality,
        width,
        height: width / 2,
        ..Default::default()
    };
    let camera = proto::AddTrackRequest {
        cid: "cam".into(),
        r#type: proto::TrackType::Video.into(),
        source: proto::TrackSource::Camera.into(),
        stream: "camera".into(),
        width: 640,
        height: 320,
        layers: vec![layer(0, 320), layer(2, 640)],
        ..Default::default()
    };
    ann.ask(Ask::AddTrack(camera)).await;
    assert!(matches!(ann.told().await, Told::TrackPublished(_)));
    server.bind_newest_track();
    let told = bob.update().await;
    assert_eq!(told.sid, ann_joined.participant.unwrap().sid);
    assert!(told.is_publisher);
    let track = &told.tracks[0];
    #[expect(deprecated, reason = "clients of today read it")]
    let simulcast = track.simulcast;
    assert!(simulcast && track.source() == proto::TrackSource::Camera);
    assert_eq!(
        (track.mime_type.as_str(), track.mid.as_str()),
        ("video/VP8", "3")
    );
    assert_eq!(
        (track.stream.as_str(), track.width, track.height),
        ("camera", 640, 320)
    );
    assert_eq!(track.codecs[0].layers.len(), 2);
    assert!(matches!(ann.told().await, Told::TrackSubscribed(_)));

    let mute = proto::MuteTrackRequest {
        sid: track.sid.clone(),
        muted: true,
    };
    ann.ask(Ask::Mute(mute)).await;
    let muted = bob.update().await;
    assert!(muted.tracks[0].muted && muted.version > told.version);
}

#[tokio::test]
async fn both_kinds_of_ping_are_answered_and_unknown_requests_are_not_fatal() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    // Field 99 of a later protocol, and requests that this server has no use for.
    ann.socket
        .send(Message::Binary(vec![0x9a, 0x06, 0x00].into()))
        .await
        .unwrap();
    ann.ask(Ask::SyncState(proto::SyncState::default())).await;
    ann.ask(Ask::Trickle(proto::TrickleRequest::default()))
        .await;
    ann.ask(Ask::Ping(1)).await;
    assert!(matches!(ann.told().await, Told::Pong(_)));
    let ping = proto::Ping {
        timestamp: 42,
        rtt: 0,
    };
    ann.ask(Ask::PingReq(ping)).await;
    match ann.told().await {
        Told::PongResp(pong) => assert_eq!(pong.last_ping_timestamp, 42),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_of_json_is_answered_in_json() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    let unknown = Message::Text(r#"{"laterRequest":{"x":1}}"#.into());
    ann.socket.send(unknown).await.unwrap();
    let ping = Message::Text(r#"{"pingReq":{"timestamp":"42"}}"#.into());
    ann.socket.send(ping).await.unwrap();
    let Message::Text(text) = ann.socket.next().await.unwrap().unwrap() else {
        panic!()
    };
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["pongResp"]["lastPingTimestamp"], "42");
}

/// Queries that are refused, each with the status and the beginning of the text.
fn refusals(server: &Server) -> Vec<(String, u16, &'static str)> {
    let request = join_request();
    let other = ApiKeys::new([("other".into(), "s".repeat(32))], false).unwrap();
    let foreign = other.mint(NewToken {
        identity: "ann".into(),
        video: VideoGrants::join("kitchen"),
        ..NewToken::default()
    });
    let claims = serde_json::json!({ "iss": "key", "sub": "ann", "exp": 1 });
    let secret = jsonwebtoken::EncodingKey::from_secret("s".repeat(32).as_bytes());
    let expired = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &secret).unwrap();
    let good = server.token("ann");
    let grantless = server.token_with("ann", VideoGrants::default());
    let bad_offer = proto::JoinRequest {
        publisher_offer: Some(offer(1, "v=0\r\n")),
        ..join_request()
    };
    vec![
        (
            query(&expired, &request),
            401,
            "token: exp: the token has expired",
        ),
        (
            query(&foreign.unwrap().token, &request),
            401,
            "token: iss: not an API key of this server",
        ),
        (query("", &request), 401, "token: a token is needed"),
        (
            format!("{}&room=attic", query(&good, &request)),
            403,
            "video.room: the token is for another room",
        ),
        (
            query(&grantless, &request),
            403,
            "video.roomJoin: the token does not grant it",
        ),
        (
            format!("access_token={good}"),
            400,
            "join_request: required",
        ),
        (query(&good, &bad_offer), 400, "offer"),
    ]
}

#[tokio::test]
async fn who_may_not_join_is_told_why() {
    let server = Server::start().await;
    for (query, status, text) in refusals(&server) {
        let (got, body) = server.dial(&query).await.err().unwrap();
        assert_eq!(got.as_u16(), status, "{body}");
        assert!(body.starts_with(text), "{body}");
        let (validated, reason) = server.get(&format!("/rtc/v1/validate?{query}")).await;
        assert_eq!((validated, reason), (status, body));
    }
    assert_eq!(server.count(Closing::Unauthorised), 5);
    assert_eq!(server.count(Closing::BadRequest), 2);
    let good = query(&server.token("ann"), &join_request());
    let (status, body) = server.get(&format!("/rtc/v1/validate?{good}")).await;
    assert_eq!((status, body.as_str()), (200, "success"));
    assert!(
        server.rooms.list_rooms(&[]).is_empty(),
        "validating joins nothing"
    );
    for path in ["/rtc", "/rtc/validate"] {
        assert_eq!(server.get(&format!("{path}?{good}")).await.0, 404);
    }
}

#[tokio::test]
async fn a_room_that_joins_do_not_make_is_not_found() {
    let settings = Settings {
        auto_create: false,
        ..Settings::default()
    };
    let server = Server::start_with(settings, DoorSettings::default()).await;
    let query = query(&server.token("ann"), &join_request());
    let (status, body) = server.get(&format!("/rtc/v1/validate?{query}")).await;
    // The words by which clients tell it from a path that is not served.
    assert_eq!(
        (status, body.as_str()),
        (404, "room: the requested room does not exist")
    );
    let mut refused = server.dial(&query).await.unwrap();
    let join_failure = (proto::DisconnectReason::JoinFailure, Action::Disconnect);
    assert_eq!(refused.left().await, join_failure);
    assert_eq!(refused.closed().await, (1013, "join_refused".into()));
}

#[tokio::test]
async fn junk_closes_its_own_socket_only() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;

    let (mut bob, _) = server.join("bob").await;
    bob.socket
        .send(Message::Binary(vec![0xff; 1_000_000].into()))
        .await
        .unwrap();
    assert_eq!(bob.closed().await, (1007, "undecodable".into()));
    let (mut bob, _) = server.join("bob").await;
    bob.socket
        .send(Message::Text("x".repeat(1_000_000).into()))
        .await
        .unwrap();
    assert_eq!(bob.closed().await, (1007, "undecodable".into()));

    let (bob, _) = server.join("bob").await;
    let (mut writer, mut reader) = bob.socket.split();
    let too_long = Message::Binary(vec![0; limits::MAX_MESSAGE + 1].into());
    let writing = tokio::spawn(async move { writer.send(too_long).await });
    loop {
        if let Message::Close(frame) = reader.next().await.unwrap().unwrap() {
            assert_eq!(u16::from(frame.unwrap().code), 1009);
            break;
        }
    }
    writing.abort();
    assert_eq!(server.count(Closing::Undecodable), 2);
    assert_eq!(server.count(Closing::MessageTooLong), 1);

    ann.ask(Ask::Ping(1)).await;
    loop {
        match ann.told().await {
            Told::Pong(_) => break,
            Told::Update(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_long_message_counts_as_several() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    let each = u32::try_from(limits::MAX_MESSAGE / limits::MESSAGE_UNIT).unwrap();
    let long = || {
        Ask::TrackSetting(proto::UpdateTrackSettings {
            track_sids: vec!["x".repeat(limits::MAX_MESSAGE - 64)],
            ..Default::default()
        })
    };
    for _ in 0..limits::MESSAGE_BURST / (each + 1) {
        ann.ask(long()).await;
    }
    ann.ask(Ask::Ping(1)).await;
    assert!(matches!(ann.told().await, Told::Pong(_)));
    let message = proto::SignalRequest {
        message: Some(long()),
    };
    let bytes = message.encode_to_vec();
    for _ in 0..20 {
        // The server may close before all is written.
        let _ = ann.socket.feed(Message::Binary(bytes.clone().into())).await;
    }
    let _ = ann.socket.flush().await;
    assert_eq!(ann.closed().await, (1013, "too_many_messages".into()));
}

#[tokio::test]
async fn too_many_messages_close_the_socket() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    for _ in 0..=limits::MESSAGE_BURST * 2 {
        ann.socket
            .feed(Message::Binary(Vec::new().into()))
            .await
            .unwrap();
    }
    // The server may close before all is written.
    let _ = ann.socket.flush().await;
    assert_eq!(ann.closed().await, (1013, "too_many_messages".into()));
    assert_eq!(server.count(Closing::TooManyMessages), 1);
}

#[tokio::test]
async fn every_end_of_a_session_is_told_with_its_reason() {
    use proto::DisconnectReason as Reason;
    let server = Server::start().await;
    let (mut first, _) = server.join("ann").await;
    let (mut ann, _) = server.join("ann").await;
    assert_eq!(
        first.left().await,
        (Reason::DuplicateIdentity, Action::Disconnect)
    );
    assert_eq!(first.closed().await, (1000, "session_ended".into()));

    server.rooms.remove_participant("kitchen", "ann").unwrap();
    assert_eq!(
        ann.left().await,
        (Reason::ParticipantRemoved, Action::Disconnect)
    );
    let (mut ann, _) = server.join("ann").await;
    server.rooms.delete_room("kitchen").unwrap();
    assert_eq!(ann.left().await, (Reason::RoomDeleted, Action::Disconnect));

    let (mut ann, _) = server.join("ann").await;
    let room = server.recorder.find(|command| match command {
        Command::AddParticipant { room, .. } => Some(*room),
        _ => None,
    });
    server.rooms.handle_event(
        0,
        Event::RoomFailed {
            room: room.unwrap(),
        },
    );
    assert_eq!(ann.left().await, (Reason::StateMismatch, Action::Reconnect));

    let (mut ann, _) = server.join("ann").await;
    server.rooms.shut_down();
    assert_eq!(
        ann.left().await,
        (Reason::ServerShutdown, Action::Disconnect)
    );
    let query = query(&server.token("ann"), &join_request());
    let mut late = server.dial(&query).await.unwrap();
    assert_eq!(late.left().await, (Reason::JoinFailure, Action::Disconnect));
}

#[tokio::test]
async fn a_session_that_is_not_there_any_more_is_joined_anew() {
    let server = Server::start().await;
    let request = proto::JoinRequest {
        reconnect: true,
        participant_sid: "PA_unknown".into(),
        ..join_request()
    };
    let mut ann = server
        .dial(&query(&server.token("ann"), &request))
        .await
        .unwrap();
    let mismatch = (proto::DisconnectReason::StateMismatch, Action::Reconnect);
    assert_eq!(ann.left().await, mismatch);
}

#[tokio::test]
async fn an_interrupted_socket_is_followed_by_another() {
    let server = Server::start().await;
    let (mut older, joined) = server.join("ann").await;
    let (_bob, _) = server.join("bob").await;
    let request = proto::JoinRequest {
        reconnect: true,
        participant_sid: joined.participant.unwrap().sid,
        ..join_request()
    };
    let mut ann = server
        .dial(&query(&server.token("ann"), &request))
        .await
        .unwrap();
    let Told::Reconnect(reconnect) = ann.told().await else {
        panic!()
    };
    assert_eq!(reconnect.server_info.unwrap().protocol, 17);
    let Told::Update(update) = ann.told().await else {
        panic!()
    };
    let now: Vec<_> = update
        .participants
        .iter()
        .map(|one| &one.identity)
        .collect();
    assert_eq!(now, ["bob", "ann"]);
    assert!(matches!(ann.told().await, Told::RoomUpdate(_)));
    assert_eq!(older.closed().await, (1000, "session_ended".into()));
    ann.ask(Ask::Ping(1)).await;
    assert!(matches!(ann.told().await, Told::Pong(_)));
    assert_eq!(server.rooms.list_participants("kitchen").unwrap().len(), 2);
}

/// Takes up the session `sid` of ann's, past its first messages.
async fn resume(server: &Server, sid: &str) -> (Client, Vec<Told>) {
    let request = proto::JoinRequest {
        reconnect: true,
        participant_sid: sid.into(),
        ..join_request()
    };
    let query = query(&server.token("ann"), &request);
    let mut ann = server.dial(&query).await.unwrap();
    let mut first = Vec::new();
    while !matches!(first.last(), Some(Told::RoomUpdate(_))) {
        first.push(ann.told().await);
    }
    (ann, first)
}

#[tokio::test]
async fn a_track_that_the_server_muted_meanwhile_is_told_before_the_rest() {
    let server = Server::start().await;
    let (mut ann, joined) = server.join("ann").await;
    ann.ask(Ask::AddTrack(microphone())).await;
    assert!(matches!(ann.told().await, Told::TrackPublished(_)));
    server.bind_newest_track();
    drop(ann);
    let sid = server.rooms.get_participant("kitchen", "ann").unwrap();
    let sid = sid.tracks[0].sid.clone();
    let muted = server.rooms.mute_track("kitchen", "ann", &sid, true);
    muted.unwrap();

    let (_ann, first) = resume(&server, &joined.participant.unwrap().sid).await;
    let [
        Told::Reconnect(_),
        Told::Mute(mute),
        Told::Update(update),
        Told::RoomUpdate(_),
    ] = first.as_slice()
    else {
        panic!("{first:?}")
    };
    assert!(mute.muted && mute.sid == sid);
    assert!(update.participants[0].tracks[0].muted);
}

#[tokio::test]
async fn a_client_that_resumes_says_again_what_was_lost() {
    let server = Server::start().await;
    let (mut bob, _) = server.join("bob").await;
    bob.ask(Ask::AddTrack(microphone())).await;
    assert!(matches!(bob.told().await, Told::TrackPublished(_)));
    server.bind_newest_track();
    let (ann, joined) = server.join("ann").await;
    drop(ann);
    let theirs = server.rooms.get_participant("kitchen", "bob").unwrap();
    let theirs = theirs.tracks[0].sid.clone();

    let (mut ann, _) = resume(&server, &joined.participant.unwrap().sid).await;
    let subscription = proto::UpdateSubscription {
        track_sids: vec![theirs.clone()],
        subscribe: false,
        ..Default::default()
    };
    ann.ask(Ask::SyncState(proto::SyncState {
        subscription: Some(subscription),
        track_sids_disabled: vec![theirs],
        ..Default::default()
    }))
    .await;
    ann.ask(Ask::Ping(1)).await;
    assert!(matches!(ann.told().await, Told::Pong(_)));
    let unsubscribed = server.recorder.find(|command| match command {
        Command::Unsubscribe { .. } => Some(()),
        _ => None,
    });
    assert!(unsubscribed.is_some());
}

#[tokio::test]
async fn a_client_whose_tracks_the_server_does_not_know_joins_anew() {
    let server = Server::start().await;
    let (ann, joined) = server.join("ann").await;
    drop(ann);
    let (mut ann, _) = resume(&server, &joined.participant.unwrap().sid).await;
    let track = proto::TrackInfo {
        sid: "TR_lost".into(),
        ..Default::default()
    };
    ann.ask(Ask::SyncState(proto::SyncState {
        publish_tracks: vec![proto::TrackPublishedResponse {
            cid: "mic".into(),
            track: Some(track),
        }],
        ..Default::default()
    }))
    .await;
    let mismatch = (proto::DisconnectReason::StateMismatch, Action::Reconnect);
    assert_eq!(ann.left().await, mismatch);
}

#[tokio::test]
async fn faults_are_simulated_in_development_only() {
    use proto::simulate_scenario::Scenario;
    let ask = |scenario| {
        let scenario = Some(scenario);
        Ask::Simulate(proto::SimulateScenario { scenario })
    };
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    ann.ask(ask(Scenario::ServerLeave(true))).await;
    ann.ask(Ask::Ping(1)).await;
    assert!(matches!(ann.told().await, Told::Pong(_)));

    let door = DoorSettings {
        simulation: true,
        ..DoorSettings::default()
    };
    let server = Server::start_with(Settings::default(), door).await;
    let (mut ann, _) = server.join("ann").await;
    ann.ask(ask(Scenario::ServerLeave(true))).await;
    let shutdown = (proto::DisconnectReason::ServerShutdown, Action::Disconnect);
    assert_eq!(ann.left().await, shutdown);
    let (mut ann, _) = server.join("ann").await;
    ann.ask(ask(Scenario::LeaveRequestFullReconnect(true)))
        .await;
    let mismatch = (proto::DisconnectReason::StateMismatch, Action::Reconnect);
    assert_eq!(ann.left().await, mismatch);
    let (mut ann, _) = server.join("ann").await;
    ann.ask(ask(Scenario::NodeFailure(true))).await;
    let Message::Close(_) = ann.socket.next().await.unwrap().unwrap() else {
        panic!("not a word")
    };
    assert!(
        server
            .rooms
            .list_participants("kitchen")
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn publishing_without_the_right_is_answered() {
    let server = Server::start().await;
    let video = VideoGrants {
        can_publish: Some(false),
        ..VideoGrants::join("kitchen")
    };
    let query = query(&server.token_with("ann", video), &join_request());
    let mut ann = server.dial(&query).await.unwrap();
    let permission = ann.joined().await.participant.unwrap().permission.unwrap();
    assert!(!permission.can_publish && permission.can_subscribe && !permission.can_publish_data);
    ann.ask(Ask::AddTrack(microphone())).await;
    let Told::RequestResponse(refused) = ann.told().await else {
        panic!()
    };
    assert_eq!(
        refused.reason(),
        proto::request_response::Reason::NotAllowed
    );
    assert_eq!(
        refused.message,
        "source: the token does not allow publishing it"
    );
    assert!(matches!(
        refused.request,
        Some(proto::request_response::Request::AddTrack(request)) if request.cid == "mic"
    ));
}

#[tokio::test]
async fn a_refused_first_offer_ends_the_session_and_a_later_one_does_not() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    ann.ask(Ask::Offer(offer(1, "junk"))).await;
    let Told::RequestResponse(refused) = ann.told().await else {
        panic!()
    };
    assert!(
        refused.message.starts_with("offer: "),
        "{}",
        refused.message
    );
    let join_failure = (proto::DisconnectReason::JoinFailure, Action::Disconnect);
    assert_eq!(ann.left().await, join_failure);

    let (mut ann, _) = server.join("ann").await;
    let participant = server
        .recorder
        .find(|command| match command {
            Command::AddParticipant { participant, .. } => Some(*participant),
            _ => None,
        })
        .unwrap();
    let answer = Event::Answer {
        participant,
        offer_id: 1,
        sdp: "v=0".into(),
        mids: Vec::new(),
    };
    server.rooms.handle_event(0, answer);
    assert!(matches!(ann.told().await, Told::Answer(_)));
    let refused = Event::OfferRefused {
        participant,
        offer_id: 2,
        error: OfferError::FingerprintChanged,
    };
    server.rooms.handle_event(0, refused);
    assert!(matches!(ann.told().await, Told::RequestResponse(_)));
    ann.ask(Ask::Ping(1)).await;
    assert!(matches!(ann.told().await, Told::Pong(_)));
}

#[tokio::test]
async fn sockets_of_one_address_are_bounded() {
    let door = DoorSettings {
        sockets_per_address: 1,
        ..DoorSettings::default()
    };
    let server = Server::start_with(Settings::default(), door).await;
    let (ann, _) = server.join("ann").await;
    let query = query(&server.token("bob"), &join_request());
    assert_eq!(
        server.dial(&query).await.err().unwrap().0,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(server.count(Closing::TooManySockets), 1);
    drop(ann);
    while server.door.open_sockets() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(server.dial(&query).await.is_ok());
}

#[tokio::test]
async fn a_client_that_leaves_is_gone_at_once() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    let (mut bob, _) = server.join("bob").await;
    ann.ask(Ask::Leave(proto::LeaveRequest::default())).await;
    let gone = bob.update().await;
    assert_eq!(gone.identity, "ann");
    assert_eq!(gone.state(), proto::participant_info::State::Disconnected);
    assert_eq!(server.rooms.list_participants("kitchen").unwrap().len(), 1);
}

/// The client's own buffers and the kernel's fill, then the session's, then it is over: nobody
/// else waits for it.
#[tokio::test]
async fn a_client_that_does_not_read_is_ended() {
    let server = Server::start().await;
    let (deaf, _) = server.join("deaf").await;
    let (mut ann, _) = server.join("ann").await;
    let ann_id = server.recorder.find(|command| match command {
        Command::AddParticipant { participant, .. } => Some(*participant),
        _ => None,
    });
    // Every fact about the deaf one's offers is told to nobody else.
    let deaf_id = sfu_core::id::ParticipantId(ann_id.unwrap().0 - 1);
    let big = "x".repeat(64 * 1024);
    while server.rooms.list_participants("kitchen").unwrap().len() == 2 {
        let answer = Event::Answer {
            participant: deaf_id,
            offer_id: 1,
            sdp: big.clone(),
            mids: Vec::new(),
        };
        server.rooms.handle_event(0, answer);
        tokio::task::yield_now().await;
    }
    let gone = ann.update().await;
    assert_eq!(
        (gone.identity.as_str(), gone.disconnect_reason()),
        ("deaf", proto::DisconnectReason::SignalClose)
    );
    while server.count(Closing::NotReading) == 0 {
        tokio::task::yield_now().await;
    }
    drop(deaf);
}

#[tokio::test]
async fn a_silent_client_is_closed_and_may_come_back() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    tokio::time::pause();
    let silence = tokio::time::Instant::now();
    assert_eq!(ann.closed().await, (1002, "silent".into()));
    assert!(silence.elapsed() >= limits::SILENCE);
    assert_eq!(server.rooms.list_participants("kitchen").unwrap().len(), 1);
    let gone = tokio::time::Instant::now() + crate::rooms::limits::GONE_AFTER;
    server.rooms.sweep(gone + Duration::from_secs(1));
    assert!(
        server
            .rooms
            .list_participants("kitchen")
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_data_packet_goes_to_the_others_and_its_number_is_told_on_resume() {
    let server = Server::start().await;
    let newest = || {
        let found = server.recorder.find(|command| match command {
            Command::AddParticipant { participant, .. } => Some(*participant),
            _ => None,
        });
        found.unwrap()
    };
    let (ann, joined) = server.join("ann").await;
    let ann_id = newest();
    let (_bob, _) = server.join("bob").await;
    let bob_id = newest();
    let reliable = sfu_core::id::DataLabel::from("_reliable").unwrap();
    let opened = Event::DataChannelOpened {
        participant: bob_id,
        label: reliable,
    };
    server.rooms.handle_event(0, opened);
    let packet = proto::DataPacket {
        sequence: 3,
        participant_identity: "bob".into(),
        value: Some(proto::data_packet::Value::ChatMessage(proto::ChatMessage {
            message: "hello".into(),
            ..Default::default()
        })),
        ..Default::default()
    };
    let received = Event::DataReceived {
        participant: ann_id,
        label: reliable,
        payload: packet.encode_to_vec(),
    };
    server.rooms.handle_event(0, received);
    let sid = joined.participant.unwrap().sid;
    let sent = server.recorder.find(|command| match command {
        Command::SendData {
            recipients,
            payload,
            ..
        } if *recipients == [bob_id] => proto::DataPacket::decode(&**payload).ok(),
        _ => None,
    });
    let expected = proto::DataPacket {
        participant_identity: "ann".into(),
        participant_sid: sid.clone(),
        ..packet
    };
    assert_eq!(sent, Some(expected));

    drop(ann);
    let resume = proto::JoinRequest {
        reconnect: true,
        participant_sid: sid,
        ..join_request()
    };
    let query = query(&server.token("ann"), &resume);
    let Told::Reconnect(resumed) = server.dial(&query).await.unwrap().told().await else {
        panic!()
    };
    assert_eq!(resumed.last_message_seq, 3);
}

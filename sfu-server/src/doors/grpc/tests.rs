//! A generated client over loopback against the real door and real rooms.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sfu_control_proto::v1;
use sfu_control_proto::v1::room_service_client::RoomServiceClient;
use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::media::codec::MediaKind;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus as Health};
use tonic_types::StatusExt;

use super::*;
use crate::auth::VideoGrants;
use crate::doors::recording::{self, Recording, keys, token};
use crate::rooms::{LeaveReason, NewTrack, Notice, SessionHandle, TrackSource};
use crate::shutdown::Latch;

mod changes;
mod explaining;
mod limits;
mod recording_adaptation;
mod watching;

struct Served {
    client: RoomServiceClient<Channel>,
    channel: Channel,
    rooms: Rooms,
    workers: Arc<Recording>,
    health: HealthReporter,
    calls: Calls,
    uri: String,
    stop: Latch,
    door: JoinHandle<()>,
}

async fn serve() -> Served {
    let (rooms, workers) = recording::rooms();
    let health = HealthReporter::new();
    set_serving(&health, true).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let stop = Latch::default();
    let calls = calls();
    let door = GrpcDoor {
        rooms: rooms.clone(),
        keys: keys(),
        health: health.clone(),
        calls: calls.clone(),
    };
    let until = stop.clone();
    let door = tokio::spawn(async move {
        door.serve(listener, async move { until.wait().await })
            .await
            .unwrap();
    });
    let channel = Channel::from_shared(uri.clone())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let client = RoomServiceClient::new(channel.clone());
    Served {
        client,
        channel,
        rooms,
        workers,
        health,
        calls,
        uri,
        stop,
        door,
    }
}

fn with<T>(grants: VideoGrants, message: T) -> Request<T> {
    bearing(&token(grants), message)
}

fn bearing<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

fn create() -> VideoGrants {
    VideoGrants {
        room_create: true,
        ..VideoGrants::default()
    }
}

fn list() -> VideoGrants {
    VideoGrants {
        room_list: true,
        ..VideoGrants::default()
    }
}

fn admin(room: &str) -> VideoGrants {
    VideoGrants {
        room_admin: true,
        room: room.to_owned(),
        ..VideoGrants::default()
    }
}

const NEGATIVE: Option<prost_types::Duration> = Some(prost_types::Duration {
    seconds: -1,
    nanos: 0,
});

fn long(length: usize) -> String {
    "x".repeat(length)
}

/// The code and the reason for programs.
fn refusal<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.unwrap_err();
    let info = status
        .get_details_error_info()
        .expect("every refusal has its ErrorInfo");
    assert_eq!(info.domain, status::DOMAIN);
    (status.code(), info.reason)
}

/// The one field that a refusal blames, in the details and in the sentence.
fn blamed<T: std::fmt::Debug>(result: Result<T, Status>) -> String {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let request = status
        .get_details_bad_request()
        .expect("the details name the field");
    let [violation] = request.field_violations.try_into().unwrap();
    assert!(status.message().contains(&violation.field), "{status:?}");
    assert!(!violation.description.is_empty());
    violation.field
}

fn a_room(name: &str) -> v1::CreateRoomRequest {
    v1::CreateRoomRequest {
        name: name.to_owned(),
        ..Default::default()
    }
}

fn participants_of(room: &str) -> v1::ListParticipantsRequest {
    v1::ListParticipantsRequest {
        room: room.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_room_lives_from_its_making_to_its_end() {
    let mut served = serve().await;
    let asked = v1::CreateRoomRequest {
        name: "kitchen".to_owned(),
        empty_timeout: Some(prost_types::Duration {
            seconds: 90,
            nanos: 0,
        }),
        max_participants: 7,
        metadata: "red".to_owned(),
        ..Default::default()
    };
    let made = served
        .client
        .create_room(with(create(), asked))
        .await
        .unwrap();
    let made = made.into_inner().room.unwrap();
    assert_eq!(
        (made.name.as_str(), made.metadata.as_str()),
        ("kitchen", "red")
    );
    assert!(made.sid.starts_with("RM_"));
    assert_eq!((made.max_participants, made.num_participants), (7, 0));
    assert_eq!(made.empty_timeout.unwrap().seconds, 90);
    assert_eq!(made.departure_timeout.unwrap().seconds, 20);
    assert!(made.creation_time.is_some());

    // Made again, it is the same.
    let again = served
        .client
        .create_room(with(create(), a_room("kitchen")))
        .await
        .unwrap();
    assert_eq!(again.into_inner().room.unwrap(), made);

    let mut ann = recording::join(&served.rooms, "kitchen", "ann");
    let _bob = recording::join(&served.rooms, "kitchen", "bob");
    let got = v1::GetRoomRequest {
        room: "kitchen".to_owned(),
    };
    let got = served
        .client
        .get_room(with(admin("kitchen"), got))
        .await
        .unwrap();
    assert_eq!(got.into_inner().room.unwrap().num_participants, 2);
    let listed = served
        .client
        .list_rooms(with(list(), v1::ListRoomsRequest::default()))
        .await;
    let listed = listed.unwrap().into_inner();
    assert_eq!(
        (listed.rooms.len(), listed.next_page_token.as_str()),
        (1, "")
    );

    let gone = v1::DeleteRoomRequest {
        room: "kitchen".to_owned(),
    };
    served
        .client
        .delete_room(with(create(), gone))
        .await
        .unwrap();
    let told = std::iter::from_fn(|| ann.notices.next_waiting()).last();
    let ended = matches!(
        told,
        Some(Notice::Leave {
            reason: LeaveReason::RoomDeleted
        })
    );
    assert!(ended, "{told:?}");
    assert!(served.rooms.list_rooms(&[]).is_empty());
}

/// Announces a muted camera and lets the engine say that its section is agreed on.
fn publish_camera(served: &Served, session: &SessionHandle) {
    let track = NewTrack {
        cid: "cam".to_owned(),
        kind: MediaKind::Video,
        source: TrackSource::Camera,
        name: "front".to_owned(),
        stream: String::new(),
        muted: true,
        width: 0,
        height: 0,
        layers: Vec::new(),
        stereo: false,
        disable_dtx: false,
        traits: crate::rooms::TrackTraits::default(),
        disable_red: false,
        codec: None,
        backup: None,
        backup_of: String::new(),
    };
    session.add_track(track).unwrap();
    let announced = served
        .workers
        .commands()
        .into_iter()
        .find_map(|command| match command {
            Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
            _ => None,
        });
    let mid = "0".try_into().unwrap();
    served.rooms.handle_event(
        0,
        Event::TrackBound {
            track: announced.unwrap(),
            mid,
        },
    );
}

#[tokio::test]
async fn participants_are_listed_whole_and_can_be_removed() {
    let mut served = serve().await;
    let mut ann = recording::join(&served.rooms, "kitchen", "ann");
    publish_camera(&served, &ann.session);

    let listed = served
        .client
        .list_participants(with(admin("kitchen"), participants_of("kitchen")));
    let [one] = listed
        .await
        .unwrap()
        .into_inner()
        .participants
        .try_into()
        .unwrap();
    assert_eq!((one.identity.as_str(), one.name.as_str()), ("ann", "ANN"));
    assert_eq!(
        (one.metadata.as_str(), one.attributes["colour"].as_str()),
        ("about ann", "blue")
    );
    assert_eq!(one.state(), v1::ParticipantState::Joined);
    assert!(one.sid.starts_with("PA_") && one.joined_at.is_some() && one.is_publisher);
    let permission = one.permission.unwrap();
    assert_eq!(
        (permission.can_publish, permission.hidden),
        (Some(true), Some(false))
    );
    let [track] = one.tracks.try_into().unwrap();
    assert!(track.sid.starts_with("TR_") && track.muted);
    assert_eq!(
        (track.kind(), track.source()),
        (v1::TrackKind::Video, v1::TrackSource::Camera)
    );
    assert_eq!(track.name, "front");

    let removed = v1::RemoveParticipantRequest {
        room: "kitchen".into(),
        identity: "ann".into(),
    };
    served
        .client
        .remove_participant(with(admin("kitchen"), removed.clone()))
        .await
        .unwrap();
    let told = std::iter::from_fn(|| ann.notices.next_waiting()).last();
    assert!(matches!(
        told,
        Some(Notice::Leave {
            reason: LeaveReason::ParticipantRemoved
        })
    ));
    let again = served
        .client
        .remove_participant(with(admin("kitchen"), removed))
        .await;
    assert_eq!(
        refusal(again),
        (Code::NotFound, "PARTICIPANT_NOT_FOUND".to_owned())
    );
}

#[tokio::test]
async fn lists_come_page_by_page() {
    let mut served = serve().await;
    for name in ["a", "b", "c", "d", "e"] {
        served
            .client
            .create_room(with(create(), a_room(name)))
            .await
            .unwrap();
    }
    let mut names = Vec::new();
    let mut pages = 0;
    let mut page_token = String::new();
    loop {
        let ask = v1::ListRoomsRequest {
            page_size: 2,
            page_token,
            names: Vec::new(),
        };
        let page = served
            .client
            .list_rooms(with(list(), ask))
            .await
            .unwrap()
            .into_inner();
        assert!(page.rooms.len() <= 2);
        names.extend(page.rooms.into_iter().map(|room| room.name));
        pages += 1;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        // A room that ends between two pages does not disturb the others.
        let _ = served.rooms.delete_room("b");
    }
    assert_eq!((names.concat().as_str(), pages), ("abcde", 3));
    let ask = v1::ListRoomsRequest {
        names: vec!["c".into(), "x".into()],
        ..Default::default()
    };
    let some = served
        .client
        .list_rooms(with(list(), ask))
        .await
        .unwrap()
        .into_inner()
        .rooms;
    assert_eq!(some.len(), 1);
}

#[tokio::test]
async fn participants_come_page_by_page_in_the_order_of_their_arrival() {
    let mut served = serve().await;
    let _here: Vec<_> = ["p", "q", "r"]
        .map(|who| recording::join(&served.rooms, "a", who))
        .into();
    let ask = v1::ListParticipantsRequest {
        page_size: 2,
        ..participants_of("a")
    };
    let first = served
        .client
        .list_participants(with(admin("a"), ask))
        .await
        .unwrap()
        .into_inner();
    let page_token = first.next_page_token;
    let ask = v1::ListParticipantsRequest {
        page_size: 2,
        page_token,
        ..participants_of("a")
    };
    let second = served
        .client
        .list_participants(with(admin("a"), ask))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (first.participants.len(), second.participants.len()),
        (2, 1)
    );
    assert!(second.next_page_token.is_empty());
    let identities: Vec<_> = first
        .participants
        .into_iter()
        .chain(second.participants)
        .map(|one| one.identity)
        .collect();
    assert_eq!(identities.concat(), "pqr");
}

#[tokio::test]
async fn a_join_token_says_what_was_asked_for() {
    let mut served = serve().await;
    let asked = v1::CreateJoinTokenRequest {
        room: "kitchen".into(),
        identity: "ann".into(),
        name: "Ann".into(),
        ttl: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        permission: Some(v1::ParticipantPermission {
            can_publish: Some(false),
            can_publish_sources: vec![v1::TrackSource::Microphone.into()],
            hidden: Some(true),
            ..Default::default()
        }),
        metadata: "m".into(),
        attributes: [("a".to_owned(), "b".to_owned())].into(),
    };
    let answer = served
        .client
        .create_join_token(with(admin("kitchen"), asked))
        .await
        .unwrap();
    let answer = answer.into_inner();
    let claims = keys().verify(&answer.token).unwrap();
    assert_eq!(claims.join_room(None).unwrap(), "kitchen");
    assert_eq!((claims.sub.as_str(), claims.name.as_str()), ("ann", "Ann"));
    assert_eq!(
        (claims.metadata.as_str(), claims.attributes["a"].as_str()),
        ("m", "b")
    );
    let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(claims.exp.unwrap());
    assert_eq!(
        SystemTime::try_from(answer.expires_at.unwrap()).unwrap(),
        expires
    );
    assert!(expires <= SystemTime::now() + Duration::from_secs(60));
    let video = claims.video;
    assert_eq!(
        (video.can_publish, video.can_subscribe),
        (Some(false), None)
    );
    assert_eq!((video.can_publish_data, video.hidden), (Some(true), true));
    assert_eq!(video.can_publish_sources, ["microphone"]);
    assert!(!video.room_admin && !video.room_create && !video.room_list);
}

#[tokio::test]
async fn without_a_good_token_nothing_is_told() {
    let mut served = serve().await;
    let unknown = (Code::Unauthenticated, "TOKEN_INVALID".to_owned());
    let none = served
        .client
        .list_rooms(Request::new(v1::ListRoomsRequest::default()))
        .await;
    assert_eq!(refusal(none), unknown);
    for wrong in ["", "x", "a.b.c"] {
        let request = bearing(wrong, v1::ListRoomsRequest::default());
        assert_eq!(refusal(served.client.list_rooms(request).await), unknown);
    }
    let mut basic = Request::new(v1::ListRoomsRequest::default());
    basic
        .metadata_mut()
        .insert("authorization", "Basic a2V5OnNlY3JldA==".parse().unwrap());
    assert_eq!(refusal(served.client.list_rooms(basic).await), unknown);
    // The scheme's case does not count.
    let mut lower = Request::new(v1::ListRoomsRequest::default());
    let value = format!("bearer {}", token(list())).parse().unwrap();
    lower.metadata_mut().insert("authorization", value);
    served.client.list_rooms(lower).await.unwrap();
}

#[tokio::test]
async fn each_call_needs_its_own_grant() {
    let mut served = serve().await;
    served
        .client
        .create_room(with(create(), a_room("kitchen")))
        .await
        .unwrap();
    let denied = (Code::PermissionDenied, "GRANT_MISSING".to_owned());
    let client = &mut served.client;
    let room = || "kitchen".to_owned();
    // The widest token that still lacks the one right.
    let but_create = VideoGrants {
        room_list: true,
        ..admin("kitchen")
    };
    let but_list = VideoGrants {
        room_create: true,
        ..admin("cellar")
    };
    let but_admin = VideoGrants {
        room_create: true,
        ..VideoGrants::join("kitchen")
    };

    let request = with(but_create.clone(), a_room("cellar"));
    assert_eq!(refusal(client.create_room(request).await), denied);
    let request = with(but_create, v1::DeleteRoomRequest { room: room() });
    assert_eq!(refusal(client.delete_room(request).await), denied);
    let request = with(but_list.clone(), v1::ListRoomsRequest::default());
    assert_eq!(refusal(client.list_rooms(request).await), denied);
    let request = with(but_list.clone(), v1::GetRoomRequest { room: room() });
    assert_eq!(refusal(client.get_room(request).await), denied);
    for grants in [but_list, but_admin] {
        let request = with(grants.clone(), participants_of("kitchen"));
        assert_eq!(refusal(client.list_participants(request).await), denied);
        let who = v1::RemoveParticipantRequest {
            room: room(),
            identity: "ann".into(),
        };
        assert_eq!(
            refusal(client.remove_participant(with(grants.clone(), who)).await),
            denied
        );
        let who = v1::CreateJoinTokenRequest {
            room: room(),
            identity: "ann".into(),
            ..Default::default()
        };
        assert_eq!(
            refusal(client.create_join_token(with(grants, who)).await),
            denied
        );
    }
    assert_eq!(served.rooms.list_rooms(&[]).len(), 1);
}

#[tokio::test]
async fn a_bad_field_is_named() {
    let mut served = serve().await;
    let client = &mut served.client;
    for (request, field) in [
        (a_room(""), "name"),
        (a_room(&long(257)), "name"),
        (a_room("a\nb"), "name"),
        (
            v1::CreateRoomRequest {
                metadata: long(16_385),
                ..a_room("a")
            },
            "metadata",
        ),
        (
            v1::CreateRoomRequest {
                empty_timeout: NEGATIVE,
                ..a_room("a")
            },
            "empty_timeout",
        ),
        (
            v1::CreateRoomRequest {
                departure_timeout: NEGATIVE,
                ..a_room("a")
            },
            "departure_timeout",
        ),
    ] {
        assert_eq!(
            blamed(client.create_room(with(create(), request)).await),
            field
        );
    }
    assert!(served.rooms.list_rooms(&[]).is_empty());
}

#[tokio::test]
async fn a_bad_reference_or_page_is_named() {
    let mut served = serve().await;
    let client = &mut served.client;
    let request = with(
        list(),
        v1::GetRoomRequest {
            room: String::new(),
        },
    );
    assert_eq!(blamed(client.get_room(request).await), "room");
    let request = with(
        create(),
        v1::DeleteRoomRequest {
            room: String::new(),
        },
    );
    assert_eq!(blamed(client.delete_room(request).await), "room");
    let ask = v1::ListRoomsRequest {
        page_size: -1,
        ..Default::default()
    };
    assert_eq!(
        blamed(client.list_rooms(with(list(), ask)).await),
        "page_size"
    );
    for foreign in ["!", "////", &long(600)] {
        let ask = v1::ListRoomsRequest {
            page_token: foreign.to_owned(),
            ..Default::default()
        };
        assert_eq!(
            blamed(client.list_rooms(with(list(), ask)).await),
            "page_token"
        );
    }
    let ask = v1::ListRoomsRequest {
        names: vec!["x".into(); 101],
        ..Default::default()
    };
    assert_eq!(blamed(client.list_rooms(with(list(), ask)).await), "names");
    let who = v1::RemoveParticipantRequest {
        room: "a".into(),
        identity: String::new(),
    };
    assert_eq!(
        blamed(client.remove_participant(with(admin("a"), who)).await),
        "identity"
    );
}

#[tokio::test]
async fn a_bad_field_of_a_join_token_is_named() {
    let mut served = serve().await;
    let mut good = v1::CreateJoinTokenRequest::default();
    (good.room, good.identity) = ("a".to_owned(), "ann".to_owned());
    type Spoil = fn(&mut v1::CreateJoinTokenRequest);
    let cases: [(Spoil, &str); 9] = [
        (|bad| bad.room = String::new(), "room"),
        (|bad| bad.identity = String::new(), "identity"),
        (|bad| bad.identity = long(257), "identity"),
        (|bad| bad.name = long(257), "name"),
        (|bad| bad.metadata = long(16_385), "metadata"),
        (
            |bad| drop(bad.attributes.insert("k".into(), long(16_384))),
            "attributes",
        ),
        (|bad| bad.ttl = NEGATIVE, "ttl"),
        (
            |bad| bad.ttl = Some(prost_types::Duration::default()),
            "ttl",
        ),
        (
            // Skipped as unknown, it would leave the empty list, which allows everything.
            |bad| bad.permission.get_or_insert_default().can_publish_sources = vec![99],
            "permission.can_publish_sources",
        ),
    ];
    for (spoil, field) in cases {
        let mut request = good.clone();
        spoil(&mut request);
        let request = with(admin("a"), request);
        assert_eq!(
            blamed(served.client.create_join_token(request).await),
            field
        );
    }
    let request = with(admin("a"), good);
    served.client.create_join_token(request).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let mut served = serve().await;
    let client = &mut served.client;
    let nothing = (Code::NotFound, "ROOM_NOT_FOUND".to_owned());
    let room = || "attic".to_owned();
    let request = with(list(), v1::GetRoomRequest { room: room() });
    assert_eq!(refusal(client.get_room(request).await), nothing);
    let request = with(create(), v1::DeleteRoomRequest { room: room() });
    assert_eq!(refusal(client.delete_room(request).await), nothing);
    let request = with(admin("attic"), participants_of("attic"));
    assert_eq!(refusal(client.list_participants(request).await), nothing);
    let who = v1::RemoveParticipantRequest {
        room: room(),
        identity: "ann".into(),
    };
    assert_eq!(
        refusal(client.remove_participant(with(admin("attic"), who)).await),
        nothing
    );
}

#[tokio::test]
async fn a_message_larger_than_any_legal_one_is_refused_unread() {
    let mut served = serve().await;
    let request = v1::CreateRoomRequest {
        metadata: "x".repeat(MAX_REQUEST),
        ..a_room("a")
    };
    let status = served
        .client
        .create_room(with(create(), request))
        .await
        .unwrap_err();
    let expected = (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned());
    assert_eq!(refusal(Err::<(), _>(status)), expected);
}

#[tokio::test]
async fn health_follows_the_server_and_needs_no_token() {
    let served = serve().await;
    let mut health = HealthClient::new(served.channel.clone());
    let names = ["", "sfu.control.v1.RoomService"];
    for name in names {
        let ask = HealthCheckRequest {
            service: name.to_owned(),
        };
        let answer = health.check(ask).await.unwrap().into_inner();
        assert_eq!(answer.status(), Health::Serving, "{name:?}");
    }
    let ask = HealthCheckRequest {
        service: "unheard.Of".to_owned(),
    };
    assert_eq!(health.check(ask).await.unwrap_err().code(), Code::NotFound);
    let watch = HealthCheckRequest {
        service: String::new(),
    };
    let mut watched = health.watch(watch).await.unwrap().into_inner();
    assert_eq!(
        watched.message().await.unwrap().unwrap().status(),
        Health::Serving
    );

    set_serving(&served.health, false).await;
    assert_eq!(
        watched.message().await.unwrap().unwrap().status(),
        Health::NotServing
    );
    for name in names {
        let ask = HealthCheckRequest {
            service: name.to_owned(),
        };
        let answer = health.check(ask).await.unwrap().into_inner();
        assert_eq!(answer.status(), Health::NotServing, "{name:?}");
    }
}

#[tokio::test]
async fn reflection_tells_of_all_services() {
    use tonic_reflection::pb::v1 as reflection;
    use tonic_reflection::pb::v1alpha as older;

    let served = serve().await;
    let mut client =
        reflection::server_reflection_client::ServerReflectionClient::new(served.channel.clone());
    let ask = |message| reflection::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message),
    };
    use reflection::server_reflection_request::MessageRequest;
    use reflection::server_reflection_response::MessageResponse;
    let asked = tokio_stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "sfu.control.v1.RoomService".into(),
        )),
    ]);
    let mut answers = client
        .server_reflection_info(asked)
        .await
        .unwrap()
        .into_inner();
    let first = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(services)) = first else {
        panic!("not a list: {first:?}")
    };
    let names: BTreeSet<_> = services
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for name in ["sfu.control.v1.RoomService", "grpc.health.v1.Health"] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    let second = answers.message().await.unwrap().unwrap().message_response;
    let found = matches!(&second, Some(MessageResponse::FileDescriptorResponse(files))
        if !files.file_descriptor_proto.is_empty());
    assert!(found, "{second:?}");

    let mut client =
        older::server_reflection_client::ServerReflectionClient::new(served.channel.clone());
    let asked = tokio_stream::iter([older::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            older::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
    }]);
    let mut answers = client
        .server_reflection_info(asked)
        .await
        .unwrap()
        .into_inner();
    assert!(answers.message().await.unwrap().is_some());
}

#[tokio::test]
async fn the_door_closes_when_told() {
    let Served {
        client,
        channel,
        stop,
        door,
        ..
    } = serve().await;
    stop.set();
    drop((client, channel));
    door.await.unwrap();
}

//! Watching a room through the door.

use std::time::Instant;

use tonic::Streaming;
use v1::watch_room_response::Event as Told;

use super::*;

type Watching = Streaming<v1::WatchRoomResponse>;

pub(super) fn watch_of(room: &str) -> v1::WatchRoomRequest {
    v1::WatchRoomRequest {
        room: room.to_owned(),
        ..Default::default()
    }
}

impl Served {
    pub(super) async fn watch(&self, request: v1::WatchRoomRequest) -> Result<Watching, Status> {
        let room = request.room.clone();
        let mut client = self.client.clone();
        let watching = client.watch_room(with(admin(&room), request)).await?;
        Ok(watching.into_inner())
    }

    /// Waits for a fact about the rooms, as long as it takes a busy machine.
    pub(super) async fn eventually(&self, fact: impl Fn(&Rooms) -> bool) {
        let begun = Instant::now();
        while !fact(&self.rooms) {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "it never came to be"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(super) async fn next(watching: &mut Watching) -> (u64, Told) {
    let message = watching
        .message()
        .await
        .unwrap()
        .expect("the watch goes on");
    assert!(message.event_time.is_some());
    (message.sequence, message.event.expect("an event"))
}

fn who(participant: Option<v1::Participant>) -> String {
    participant.unwrap().identity
}

fn publisher(of: Option<v1::ParticipantRef>, track: Option<v1::Track>) -> String {
    let (of, track) = (of.unwrap(), track.unwrap());
    assert!(of.sid.starts_with("PA_") && track.sid.starts_with("TR_"));
    format!("{}'s {} {}", of.identity, track.name, track.muted)
}

fn words(told: Told) -> String {
    match told {
        Told::Snapshot(snapshot) => format!("snapshot of {}", snapshot.participants.len()),
        Told::Resumed(_) => "resumed".to_owned(),
        Told::ParticipantJoined(one) => format!("{} joined", who(one.participant)),
        Told::ParticipantActive(one) => format!("{} active", who(one.participant)),
        Told::ParticipantUpdated(one) => format!("{} updated", who(one.participant)),
        Told::ParticipantLeft(one) => {
            let reason = one.reason();
            format!("{} left {}", who(one.participant), reason.as_str_name())
        }
        Told::TrackPublished(one) => format!("{} published", publisher(one.participant, one.track)),
        Told::TrackMuted(one) => format!("{} muted", publisher(one.participant, one.track)),
        Told::TrackUnmuted(one) => format!("{} unmuted", publisher(one.participant, one.track)),
        Told::TrackUnpublished(one) => format!("{} over", publisher(one.participant, one.track)),
        Told::SpeakersChanged(one) => format!("{} speak", one.speakers.len()),
        Told::RoomUpdated(one) => format!("room {}", one.room.unwrap().metadata),
        Told::RoomEnded(one) => format!("ended {}", one.reason().as_str_name()),
    }
}

#[tokio::test]
async fn a_watcher_is_told_of_a_call_in_order_and_without_a_gap() {
    let served = serve().await;
    let _host = recording::join(&served.rooms, "kitchen", "host");
    let mut watching = served.watch(watch_of("kitchen")).await.unwrap();
    let (first, snapshot) = next(&mut watching).await;
    let Told::Snapshot(snapshot) = snapshot else {
        panic!("not a snapshot: {snapshot:?}")
    };
    assert!(snapshot.complete && snapshot.room.unwrap().sid.starts_with("RM_"));
    assert_eq!((first, snapshot.participants.len()), (1, 1));

    let ann = recording::join(&served.rooms, "kitchen", "ann");
    publish_camera(&served, &ann.session);
    let sid = served
        .rooms
        .get_participant("kitchen", "ann")
        .unwrap()
        .tracks[0]
        .sid
        .clone();
    for muted in [false, true] {
        ann.session.mute(&sid, muted).unwrap();
    }
    let text = v1::UpdateRoomRequest {
        room: "kitchen".into(),
        metadata: Some("tea".into()),
    };
    served
        .client
        .clone()
        .update_room(with(admin("kitchen"), text))
        .await
        .unwrap();
    ann.session.leave();
    served.rooms.delete_room("kitchen").unwrap();
    let expected = [
        "ann joined",
        "ann's front true published",
        "ann's front false unmuted",
        "ann's front true muted",
        "room tea",
        "ann's front true over",
        "ann left LEAVE_REASON_CLIENT_INITIATED",
        "ended LEAVE_REASON_ROOM_DELETED",
    ];
    for (number, expected) in (first + 1..).zip(expected) {
        let (sequence, told) = next(&mut watching).await;
        assert_eq!((sequence, words(told).as_str()), (number, expected));
    }
    assert!(
        watching.message().await.unwrap().is_none(),
        "the stream ends with OK"
    );
}

#[tokio::test]
async fn a_watch_needs_its_grant_its_room_and_good_fields() {
    let served = serve().await;
    let ask = |request| served.watch(request);
    let nothing = (Code::NotFound, "ROOM_NOT_FOUND".to_owned());
    assert_eq!(refusal(ask(watch_of("attic")).await), nothing);
    assert_eq!(blamed(ask(watch_of("")).await), "room");
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let sid = served.rooms.get_room("kitchen").unwrap().sid;
    let after = |after, room_sid: &str| v1::WatchRoomRequest {
        after_sequence: Some(after),
        room_sid: room_sid.to_owned(),
        ..watch_of("kitchen")
    };
    assert_eq!(blamed(ask(after(1, "")).await), "room_sid");
    assert_eq!(blamed(ask(after(2, &sid)).await), "after_sequence");
    let request = with(admin("attic"), watch_of("kitchen"));
    let refused = served.client.clone().watch_room(request).await;
    let denied = (Code::PermissionDenied, "GRANT_MISSING".to_owned());
    assert_eq!(refusal(refused), denied);
    assert_eq!(served.rooms.watchers(), 0);
}

#[tokio::test]
async fn a_watch_that_was_cut_off_is_resumed() {
    let served = serve().await;
    let ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut watching = served.watch(watch_of("kitchen")).await.unwrap();
    let (sequence, told) = next(&mut watching).await;
    let Told::Snapshot(v1::RoomSnapshot { room, .. }) = told else {
        panic!("not a snapshot: {told:?}")
    };
    drop(watching);
    served.eventually(|rooms| rooms.watchers() == 0).await;
    ann.session.leave();
    let resume = |room_sid: &str| v1::WatchRoomRequest {
        after_sequence: Some(sequence),
        room_sid: room_sid.to_owned(),
        ..watch_of("kitchen")
    };
    let mut watching = served.watch(resume(&room.unwrap().sid)).await.unwrap();
    let (number, told) = next(&mut watching).await;
    assert_eq!((number, words(told).as_str()), (sequence, "resumed"));
    let (number, told) = next(&mut watching).await;
    assert_eq!(number, sequence + 1);
    assert_eq!(words(told), "ann left LEAVE_REASON_CLIENT_INITIATED");
    // Of another life of the room there is nothing to go on from.
    let mut watching = served.watch(resume("RM_other")).await.unwrap();
    assert_eq!(words(next(&mut watching).await.1), "snapshot of 0");
}

#[tokio::test]
async fn a_watch_ends_at_its_caller_s_deadline() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut request = with(admin("kitchen"), watch_of("kitchen"));
    let deadline = Duration::from_secs(2);
    request.set_timeout(deadline);
    let begun = Instant::now();
    let watching = served.client.clone().watch_room(request).await;
    let mut watching = watching.unwrap().into_inner();
    assert!(matches!(next(&mut watching).await, (1, Told::Snapshot(_))));
    let expected = (Code::DeadlineExceeded, "DEADLINE_PASSED".to_owned());
    assert_eq!(refusal(watching.message().await), expected);
    assert!(begun.elapsed() >= deadline);
    served.eventually(|rooms| rooms.watchers() == 0).await;
}

#[tokio::test]
async fn who_does_not_read_is_ended_and_the_room_goes_on() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut watching = served.watch(watch_of("kitchen")).await.unwrap();
    let large = "x".repeat(16_000);
    // More than the log, and both sides' buffers, hold together.
    for round in 0..2_000 {
        let text = format!("{round}{large}");
        served.rooms.update_room_metadata("kitchen", &text).unwrap();
        tokio::task::yield_now().await;
    }
    served.eventually(|rooms| rooms.watchers() == 0).await;
    let mut expected = 1;
    let ended = loop {
        match watching.message().await {
            Ok(Some(message)) => assert_eq!(message.sequence, expected, "a gap"),
            Ok(None) => panic!("the watch ended as if all were told"),
            Err(status) => break status,
        }
        expected += 1;
    };
    assert!(expected < 2_000);
    let slow = (Code::ResourceExhausted, "WATCHER_TOO_SLOW".to_owned());
    assert_eq!(refusal(Err::<(), _>(ended)), slow);
}

#[tokio::test]
async fn a_large_room_s_snapshot_comes_in_parts() {
    let served = serve().await;
    let mut here = Vec::new();
    for number in 0..200_u8 {
        let mut params = recording::params("kitchen", &format!("guest {number}"));
        params.metadata = long(16_000);
        params.attributes = [("k".to_owned(), long(16_000))].into();
        params.address = [10, 0, 0, number].into();
        here.push(served.rooms.join(&params).unwrap());
    }
    let mut watching = served.watch(watch_of("kitchen")).await.unwrap();
    let (mut parts, mut identities) = (0, Vec::new());
    loop {
        // Each is smaller than the 4 MiB that this client takes.
        let (sequence, told) = next(&mut watching).await;
        let Told::Snapshot(part) = told else {
            panic!("not a snapshot: {told:?}")
        };
        assert_eq!((sequence, part.room.unwrap().num_participants), (200, 200));
        parts += 1;
        identities.extend(part.participants.into_iter().map(|one| one.identity));
        if part.complete {
            break;
        }
    }
    assert!(parts > 1);
    let expected: Vec<_> = (0..200).map(|number| format!("guest {number}")).collect();
    assert_eq!(identities, expected);
    here.pop().unwrap().session.leave();
    assert_eq!(next(&mut watching).await.0, 201);
}

#[tokio::test]
async fn a_server_that_stops_ends_its_watches_with_unavailable() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut watching = served.watch(watch_of("kitchen")).await.unwrap();
    next(&mut watching).await;
    served.stop.set();
    served.rooms.shut_down();
    let (_, told) = next(&mut watching).await;
    assert_eq!(words(told), "ended LEAVE_REASON_SERVER_SHUTDOWN");
    let expected = (Code::Unavailable, "SHUTTING_DOWN".to_owned());
    assert_eq!(refusal(watching.message().await), expected);
    let Served { door, .. } = served;
    door.await.unwrap();
}

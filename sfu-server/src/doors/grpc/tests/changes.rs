//! What the control plane changes through the door, and what it sends.

use sfu_core::id::DataLabel;

use super::*;
use crate::doors::livekit::{Door, DoorSettings};

fn a_participant(identity: &str) -> v1::UpdateParticipantRequest {
    v1::UpdateParticipantRequest {
        room: "kitchen".into(),
        identity: identity.to_owned(),
        ..Default::default()
    }
}

fn a_mute(identity: &str, track_sid: &str, muted: bool) -> v1::MuteTrackRequest {
    v1::MuteTrackRequest {
        room: "kitchen".into(),
        identity: identity.to_owned(),
        track_sid: track_sid.to_owned(),
        muted,
    }
}

fn a_message(payload: &[u8]) -> v1::SendDataRequest {
    v1::SendDataRequest {
        room: "kitchen".into(),
        payload: payload.to_vec(),
        delivery: v1::DataDelivery::Reliable.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn what_is_absent_in_an_update_stays() {
    let mut served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let update = v1::UpdateParticipantRequest {
        name: Some("Annie".into()),
        attributes: [
            ("size".to_owned(), "small".to_owned()),
            ("colour".to_owned(), String::new()),
        ]
        .into(),
        permission: Some(v1::ParticipantPermission {
            can_publish_sources: vec![v1::TrackSource::Microphone.into()],
            ..Default::default()
        }),
        ..a_participant("ann")
    };
    let answer = served
        .client
        .update_participant(with(admin("kitchen"), update))
        .await;
    let after = answer.unwrap().into_inner().participant.unwrap();
    assert_eq!(
        (after.name.as_str(), after.metadata.as_str()),
        ("Annie", "about ann")
    );
    assert_eq!(
        after.attributes,
        [("size".to_owned(), "small".to_owned())].into()
    );
    let permission = after.permission.clone().unwrap();
    assert_eq!(
        permission.can_publish_sources,
        [i32::from(v1::TrackSource::Microphone)]
    );
    assert_eq!(
        (permission.can_publish, permission.hidden),
        (Some(true), Some(false))
    );

    let nothing = served
        .client
        .update_participant(with(admin("kitchen"), a_participant("ann")));
    assert_eq!(
        nothing.await.unwrap().into_inner().participant.unwrap(),
        after
    );
    let emptied = v1::UpdateParticipantRequest {
        metadata: Some(String::new()),
        ..a_participant("ann")
    };
    let answer = served
        .client
        .update_participant(with(admin("kitchen"), emptied))
        .await;
    let after = answer.unwrap().into_inner().participant.unwrap();
    assert_eq!(
        (after.name.as_str(), after.metadata.as_str()),
        ("Annie", "")
    );
}

#[tokio::test]
async fn a_source_that_is_named_often_is_one() {
    let mut served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut update = a_participant("ann");
    let microphone = i32::from(v1::TrackSource::Microphone);
    let permission = update.permission.get_or_insert_default();
    permission.can_publish_sources = vec![microphone; 100_000];
    let answer = served
        .client
        .update_participant(with(admin("kitchen"), update));
    let after = answer.await.unwrap().into_inner().participant.unwrap();
    assert_eq!(after.permission.unwrap().can_publish_sources, [microphone]);
}

#[tokio::test]
async fn a_bad_field_of_an_update_is_named_and_changes_nothing() {
    let mut served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let before = served.rooms.get_participant("kitchen", "ann").unwrap();
    type Spoil = fn(&mut v1::UpdateParticipantRequest);
    let cases: [(Spoil, &str); 7] = [
        (|bad| bad.room = String::new(), "room"),
        (|bad| bad.identity = String::new(), "identity"),
        (|bad| bad.identity = long(257), "identity"),
        (|bad| bad.name = Some(long(257)), "name"),
        (|bad| bad.metadata = Some(long(16_385)), "metadata"),
        (
            |bad| drop(bad.attributes.insert("k".into(), long(16_384))),
            "attributes",
        ),
        (
            |bad| bad.permission.get_or_insert_default().can_publish_sources = vec![99],
            "permission.can_publish_sources",
        ),
    ];
    for (spoil, field) in cases {
        let mut request = v1::UpdateParticipantRequest {
            name: Some("Annie".into()),
            ..a_participant("ann")
        };
        spoil(&mut request);
        let grants = admin(&request.room);
        let refused = served
            .client
            .update_participant(with(grants, request))
            .await;
        assert_eq!(blamed(refused), field);
    }
    assert_eq!(
        served.rooms.get_participant("kitchen", "ann").unwrap(),
        before
    );
    let absent = served
        .client
        .update_participant(with(admin("kitchen"), a_participant("eve")));
    let expected = (Code::NotFound, "PARTICIPANT_NOT_FOUND".to_owned());
    assert_eq!(refusal(absent.await), expected);
}

#[tokio::test]
async fn a_track_is_muted_and_not_unmuted() {
    let mut served = serve().await;
    let mut ann = recording::join(&served.rooms, "kitchen", "ann");
    publish_camera(&served, &ann.session);
    let sid = served
        .rooms
        .get_participant("kitchen", "ann")
        .unwrap()
        .tracks[0]
        .sid
        .clone();
    ann.session.mute(&sid, false).unwrap();
    for _ in 0..2 {
        let mute = served
            .client
            .mute_track(with(admin("kitchen"), a_mute("ann", &sid, true)));
        let track = mute.await.unwrap().into_inner().track.unwrap();
        assert!(track.muted && track.sid == sid);
    }
    let told = std::iter::from_fn(|| ann.notices.next_waiting());
    let told = told.filter(|notice| matches!(notice, Notice::MuteChanged { muted: true, .. }));
    assert_eq!(told.count(), 1);

    let mut refused = async |request| {
        let grants = admin("kitchen");
        refusal(served.client.mute_track(with(grants, request)).await)
    };
    let off = (Code::PermissionDenied, "REMOTE_UNMUTE_OFF".to_owned());
    assert_eq!(refused(a_mute("ann", &sid, false)).await, off);
    let absent = (Code::NotFound, "TRACK_NOT_FOUND".to_owned());
    assert_eq!(refused(a_mute("ann", "TR_no", true)).await, absent);
    let absent = (Code::NotFound, "PARTICIPANT_NOT_FOUND".to_owned());
    assert_eq!(refused(a_mute("eve", &sid, true)).await, absent);
    let nameless = served
        .client
        .mute_track(with(admin("kitchen"), a_mute("ann", "", true)));
    assert_eq!(blamed(nameless.await), "track_sid");
}

#[tokio::test]
async fn data_goes_to_those_it_is_for() {
    let mut served = serve().await;
    // The door whose clients the messages are written for.
    let _door = Door::new(served.rooms.clone(), keys(), DoorSettings::default());
    let _here = ["ann", "bob"].map(|who| recording::join(&served.rooms, "kitchen", who));
    let participants: Vec<_> = served
        .workers
        .commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::AddParticipant { participant, .. } => Some(participant),
            _ => None,
        })
        .collect();
    let [reliable, lossy] = ["_reliable", "_lossy"].map(|name| DataLabel::from(name).unwrap());
    for participant in participants.iter().copied() {
        for label in [reliable, lossy] {
            let opened = Event::DataChannelOpened { participant, label };
            served.rooms.handle_event(0, opened);
        }
    }
    let whisper = v1::SendDataRequest {
        delivery: v1::DataDelivery::Lossy.into(),
        topic: Some("chat".into()),
        destination_identities: vec!["bob".into(), "nobody".into()],
        ..a_message(b"psst")
    };
    for request in [a_message(b"hello"), whisper] {
        served
            .client
            .send_data(with(admin("kitchen"), request))
            .await
            .unwrap();
    }
    let holds = |payload: &[u8], text: &[u8]| payload.windows(text.len()).any(|part| part == text);
    let sent: Vec<_> = served
        .workers
        .commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::SendData {
                recipients,
                label,
                payload,
            } => Some((
                recipients,
                label,
                holds(&payload, b"hello"),
                holds(&payload, b"psst"),
            )),
            _ => None,
        })
        .collect();
    let expected = [
        (participants.clone(), reliable, true, false),
        (vec![participants[1]], lossy, false, true),
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_bad_field_of_a_data_message_is_named() {
    let mut served = serve().await;
    let _door = Door::new(served.rooms.clone(), keys(), DoorSettings::default());
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    type Spoil = fn(&mut v1::SendDataRequest);
    let cases: [(Spoil, &str); 8] = [
        (|bad| bad.room = String::new(), "room"),
        (|bad| bad.payload = Vec::new(), "payload"),
        (|bad| bad.payload = vec![0; 62 * 1024 + 1], "payload"),
        (|bad| bad.delivery = 0, "delivery"),
        (|bad| bad.delivery = 9, "delivery"),
        (|bad| bad.topic = Some(long(257)), "topic"),
        (
            |bad| bad.destination_identities = vec!["a".into(); 1_001],
            "destination_identities",
        ),
        (
            |bad| bad.destination_identities = vec![long(257)],
            "destination_identities",
        ),
    ];
    for (spoil, field) in cases {
        let mut request = a_message(b"hello");
        spoil(&mut request);
        let grants = admin(&request.room);
        assert_eq!(
            blamed(served.client.send_data(with(grants, request)).await),
            field
        );
    }
    // The largest legal message is not too large for the door.
    let largest = v1::SendDataRequest {
        topic: Some(long(256)),
        destination_identities: vec![long(256); 1_000],
        ..a_message(&vec![0; 62 * 1024])
    };
    served
        .client
        .send_data(with(admin("kitchen"), largest))
        .await
        .unwrap();
    let absent = v1::SendDataRequest {
        room: "attic".into(),
        ..a_message(b"hello")
    };
    let absent = served.client.send_data(with(admin("attic"), absent)).await;
    assert_eq!(
        refusal(absent),
        (Code::NotFound, "ROOM_NOT_FOUND".to_owned())
    );
}

#[tokio::test]
async fn a_room_s_text_changes_only_where_one_is_given() {
    let mut served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut text = async |metadata: Option<&str>| {
        let request = v1::UpdateRoomRequest {
            room: "kitchen".into(),
            metadata: metadata.map(str::to_owned),
        };
        let updated = served
            .client
            .update_room(with(admin("kitchen"), request))
            .await;
        updated.map(|updated| updated.into_inner().room.unwrap().metadata)
    };
    assert_eq!(text(Some("tea")).await.unwrap(), "tea");
    assert_eq!(text(None).await.unwrap(), "tea");
    assert_eq!(text(Some("")).await.unwrap(), "");
    assert_eq!(blamed(text(Some(&long(16_385))).await), "metadata");
}

#[tokio::test]
async fn every_change_needs_the_room_s_admin() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let denied = (Code::PermissionDenied, "GRANT_MISSING".to_owned());
    let mut client = served.client.clone();
    let grants = || VideoGrants {
        room_create: true,
        room_list: true,
        ..admin("attic")
    };
    let refused = client
        .update_participant(with(grants(), a_participant("ann")))
        .await;
    assert_eq!(refusal(refused), denied);
    let refused = client
        .mute_track(with(grants(), a_mute("ann", "TR_1", true)))
        .await;
    assert_eq!(refusal(refused), denied);
    let refused = client.send_data(with(grants(), a_message(b"hello"))).await;
    assert_eq!(refusal(refused), denied);
    let text = v1::UpdateRoomRequest {
        room: "kitchen".into(),
        metadata: Some("tea".into()),
    };
    assert_eq!(
        refusal(client.update_room(with(grants(), text)).await),
        denied
    );
    assert_eq!(served.rooms.get_room("kitchen").unwrap().metadata, "");
}

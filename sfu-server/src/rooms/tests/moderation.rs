//! What the control plane changes: mutes, names and texts, permissions.

use super::*;

fn camera() -> NewTrack {
    NewTrack {
        cid: "cam".into(),
        kind: MediaKind::Video,
        source: TrackSource::Camera,
        ..microphone()
    }
}

fn sid_of(house: &House, identity: &str) -> String {
    let info = house.rooms.get_participant("kitchen", identity).unwrap();
    info.tracks[0].sid.clone()
}

#[test]
fn the_server_mutes_a_track_and_everyone_is_told() {
    let house = house();
    let mut ann = house.join("ann");
    let mut bob = house.join("bob");
    house.publish(&ann);
    let sid = sid_of(&house, "ann");
    told(&mut ann);
    told(&mut bob);
    house.sent();
    for _ in 0..2 {
        let muted = house.rooms.mute_track("kitchen", "ann", &sid, true);
        assert!(muted.unwrap().muted);
    }
    assert_eq!(house.sent(), ["mute 1 true"]);
    assert_eq!(told(&mut ann), ["muted true"]);
    assert_eq!(told(&mut bob), ["ann Joined tracks 1 muted 1"]);

    let refused = |room, identity, sid: &str, muted| {
        let error = house.rooms.mute_track(room, identity, sid, muted);
        let error = error.unwrap_err();
        (error.kind(), error.about().unwrap())
    };
    assert_eq!(
        refused("kitchen", "ann", &sid, false),
        (ErrorKind::PermissionDenied, "muted")
    );
    let absent = |field| (ErrorKind::NotFound, field);
    assert_eq!(refused("attic", "ann", &sid, true), absent("room"));
    assert_eq!(refused("kitchen", "eve", &sid, true), absent("identity"));
    assert_eq!(refused("kitchen", "bob", &sid, true), absent("track_sid"));
    assert_eq!(
        refused("kitchen", "ann", "TR_no", true),
        absent("track_sid")
    );
    assert_eq!(house.sent(), [""; 0]);

    ann.session.mute(&sid, false).unwrap();
    assert_eq!(house.sent(), ["mute 1 false"], "its own microphone");
}

#[test]
fn the_server_unmutes_where_that_is_allowed() {
    let house = house_with(Settings {
        remote_unmute: true,
        ..Settings::default()
    });
    let mut ann = house.join("ann");
    house.publish(&ann);
    let sid = sid_of(&house, "ann");
    told(&mut ann);
    ann.session.mute(&sid, true).unwrap();
    let info = house.rooms.mute_track("kitchen", "ann", &sid, false);
    assert!(!info.unwrap().muted);
    assert_eq!(told(&mut ann), ["muted false"]);
}

#[test]
fn a_participant_is_changed_in_whole_or_not_at_all() {
    let house = house();
    let mut params = params("ann");
    params.attributes = BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
    let mut ann = house.rooms.join(&params).unwrap();
    let mut bob = house.join("bob");
    told(&mut ann);
    let update = ParticipantUpdate {
        name: Some("Annie".into()),
        metadata: Some("m".into()),
        attributes: BTreeMap::from([("a".into(), String::new()), ("c".into(), "3".into())]),
        permission: None,
    };
    let change = |update| house.rooms.update_participant("kitchen", "ann", update);
    let info = change(update).unwrap();
    assert_eq!((info.name.as_str(), info.metadata.as_str()), ("Annie", "m"));
    let expected = BTreeMap::from([("b".into(), "2".into()), ("c".into(), "3".into())]);
    assert_eq!(info.attributes, expected);
    assert_eq!(told(&mut ann), ["is Annie v2"]);
    assert_eq!(told(&mut bob), ["ann Joined tracks 0 muted 0"]);

    let refused = change(ParticipantUpdate {
        name: Some("Anna".into()),
        metadata: Some("x".repeat(limits::MAX_METADATA + 1)),
        ..ParticipantUpdate::default()
    });
    assert_eq!(refused.unwrap_err().about(), Some("metadata"));
    let info = change(ParticipantUpdate {
        metadata: Some(String::new()),
        ..ParticipantUpdate::default()
    });
    let info = info.unwrap();
    assert_eq!((info.name.as_str(), info.metadata.as_str()), ("Annie", ""));
    let absent = house
        .rooms
        .update_participant("kitchen", "eve", ParticipantUpdate::default());
    assert_eq!(absent.unwrap_err().about(), Some("identity"));
}

#[test]
fn a_permission_that_is_lost_ends_what_it_allowed() {
    let house = house();
    let mut ann = house.join("ann");
    let mut bob = house.join("bob");
    house.publish(&ann);
    ann.session.add_track(camera()).unwrap();
    house.bound(ids::track_id(1, 2));
    house.publish(&bob);
    let permit = |permissions| {
        let permission = Some(permissions);
        let update = ParticipantUpdate {
            permission,
            ..ParticipantUpdate::default()
        };
        let info = house.rooms.update_participant("kitchen", "ann", update);
        info.unwrap()
    };
    told(&mut ann);
    told(&mut bob);
    house.sent();

    let sound_only = Permissions {
        sources: vec![TrackSource::Microphone],
        ..Permissions::default()
    };
    assert_eq!(permit(sound_only).tracks.len(), 1);
    assert_eq!(house.sent(), ["end track 2"]);
    assert_eq!(told(&mut ann), ["unpublished", "is ANN v5"]);
    assert_eq!(
        told(&mut bob).last().unwrap(),
        "ann Joined tracks 1 muted 0"
    );
    let refused = ann.session.add_track(camera()).unwrap_err();
    assert_eq!(refused.about(), Some("source"));

    let nothing = Permissions {
        publish: false,
        subscribe: false,
        ..Permissions::default()
    };
    let info = permit(nothing);
    assert!(info.tracks.is_empty() && !info.permissions.publish);
    let ended = [
        "1 may publish false subscribe false",
        "end track 1",
        "1 wants no 3",
    ];
    assert_eq!(house.sent(), ended);
    told(&mut ann);
    ann.session.subscribe(&[sid_of(&house, "bob")]);
    assert!(told(&mut ann)[0].ends_with("NotAllowed"));

    permit(Permissions::default());
    let again = ["1 may publish true subscribe true", "1 wants 3"];
    assert_eq!(house.sent(), again);
    ann.session.add_track(camera()).unwrap();
}

#[test]
fn pictures_called_a_microphone_end_with_the_permission_for_pictures() {
    let house = house();
    let ann = house.join("ann");
    let disguised = NewTrack {
        kind: MediaKind::Video,
        ..microphone()
    };
    ann.session.add_track(disguised).unwrap();
    house.bound(ids::track_id(1, 1));
    house.sent();
    let update = ParticipantUpdate {
        permission: Some(Permissions {
            sources: vec![TrackSource::Microphone],
            ..Permissions::default()
        }),
        ..ParticipantUpdate::default()
    };
    let info = house.rooms.update_participant("kitchen", "ann", update);
    assert!(info.unwrap().tracks.is_empty());
    assert_eq!(house.sent(), ["end track 1"]);
}

#[test]
fn who_is_hidden_from_now_on_is_gone_for_the_others() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    let hide = |hidden| {
        let permission = Some(Permissions {
            hidden,
            ..Permissions::default()
        });
        let update = ParticipantUpdate {
            permission,
            ..ParticipantUpdate::default()
        };
        let changed = house.rooms.update_participant("kitchen", "ann", update);
        changed.unwrap()
    };
    hide(true);
    assert_eq!(told(&mut bob), ["ann Disconnected tracks 0 muted 0"]);
    hide(false);
    assert_eq!(told(&mut bob), ["ann Joined tracks 0 muted 0"]);
    drop(ann);
}

#[test]
fn a_room_s_text_is_told_to_everyone_in_it() {
    let house = house();
    let mut ann = house.join("ann");
    for _ in 0..2 {
        let info = house.rooms.update_room_metadata("kitchen", "tea at five");
        assert_eq!(info.unwrap().metadata, "tea at five");
    }
    assert_eq!(told(&mut ann), ["room tea at five"]);
    let about = |room, text: &str| {
        let error = house.rooms.update_room_metadata(room, text);
        error.unwrap_err().about()
    };
    assert_eq!(about("attic", ""), Some("room"));
    let long = "x".repeat(limits::MAX_METADATA + 1);
    assert_eq!(about("kitchen", &long), Some("metadata"));
}

#[test]
fn who_was_muted_while_away_hears_of_it_and_who_muted_itself_does_not() {
    let house = house();
    let ann = house.join("ann");
    house.publish(&ann);
    let sid = sid_of(&house, "ann");
    let resume = || {
        let joined = house.rooms.resume(&params("ann"), &ann.me.sid).unwrap();
        let repeated: Vec<_> = joined
            .repeated
            .iter()
            .map(|one| matches!(one, Notice::MuteChanged { track, muted: true } if *track == sid))
            .collect();
        (joined, repeated)
    };
    let muted = house.rooms.mute_track("kitchen", "ann", &sid, true);
    assert!(muted.unwrap().muted);
    let (joined, repeated) = resume();
    assert_eq!(repeated, [true]);

    joined.session.mute(&sid, false).unwrap();
    joined.session.mute(&sid, true).unwrap();
    assert_eq!(resume().1, [false; 0]);
}

#[test]
fn what_a_publisher_says_of_its_tracks_reaches_the_others() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    house.publish(&ann);
    ann.session.add_track(camera()).unwrap();
    house.bound(ids::track_id(1, 2));
    told(&mut bob);
    let tracks = || {
        house
            .rooms
            .get_participant("kitchen", "ann")
            .unwrap()
            .tracks
    };
    let (sound, pictures) = (tracks()[0].sid.clone(), tracks()[1].sid.clone());
    let features: std::collections::BTreeSet<_> =
        [AudioFeature::Stereo, AudioFeature::NoiseSuppression].into();
    let session = &ann.session;
    session
        .update_audio_track(&sound, features.clone())
        .unwrap();
    session.update_video_track(&pictures, 1280, 720).unwrap();
    let now = tracks();
    assert_eq!(now[0].traits.audio_features, features);
    assert!(now[0].stereo && !now[0].disable_dtx);
    assert_eq!((now[1].width, now[1].height), (1280, 720));
    assert_eq!(told(&mut bob).len(), 2);
    for refused in [
        session.update_audio_track(&pictures, features.clone()),
        session.update_video_track(&sound, 1, 1),
        bob.session.update_audio_track(&sound, features),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.about()),
            (ErrorKind::NotFound, Some("track_sid"))
        );
    }
    assert_eq!(told(&mut bob), [""; 0]);
}

#[test]
fn who_may_use_a_microphone_only_may_not_call_pictures_one() {
    let house = house();
    let mut params = params("ann");
    params.permissions.sources = vec![TrackSource::Microphone];
    let ann = house.rooms.join(&params).unwrap();
    let about = |track| ann.session.add_track(track).unwrap_err().about();
    assert_eq!(about(camera()), Some("source"));
    let lie = NewTrack {
        source: TrackSource::Microphone,
        ..camera()
    };
    assert_eq!(about(lie), Some("source"));
    let unsaid = NewTrack {
        source: TrackSource::Unknown,
        ..microphone()
    };
    assert_eq!(about(unsaid), Some("source"));
    let screen = NewTrack {
        source: TrackSource::ScreenShareAudio,
        ..microphone()
    };
    assert_eq!(about(screen), Some("source"));
    ann.session.add_track(microphone()).unwrap();
}

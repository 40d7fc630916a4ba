//! What is wanted of tracks, in the protocol's words.

use sfu_core::media::layer::LayerWish;

use super::*;

fn camera() -> proto::AddTrackRequest {
    let layer = |(quality, height): (proto::VideoQuality, u32)| proto::VideoLayer {
        quality: quality.into(),
        width: height * 16 / 9,
        height,
        ..Default::default()
    };
    let layers = [
        (proto::VideoQuality::Low, 180),
        (proto::VideoQuality::Medium, 360),
        (proto::VideoQuality::High, 720),
    ];
    proto::AddTrackRequest {
        cid: "cam".into(),
        r#type: proto::TrackType::Video.into(),
        source: proto::TrackSource::Camera.into(),
        layers: layers.map(layer).to_vec(),
        width: 1280,
        height: 720,
        ..Default::default()
    }
}

impl Server {
    /// What the engine was asked last of layers.
    fn newest_wish(&self) -> LayerWish {
        let found = self.recorder.find(|command| match command {
            Command::SetLayerWish { wish, .. } => Some(*wish),
            _ => None,
        });
        found.unwrap()
    }

    fn newest_enabled(&self) -> bool {
        let found = self.recorder.find(|command| match command {
            Command::SetSubscriptionEnabled { enabled, .. } => Some(*enabled),
            _ => None,
        });
        found.unwrap()
    }
}

/// Ann publishes a camera, and Bob is subscribed to it. The track's sid too.
async fn ann_and_bob(server: &Server) -> (Client, Client, String) {
    let (mut ann, _) = server.join("ann").await;
    let (mut bob, _) = server.join("bob").await;
    assert_eq!(ann.update().await.identity, "bob");
    ann.ask(Ask::AddTrack(camera())).await;
    assert!(matches!(ann.told().await, Told::TrackPublished(_)));
    server.bind_newest_track();
    let sid = bob.update().await.tracks[0].sid.clone();
    assert!(matches!(ann.told().await, Told::TrackSubscribed(_)));
    (ann, bob, sid)
}

/// Asks, and waits until it is done.
async fn ask(client: &mut Client, settings: proto::UpdateTrackSettings) {
    client.ask(Ask::TrackSetting(settings)).await;
    client.ask(Ask::Ping(1)).await;
    while !matches!(client.told().await, Told::Pong(_)) {}
}

#[tokio::test]
async fn track_settings_reach_the_engine() {
    let server = Server::start().await;
    let (_ann, mut bob, sid) = ann_and_bob(&server).await;
    let settings = proto::UpdateTrackSettings {
        track_sids: vec![sid],
        ..Default::default()
    };
    for (quality, layer) in [
        (0, Some(0)),
        (1, Some(1)),
        (2, None),
        (0, Some(0)),
        (77, None),
    ] {
        let settings = settings.clone();
        ask(
            &mut bob,
            proto::UpdateTrackSettings {
                quality,
                ..settings
            },
        )
        .await;
        assert_eq!(server.newest_wish().max_quality, layer, "{quality}");
    }
    let sized = proto::UpdateTrackSettings {
        width: u32::MAX,
        height: 300,
        fps: 7,
        priority: 2,
        ..settings.clone()
    };
    ask(&mut bob, sized).await;
    let expected = LayerWish {
        max_quality: Some(1),
        max_frame_rate: Some(7),
        shown: Some(u32::MAX),
        priority: Some(2),
    };
    assert_eq!(server.newest_wish(), expected);
    for (disabled, quality) in [(true, 2), (false, 2), (false, 3)] {
        let settings = proto::UpdateTrackSettings {
            disabled,
            quality,
            ..settings.clone()
        };
        ask(&mut bob, settings).await;
        assert_eq!(server.newest_enabled(), !disabled && quality != 3);
    }
}

#[tokio::test]
async fn a_publisher_is_told_what_is_wanted() {
    let server = Server::start().await;
    let (mut ann, mut bob, sid) = ann_and_bob(&server).await;
    let settings = proto::UpdateTrackSettings {
        track_sids: vec![sid.clone()],
        disabled: true,
        ..Default::default()
    };
    ask(&mut bob, settings.clone()).await;
    let now = tokio::time::Instant::now();
    server.rooms.sweep(now);
    server
        .rooms
        .sweep(now + crate::rooms::limits::WANTED_LESS_FOR);
    let settings = proto::UpdateTrackSettings {
        disabled: false,
        quality: 1,
        ..settings
    };
    ask(&mut bob, settings).await;
    for enabled in [[false; 3], [true, true, false]] {
        let Told::SubscribedQualityUpdate(update) = ann.told().await else {
            panic!()
        };
        assert_eq!(update.track_sid, sid);
        let [codec] = &update.subscribed_codecs[..] else {
            panic!("{update:?}")
        };
        assert_eq!(codec.codec, "vp8");
        let told = codec.qualities.iter();
        let told: Vec<_> = told.map(|one| (one.quality, one.enabled)).collect();
        let steps: Vec<_> = (0..).zip(enabled).collect();
        assert_eq!(told, steps);
        #[expect(deprecated, reason = "clients of old read the older field")]
        let older = &update.subscribed_qualities;
        assert_eq!(*older, codec.qualities);
    }
}

#[tokio::test]
async fn pictures_that_do_not_fit_a_link_are_told_of() {
    use sfu_core::event::StreamState;

    let server = Server::start().await;
    let (_ann, mut bob, sid) = ann_and_bob(&server).await;
    let participant = server.recorder.find(|command| match command {
        Command::AddParticipant { participant, .. } => Some(*participant),
        _ => None,
    });
    let track = server.recorder.find(|command| match command {
        Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
        _ => None,
    });
    for (state, expected) in [
        (StreamState::Paused, proto::StreamState::Paused),
        (StreamState::Active, proto::StreamState::Active),
    ] {
        let event = Event::StreamStates {
            participant: participant.unwrap(),
            states: vec![(track.unwrap(), state)],
        };
        server.rooms.handle_event(0, event);
        let Told::StreamStateUpdate(update) = bob.told().await else {
            panic!()
        };
        let [told] = &update.stream_states[..] else {
            panic!("{update:?}")
        };
        assert_eq!((&told.track_sid, told.state()), (&sid, expected));
        assert!(told.participant_sid.starts_with("PA_"));
    }
}

//! Codecs in the protocol's words.

use sfu_core::event::SubscriptionFailure;
use sfu_core::id::ParticipantId;
use sfu_core::media::codec::Codec;

use super::*;

fn camera(codecs: &[&str]) -> proto::AddTrackRequest {
    let simulcast_codecs = codecs.iter().map(|codec| proto::SimulcastCodec {
        codec: (*codec).to_owned(),
        cid: "cam".into(),
        ..Default::default()
    });
    proto::AddTrackRequest {
        cid: "cam".into(),
        r#type: proto::TrackType::Video.into(),
        source: proto::TrackSource::Camera.into(),
        simulcast_codecs: simulcast_codecs.collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_announced_codec_is_told_as_livekit_clients_name_it() {
    let server = Server::start().await;
    for (at, (codec, mime)) in [
        ("h264", "video/H264"),
        ("video/VP9", "video/VP9"),
        ("AV1", "video/AV1"),
        ("unheard-of", "video/VP8"),
    ]
    .into_iter()
    .enumerate()
    {
        let (mut ann, _) = server.join(&format!("ann{at}")).await;
        // The second one is a backup, which nobody asks for yet.
        ann.ask(Ask::AddTrack(camera(&[codec, "vp8"]))).await;
        let Told::TrackPublished(published) = ann.told().await else {
            panic!()
        };
        let track = published.track.unwrap();
        assert_eq!(track.mime_type, mime);
        let told = track.codecs.iter().map(|codec| codec.mime_type.as_str());
        let backup = (mime != "video/VP8").then_some("video/VP8");
        let expected: Vec<_> = [mime].into_iter().chain(backup).collect();
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert_eq!(track.codecs[0].mime_type, mime);
        let layered = matches!(mime, "video/VP9" | "video/AV1");
        let mode = track.codecs[0].video_layer_mode();
        assert_eq!(
            mode == proto::video_layer::Mode::MultipleSpatialLayersPerStream,
            layered
        );
        ann.ask(Ask::Leave(proto::LeaveRequest::default())).await;
    }
}

#[tokio::test]
async fn redundant_sound_is_told_by_its_mime_type() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    let (mut bob, _) = server.join("bob").await;
    assert_eq!(ann.update().await.identity, "bob");
    ann.ask(Ask::AddTrack(microphone())).await;
    let Told::TrackPublished(published) = ann.told().await else {
        panic!()
    };
    assert!(!published.track.unwrap().disable_red);
    let track = server.newest_track();
    let codec = Codec::OpusRed;
    server
        .rooms
        .handle_event(0, Event::TrackCodec { track, codec });
    server.bind_newest_track();
    let told = bob.update().await;
    assert_eq!(told.tracks[0].mime_type, "audio/red");
}

#[tokio::test]
async fn a_track_that_cannot_be_decoded_is_refused_by_its_own_error() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    let (mut bob, _) = server.join("bob").await;
    assert_eq!(ann.update().await.identity, "bob");
    ann.ask(Ask::AddTrack(camera(&["av1"]))).await;
    assert!(matches!(ann.told().await, Told::TrackPublished(_)));
    server.bind_newest_track();
    let sid = bob.update().await.tracks[0].sid.clone();
    let subscriber = server.newest_subscriber();
    server.rooms.handle_event(
        0,
        Event::SubscriptionFailed {
            participant: subscriber,
            track: server.newest_track(),
            failure: SubscriptionFailure::CodecUnsupported,
        },
    );
    let Told::SubscriptionResponse(refused) = bob.told().await else {
        panic!()
    };
    assert_eq!(refused.track_sid, sid);
    assert_eq!(refused.err(), proto::SubscriptionError::SeCodecUnsupported);
}

impl Server {
    fn newest_track(&self) -> sfu_core::id::TrackId {
        let found = self.recorder.find(|command| match command {
            Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
            _ => None,
        });
        found.unwrap()
    }

    fn newest_subscriber(&self) -> ParticipantId {
        let found = self.recorder.find(|command| match command {
            Command::Subscribe { participant, .. } => Some(*participant),
            _ => None,
        });
        found.unwrap()
    }
}

#[tokio::test]
async fn a_backup_is_announced_by_the_track_s_sid() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    ann.ask(Ask::AddTrack(camera(&["vp9", "vp8"]))).await;
    let Told::TrackPublished(published) = ann.told().await else {
        panic!()
    };
    let sid = published.track.unwrap().sid;
    server.bind_newest_track();
    let mut backup = camera(&["vp8"]);
    backup.sid.clone_from(&sid);
    backup.cid = "backup".into();
    backup.simulcast_codecs[0].cid = "backup".into();
    ann.ask(Ask::AddTrack(backup)).await;
    let Told::TrackPublished(published) = ann.told().await else {
        panic!()
    };
    assert_eq!(published.cid, "backup");
    let track = published.track.unwrap();
    assert_eq!(track.sid, sid);
    let codecs: Vec<_> = track
        .codecs
        .iter()
        .map(|codec| (codec.mime_type.as_str(), codec.cid.as_str()))
        .collect();
    assert_eq!(codecs, [("video/VP9", ""), ("video/VP8", "backup")]);
}

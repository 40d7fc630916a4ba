//! Requests that are answered, and signals that nobody asked for.

use proto::request_response::{Reason, Request};
use sfu_core::event::{ConnectionStatistics, Speaker};

use super::*;

impl Client {
    async fn response(&mut self) -> proto::RequestResponse {
        loop {
            if let Told::RequestResponse(response) = self.told().await {
                return response;
            }
        }
    }
}

impl Server {
    /// Joins with these grants.
    async fn enter(&self, identity: &str, grants: VideoGrants) -> (Client, proto::JoinResponse) {
        let query = query(&self.token_with(identity, grants), &join_request());
        let mut client = self.dial(&query).await.unwrap();
        let join = client.joined().await;
        (client, join)
    }

    async fn publish(&self, client: &mut Client) -> proto::TrackInfo {
        client.ask(Ask::AddTrack(microphone())).await;
        loop {
            if let Told::TrackPublished(published) = client.told().await {
                self.bind_newest_track();
                return published.track.unwrap();
            }
        }
    }
}

fn editor() -> VideoGrants {
    VideoGrants {
        can_update_own_metadata: Some(true),
        ..VideoGrants::join("kitchen")
    }
}

#[tokio::test]
async fn a_change_of_oneself_is_acknowledged_by_its_number() {
    let server = Server::start().await;
    let (mut ann, _) = server.enter("ann", editor()).await;
    let update = |request_id, name: &str| proto::UpdateParticipantMetadata {
        request_id,
        name: name.into(),
        ..Default::default()
    };
    ann.ask(Ask::UpdateMetadata(update(7, "Annie"))).await;
    let response = ann.response().await;
    assert_eq!((response.request_id, response.reason()), (7, Reason::Ok));
    assert!(matches!(response.request, Some(Request::UpdateMetadata(_))));
    assert_eq!(ann.update().await.name, "Annie");
    ann.ask(Ask::UpdateMetadata(update(8, &"x".repeat(999))))
        .await;
    let response = ann.response().await;
    assert_eq!(
        (response.request_id, response.reason()),
        (8, Reason::LimitExceeded)
    );
    assert!(
        response.message.starts_with("name: "),
        "{}",
        response.message
    );

    let (mut bob, _) = server.enter("bob", VideoGrants::join("kitchen")).await;
    bob.ask(Ask::UpdateMetadata(update(9, "Robert"))).await;
    let response = bob.response().await;
    assert_eq!(
        (response.request_id, response.reason()),
        (9, Reason::NotAllowed)
    );
}

#[tokio::test]
async fn each_request_that_fails_is_answered_with_its_reason() {
    let server = Server::start().await;
    let (mut ann, _) = server.enter("ann", editor()).await;
    let sid = "TR_none".to_owned();
    let data = proto::AddTrackRequest {
        r#type: proto::TrackType::Data.into(),
        ..microphone()
    };
    let nobody = proto::SubscriptionPermission {
        all_participants: false,
        track_permissions: vec![proto::TrackPermission::default()],
    };
    let long = proto::AddTrackRequest {
        name: "x".repeat(999),
        ..microphone()
    };
    let asked = [
        (Ask::AddTrack(data), Reason::UnsupportedType),
        (Ask::AddTrack(long), Reason::InvalidName),
        (
            Ask::AddTrack(proto::AddTrackRequest::default()),
            Reason::InvalidRequest,
        ),
        (
            Ask::Mute(proto::MuteTrackRequest {
                sid: sid.clone(),
                muted: true,
            }),
            Reason::NotFound,
        ),
        (
            Ask::UpdateAudioTrack(proto::UpdateLocalAudioTrack {
                track_sid: sid.clone(),
                features: vec![],
            }),
            Reason::NotFound,
        ),
        (
            Ask::UpdateVideoTrack(proto::UpdateLocalVideoTrack {
                track_sid: sid,
                ..Default::default()
            }),
            Reason::NotFound,
        ),
        (Ask::SubscriptionPermission(nobody), Reason::InvalidRequest),
        (
            Ask::PublishDataTrackRequest(Default::default()),
            Reason::UnsupportedType,
        ),
    ];
    for (ask, reason) in asked {
        let words = format!("{ask:?}");
        ann.ask(ask).await;
        assert_eq!(ann.response().await.reason(), reason, "{words}");
    }
    let blob = proto::GetDataBlobRequest {
        request_id: 5,
        ..Default::default()
    };
    ann.ask(Ask::GetDataBlobRequest(blob)).await;
    let response = ann.response().await;
    assert_eq!(
        (response.request_id, response.reason()),
        (5, Reason::UnsupportedType)
    );
}

#[tokio::test]
async fn what_a_track_is_said_to_be_reaches_the_others() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    let (mut bob, _) = server.join("bob").await;
    let features = [
        proto::AudioTrackFeature::TfStereo,
        proto::AudioTrackFeature::TfEchoCancellation,
    ];
    let request = proto::AddTrackRequest {
        encryption: proto::encryption::Type::Gcm.into(),
        backup_codec_policy: proto::BackupCodecPolicy::Simulcast.into(),
        audio_features: features.map(Into::into).to_vec(),
        stream: "studio".into(),
        ..microphone()
    };
    ann.ask(Ask::AddTrack(request)).await;
    while !matches!(ann.told().await, Told::TrackPublished(_)) {}
    server.bind_newest_track();
    let info = bob.update().await.tracks.remove(0);
    assert_eq!(info.encryption(), proto::encryption::Type::Gcm);
    assert_eq!(
        info.backup_codec_policy(),
        proto::BackupCodecPolicy::Simulcast
    );
    assert_eq!(info.audio_features().collect::<Vec<_>>(), features);
    assert_eq!(info.stream, "studio");
    let quieter = [proto::AudioTrackFeature::TfNoDtx];
    ann.ask(Ask::UpdateAudioTrack(proto::UpdateLocalAudioTrack {
        track_sid: info.sid,
        features: quieter.map(Into::into).to_vec(),
    }))
    .await;
    let info = bob.update().await.tracks.remove(0);
    assert_eq!(info.audio_features().collect::<Vec<_>>(), quieter);
}

#[tokio::test]
async fn speakers_and_connections_are_told_in_the_protocol_s_words() {
    let server = Server::start().await;
    let (mut ann, join) = server.join("ann").await;
    let sid = join.participant.unwrap().sid;
    server.publish(&mut ann).await;
    let find = |command: &Command| match command {
        Command::AddParticipant {
            room, participant, ..
        } => Some((*room, *participant)),
        _ => None,
    };
    let (room, participant) = server.recorder.find(find).unwrap();
    let track = server.recorder.find(|command| match command {
        Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
        _ => None,
    });
    let speakers = vec![Speaker {
        track: track.unwrap(),
        level_dbov: 20,
    }];
    for speakers in [speakers, vec![]] {
        let active = !speakers.is_empty();
        server
            .rooms
            .handle_event(0, Event::SpeakersChanged { room, speakers });
        let Told::SpeakersChanged(changed) = ann.told().await else {
            panic!()
        };
        let [speaker] = &changed.speakers[..] else {
            panic!("{changed:?}")
        };
        assert_eq!((&speaker.sid, speaker.active), (&sid, active));
        let level = if active { 0.1 } else { 0.0 };
        assert!((speaker.level - level).abs() < 0.001, "{}", speaker.level);
    }

    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    server.rooms.handle_event(
        0,
        Event::Connected {
            participant,
            path: sfu_core::media::path::Path {
                protocol: sfu_core::media::path::Protocol::Udp,
                local: address,
                remote: address,
            },
            srtp_profile: "SRTP_AEAD_AES_128_GCM",
        },
    );
    let statistics = ConnectionStatistics::default();
    let event = Event::ConnectionStatistics {
        participant,
        statistics,
    };
    server.rooms.handle_event(0, event);
    server.rooms.sweep(tokio::time::Instant::now());
    let Told::ConnectionQuality(told) = ann.told().await else {
        panic!()
    };
    let [own] = &told.updates[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (&own.participant_sid, own.quality()),
        (&sid, proto::ConnectionQuality::Excellent)
    );
    assert!(own.score > 4.0);
}

#[tokio::test]
async fn a_publisher_s_choice_of_listeners_is_told_to_those_who_lose_it() {
    let server = Server::start().await;
    let (mut ann, join) = server.join("ann").await;
    let publisher = join.participant.unwrap().sid;
    let track = server.publish(&mut ann).await.sid;
    let (mut bob, _) = server.join("bob").await;
    for allowed in [false, true] {
        ann.ask(Ask::SubscriptionPermission(proto::SubscriptionPermission {
            all_participants: allowed,
            track_permissions: vec![],
        }))
        .await;
        let Told::SubscriptionPermissionUpdate(update) = bob.told().await else {
            panic!()
        };
        assert_eq!(
            update,
            proto::SubscriptionPermissionUpdate {
                participant_sid: publisher.clone(),
                track_sid: track.clone(),
                allowed,
            }
        );
    }
}

#[tokio::test]
async fn a_mute_by_the_server_and_new_permissions_reach_the_client() {
    let server = Server::start().await;
    let (mut ann, _) = server.join("ann").await;
    let sid = server.publish(&mut ann).await.sid;
    server
        .rooms
        .mute_track("kitchen", "ann", &sid, true)
        .unwrap();
    let muted = proto::MuteTrackRequest {
        sid: sid.clone(),
        muted: true,
    };
    assert_eq!(ann.told().await, Told::Mute(muted));
    let permission = crate::rooms::Permissions {
        publish: false,
        publish_data: false,
        ..Default::default()
    };
    let update = crate::rooms::ParticipantUpdate {
        permission: Some(permission),
        ..Default::default()
    };
    server
        .rooms
        .update_participant("kitchen", "ann", update)
        .unwrap();
    let unpublished = proto::TrackUnpublishedResponse { track_sid: sid };
    assert_eq!(ann.told().await, Told::TrackUnpublished(unpublished));
    let permission = ann.update().await.permission.unwrap();
    assert!(!permission.can_publish && !permission.can_publish_data && permission.can_subscribe);
}

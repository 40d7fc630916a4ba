//! A participant's adaptation, recorded through the door.

use sfu_core::event::RecordingEnd;
use sfu_core::id::ParticipantId;

use super::*;

fn about(identity: &str, seconds: i64) -> v1::RecordAdaptationRequest {
    v1::RecordAdaptationRequest {
        room: "kitchen".into(),
        identity: identity.to_owned(),
        duration: Some(prost_types::Duration { seconds, nanos: 0 }),
        max_bytes: 0,
    }
}

/// The newest recording that the engine was told to make, and with how many bytes.
fn begun(served: &Served) -> (ParticipantId, u64, usize) {
    let mut commands = served.workers.commands().into_iter().rev();
    let found = commands.find_map(|command| match command {
        Command::RecordAdaptation {
            participant,
            request,
            most_bytes,
        } => Some((participant, request, most_bytes)),
        _ => None,
    });
    found.unwrap()
}

fn was_stopped(served: &Served, wanted: u64) -> bool {
    let commands = served.workers.commands();
    commands.iter().any(
        |command| matches!(command, Command::StopRecording { request, .. } if *request == wanted),
    )
}

fn piece(served: &Served, bytes: &[u8], end: Option<RecordingEnd>) {
    let (participant, request, _) = begun(served);
    let event = Event::AdaptationRecorded {
        participant,
        request,
        bytes: bytes.to_vec(),
        end,
    };
    served.rooms.handle_event(0, event);
}

#[tokio::test]
async fn a_recording_comes_in_pieces_and_ends_when_its_time_is_over() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut client = served.client.clone();
    let call = client.record_adaptation(with(admin("kitchen"), about("ann", 1)));
    let mut pieces = call.await.unwrap().into_inner();
    assert_eq!(served.rooms.recordings(), 1);
    assert_eq!(begun(&served).2, sfu_core::config::MAX_RECORDING);
    piece(&served, b"one", None);
    let first = pieces.message().await.unwrap().unwrap();
    assert_eq!(first.recording, b"one");
    assert_eq!(first.end(), v1::RecordingEnd::Unspecified);
    // A second later the engine is told to end it.
    while !was_stopped(&served, begun(&served).1) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    piece(&served, b"two", Some(RecordingEnd::Asked));
    let last = pieces.message().await.unwrap().unwrap();
    assert_eq!(last.recording, b"two");
    assert_eq!(last.end(), v1::RecordingEnd::Duration);
    assert!(pieces.message().await.unwrap().is_none());
}

#[tokio::test]
async fn a_later_recording_of_the_same_participant_ends_the_former() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut client = served.client.clone();
    let call = client.record_adaptation(with(admin("kitchen"), about("ann", 60)));
    let mut former = call.await.unwrap().into_inner();
    let call = client.record_adaptation(with(admin("kitchen"), about("ann", 60)));
    let mut later = call.await.unwrap().into_inner();
    let last = former.message().await.unwrap().unwrap();
    assert_eq!(last.end(), v1::RecordingEnd::Replaced);
    assert!(former.message().await.unwrap().is_none());
    piece(&served, b"all", Some(RecordingEnd::Full));
    let last = later.message().await.unwrap().unwrap();
    assert_eq!(last.end(), v1::RecordingEnd::MaxBytes);
}

#[tokio::test]
async fn a_recording_ends_with_its_participant_and_with_its_reader() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut client = served.client.clone();
    let call = client.record_adaptation(with(admin("kitchen"), about("ann", 60)));
    let pieces = call.await.unwrap().into_inner();
    drop(pieces);
    while !was_stopped(&served, begun(&served).1) || served.rooms.recordings() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let call = client.record_adaptation(with(admin("kitchen"), about("ann", 60)));
    let mut pieces = call.await.unwrap().into_inner();
    served.rooms.remove_participant("kitchen", "ann").unwrap();
    let gone = pieces.message().await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn who_does_not_read_loses_its_recording() {
    let served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    let mut recorded = served
        .rooms
        .record_adaptation("kitchen", "ann", Duration::from_secs(60), 1000)
        .unwrap();
    for _ in 0..2 * crate::rooms::limits::MAX_RECORDED_PIECES {
        piece(&served, b"more", None);
    }
    assert!(was_stopped(&served, begun(&served).1));
    let mut read = 0;
    let end = loop {
        match recorded.next().await.unwrap() {
            Ok(_) => read += 1,
            Err(end) => break end,
        }
    };
    assert_eq!(end, crate::rooms::BrokenOff::TooSlow);
    assert_eq!(read, crate::rooms::limits::MAX_RECORDED_PIECES - 1);
    assert!(recorded.next().await.is_none());
}

#[tokio::test]
async fn only_a_rooms_admin_records_and_only_for_a_while() {
    let mut served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    for grants in [create(), list(), admin("cellar")] {
        let refused = served
            .client
            .record_adaptation(with(grants, about("ann", 5)));
        assert_eq!(refused.await.unwrap_err().code(), Code::PermissionDenied);
    }
    let nobody = with(admin("kitchen"), about("bob", 5));
    let nobody = served.client.record_adaptation(nobody).await;
    assert_eq!(nobody.unwrap_err().code(), Code::NotFound);
    for seconds in [0, 3601] {
        let odd = with(admin("kitchen"), about("ann", seconds));
        let odd = served.client.record_adaptation(odd).await;
        assert_eq!(blamed(odd), "duration");
    }
    let mut kept = Vec::new();
    for n in 0..crate::rooms::limits::MAX_RECORDINGS {
        let identity = format!("guest-{n}");
        let joined = recording::join(&served.rooms, "kitchen", &identity);
        let one = with(admin("kitchen"), about(&identity, 5));
        kept.push((joined, served.client.record_adaptation(one).await.unwrap()));
    }
    let one_more = with(admin("kitchen"), about("ann", 5));
    let one_more = served.client.record_adaptation(one_more).await;
    assert_eq!(one_more.unwrap_err().code(), Code::ResourceExhausted);
}

//! The application against media workers that record what they are told; their facts are said by
//! the tests. Time is virtual.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::event::{Event, MediaLoss};
use sfu_core::id::{Mid, ParticipantId, TrackId};
use sfu_core::media::codec::MediaKind;
use sfu_core::media::path::{Path, Protocol};
use tokio::time::Instant;

use super::*;

mod backup;
mod codecs;
mod dynacast;
mod explaining;
mod moderation;
mod news;
mod signals;
mod stream_states;
mod subscription_permissions;
mod watching;
mod wishes;

#[derive(Default)]
struct Recorder(Mutex<Vec<(usize, Command)>>);

impl MediaWorkers for Recorder {
    fn workers(&self) -> usize {
        2
    }

    fn send(&self, worker: usize, command: Command) {
        self.0.lock().unwrap().push((worker, command));
    }
}

struct House {
    rooms: Rooms,
    recorder: Arc<Recorder>,
}

fn house() -> House {
    house_with(Settings::default())
}

fn house_with(settings: Settings) -> House {
    let recorder = Arc::new(Recorder::default());
    let rooms = Rooms::new(settings, Arc::clone(&recorder) as Arc<dyn MediaWorkers>);
    House { rooms, recorder }
}

fn params(identity: &str) -> JoinParams {
    JoinParams {
        room: "kitchen".into(),
        identity: identity.into(),
        name: identity.to_uppercase(),
        metadata: String::new(),
        attributes: BTreeMap::new(),
        permissions: Permissions::default(),
        auto_subscribe: true,
        may_create: false,
        address: IpAddr::from([192, 0, 2, 1]),
        client: "test".into(),
    }
}

fn microphone() -> NewTrack {
    NewTrack {
        name: "microphone".into(),
        ..NewTrack::plain("mic", MediaKind::Audio, TrackSource::Microphone)
    }
}

impl House {
    fn join(&self, identity: &str) -> Joined {
        self.rooms.join(&params(identity)).unwrap()
    }

    /// What was sent since the last call, in short words.
    fn sent(&self) -> Vec<String> {
        let sent = std::mem::take(&mut *self.recorder.0.lock().unwrap());
        sent.iter().map(|(_, command)| words(command)).collect()
    }

    fn newest<T>(&self, pick: impl Fn(&Command) -> Option<T>) -> T {
        let sent = self.recorder.0.lock().unwrap();
        sent.iter()
            .rev()
            .find_map(|(_, command)| pick(command))
            .unwrap()
    }

    fn newest_participant(&self) -> ParticipantId {
        self.newest(|command| match command {
            Command::AddParticipant { participant, .. } => Some(*participant),
            _ => None,
        })
    }

    /// Announces a microphone, and the engine has its section.
    fn publish(&self, joined: &Joined) -> TrackId {
        joined.session.add_track(microphone()).unwrap();
        let track = self.newest(|command| match command {
            Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
            _ => None,
        });
        self.bound(track);
        track
    }

    fn bound(&self, track: TrackId) {
        let mid = Mid::from("1").unwrap();
        self.rooms.handle_event(0, Event::TrackBound { track, mid });
    }

    fn connected(&self, participant: ParticipantId) {
        let address = "127.0.0.1:1".parse().unwrap();
        self.rooms.handle_event(
            0,
            Event::Connected {
                participant,
                path: Path {
                    protocol: Protocol::Udp,
                    local: address,
                    remote: address,
                },
                srtp_profile: "SRTP_AEAD_AES_128_GCM",
            },
        );
    }

    fn media_lost(&self, participant: ParticipantId) {
        let loss = MediaLoss::ConsentExpired;
        self.rooms
            .handle_event(0, Event::MediaLost { participant, loss });
    }

    fn identities(&self) -> Vec<String> {
        let there = self.rooms.list_participants("kitchen").unwrap();
        there.into_iter().map(|one| one.identity).collect()
    }
}

fn words(command: &Command) -> String {
    let local = |id: u64| id & 0xffff_ffff;
    match command {
        Command::AddParticipant { participant, .. } => format!("add {}", local(participant.0)),
        Command::SetPermissions {
            participant,
            permissions,
        } => {
            let (publish, subscribe) = (permissions.publish, permissions.subscribe);
            let who = local(participant.0);
            format!("{who} may publish {publish} subscribe {subscribe}")
        }
        Command::RemoveParticipant { participant } => format!("remove {}", local(participant.0)),
        Command::CloseRoom { room } => format!("close {room}"),
        Command::AnnounceTrack {
            participant,
            announcement,
        } => {
            let track = local(announcement.track.0);
            format!("announce {track} of {}", local(participant.0))
        }
        Command::RemoveTrack { track } => format!("end track {}", local(track.0)),
        Command::SetTrackMuted { track, muted } => format!("mute {} {muted}", local(track.0)),
        Command::Subscribe { participant, track } => {
            format!("{} wants {}", local(participant.0), local(track.0))
        }
        Command::Unsubscribe { participant, track } => {
            format!("{} wants no {}", local(participant.0), local(track.0))
        }
        Command::SetSubscriptionEnabled {
            participant,
            track,
            enabled,
        } => format!("{} has {} {enabled}", local(participant.0), local(track.0)),
        Command::SetLayerWish {
            participant,
            track,
            wish,
        } => {
            let (who, track) = (local(participant.0), local(track.0));
            format!(
                "{who} asks of {track} {:?} {:?}",
                wish.max_quality, wish.max_frame_rate
            )
        }
        Command::SetTrackScreen { track, is_screen } => {
            format!("screen {} {is_screen}", local(track.0))
        }
        Command::ExplainSubscriptions { participant, .. } => {
            format!("why {}", local(participant.0))
        }
        other => panic!("{other:?}"),
    }
}

/// All notices that wait, in short words.
fn told(joined: &mut Joined) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(notice) = joined.notices.next_waiting() {
        words.push(match notice {
            Notice::ParticipantsChanged(changed) => {
                let one = &changed[0];
                let tracks = one.tracks.len();
                let muted = one.tracks.iter().filter(|track| track.muted).count();
                let who = format!("{} {:?}", one.identity, one.state);
                match one.left {
                    Some(reason) => format!("{who} {reason:?}"),
                    None => format!("{who} tracks {tracks} muted {muted}"),
                }
            }
            Notice::TrackPublished { cid, .. } => format!("published {cid}"),
            Notice::TrackUnpublished { .. } => "unpublished".into(),
            Notice::MuteChanged { muted, .. } => format!("muted {muted}"),
            Notice::SelfChanged(me) => format!("is {} v{}", me.name, me.version),
            // Of these there are tests of their own.
            Notice::QualitiesChanged(_) => continue,
            Notice::RoomChanged(room) => format!("room {}", room.metadata),
            Notice::TrackSubscribed { .. } => "subscribed".into(),
            Notice::TrackWanted { codecs, .. } => {
                let codecs = codecs
                    .iter()
                    .map(|one| format!(" {:?} {:?}", one.codec, one.quality));
                format!("wanted{}", codecs.collect::<String>())
            }
            Notice::SubscriptionFailed { track, error } => format!("{track} {error:?}"),
            Notice::Leave { reason } => format!("leave {reason:?}"),
            other => format!("{other:?}"),
        });
    }
    words
}

#[test]
fn making_a_room_again_gives_the_same_room() {
    let house = house();
    let options = RoomOptions {
        name: "kitchen".into(),
        max_participants: Some(2),
        metadata: "m".into(),
        ..RoomOptions::default()
    };
    let made = house.rooms.create_room(&options).unwrap();
    assert!(made.sid.starts_with("RM_") && made.max_participants == 2);
    let again = RoomOptions {
        name: "kitchen".into(),
        ..RoomOptions::default()
    };
    assert_eq!(house.rooms.create_room(&again).unwrap(), made);
    assert_eq!(house.rooms.get_room("kitchen").unwrap(), made);
    assert_eq!(house.rooms.list_rooms(&["attic".into()]), []);
    house.rooms.delete_room("kitchen").unwrap();
    for gone in [
        house.rooms.get_room("kitchen").map(drop),
        house.rooms.delete_room("kitchen"),
        house.rooms.list_participants("kitchen").map(drop),
        house.rooms.remove_participant("kitchen", "ann"),
    ] {
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_ne!(house.rooms.create_room(&options).unwrap().sid, made.sid);
}

#[test]
fn refusals_name_the_field() {
    let house = house();
    let about = |options: RoomOptions| house.rooms.create_room(&options).unwrap_err().about();
    let kitchen = || RoomOptions {
        name: "kitchen".into(),
        ..RoomOptions::default()
    };
    let nameless = RoomOptions::default();
    assert_eq!(about(nameless), Some("name"));
    let metadata = "x".repeat(limits::MAX_METADATA + 1);
    assert_eq!(
        about(RoomOptions {
            metadata,
            ..kitchen()
        }),
        Some("metadata")
    );
    let empty_timeout = Some(limits::MAX_ROOM_TIMEOUT + Duration::from_secs(1));
    assert_eq!(
        about(RoomOptions {
            empty_timeout,
            ..kitchen()
        }),
        Some("empty_timeout")
    );

    let about = |change: fn(&mut JoinParams)| {
        let mut params = params("ann");
        change(&mut params);
        house.rooms.join(&params).unwrap_err().about()
    };
    assert_eq!(about(|params| params.identity.clear()), Some("identity"));
    assert_eq!(
        about(|params| params.identity = "a\nb".into()),
        Some("identity")
    );
    assert_eq!(about(|params| params.room = "x".repeat(257)), Some("room"));
    assert_eq!(about(|params| params.name = "x".repeat(257)), Some("name"));
    assert_eq!(
        about(|params| {
            let value = "x".repeat(limits::MAX_ATTRIBUTES);
            params.attributes.insert("k".into(), value);
        }),
        Some("attributes")
    );
    assert_eq!(house.rooms.counts(), Counts::default());
}

#[test]
fn a_track_reaches_everyone_who_wants_everything() {
    let house = house();
    let mut ann = house.join("ann");
    let mut bob = house.join("bob");
    let mut carl = house.rooms.join(&JoinParams {
        auto_subscribe: false,
        ..params("carl")
    });
    let carl = carl.as_mut().unwrap();
    let mut mute = params("dora");
    mute.permissions.subscribe = false;
    let _dora = house.rooms.join(&mute).unwrap();
    assert_eq!(told(&mut ann).len(), 3);
    told(&mut bob);
    told(carl);
    house.sent();

    ann.session.add_track(microphone()).unwrap();
    assert_eq!(
        told(&mut bob),
        [""; 0],
        "nobody hears of a track without a section"
    );
    house.bound(ids::track_id(1, 1));
    assert_eq!(house.sent(), ["announce 1 of 1", "2 wants 1"]);
    assert_eq!(told(&mut ann), ["published mic", "subscribed"]);
    assert_eq!(told(&mut bob), ["ann Joined tracks 1 muted 0"]);

    let sid = house
        .rooms
        .get_participant("kitchen", "ann")
        .unwrap()
        .tracks[0]
        .sid
        .clone();
    told(carl);
    carl.session.subscribe(&[sid.clone(), "TR_none".into()]);
    assert_eq!(told(carl), ["TR_none TrackNotFound"]);
    carl.session.set_enabled(std::slice::from_ref(&sid), false);
    carl.session.unsubscribe(std::slice::from_ref(&sid));
    carl.session.unsubscribe(std::slice::from_ref(&sid));
    assert_eq!(house.sent(), ["3 wants 1", "3 has 1 false", "3 wants no 1"]);

    let eve = house.join("eve");
    assert_eq!(eve.others[0].tracks.len(), 1);
    assert_eq!(house.sent(), ["add 5", "5 wants 1"]);
    let counts = house.rooms.counts();
    assert_eq!(
        (counts.participants, counts.tracks, counts.subscriptions),
        (5, 1, 2)
    );
}

#[test]
fn a_subscriber_without_the_right_is_refused() {
    let house = house();
    let ann = house.join("ann");
    house.publish(&ann);
    let sid = house
        .rooms
        .get_participant("kitchen", "ann")
        .unwrap()
        .tracks[0]
        .sid
        .clone();
    let mut params = params("bob");
    params.permissions.subscribe = false;
    let mut bob = house.rooms.join(&params).unwrap();
    house.sent();
    bob.session.subscribe(std::slice::from_ref(&sid));
    assert_eq!(told(&mut bob), [format!("{sid} NotAllowed")]);
    assert_eq!(house.sent(), [""; 0]);
}

#[test]
fn announcing_again_is_the_same_track_until_it_is_bound() {
    let house = house();
    let mut ann = house.join("ann");
    ann.session.add_track(microphone()).unwrap();
    ann.session.add_track(microphone()).unwrap();
    assert_eq!(house.sent(), ["add 1", "announce 1 of 1"]);
    house.bound(ids::track_id(1, 1));
    // The same source, published a second time before the engine has seen that it ended.
    ann.session.add_track(microphone()).unwrap();
    assert_eq!(house.sent(), ["announce 2 of 1"]);
    assert_eq!(told(&mut ann), ["published mic"; 3]);
}

#[test]
fn a_stream_is_named_after_its_publisher_and_what_plays_in_step_shares_it() {
    let house = house();
    let ann = house.join("ann");
    let announced = |source, stream: &str| {
        let track = NewTrack {
            cid: format!("{source:?} {stream}"),
            source,
            stream: stream.into(),
            ..microphone()
        };
        ann.session.add_track(track).unwrap();
        house.newest(|command| match command {
            Command::AnnounceTrack { announcement, .. } => Some(announcement.stream_label.clone()),
            _ => None,
        })
    };
    let sid = &ann.me.sid;
    let camera = announced(TrackSource::Camera, "");
    assert_eq!(camera, format!("{sid}|camera"));
    assert_eq!(announced(TrackSource::Microphone, ""), camera);
    let screen = announced(TrackSource::ScreenShare, "");
    assert_eq!(screen, format!("{sid}|screen"));
    assert_eq!(announced(TrackSource::ScreenShareAudio, ""), screen);
    let own = announced(TrackSource::Microphone, "choir");
    assert_eq!(own, format!("{sid}|choir"));
}

#[test]
fn a_track_is_muted_by_its_publisher_only() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    house.publish(&ann);
    let sid = house
        .rooms
        .get_participant("kitchen", "ann")
        .unwrap()
        .tracks[0]
        .sid
        .clone();
    told(&mut bob);
    house.sent();
    assert_eq!(
        bob.session.mute(&sid, true).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        ann.session.mute("TR_none", true).unwrap_err().about(),
        Some("track_sid")
    );
    ann.session.mute(&sid, true).unwrap();
    ann.session.mute(&sid, true).unwrap();
    assert_eq!(house.sent(), ["mute 1 true"]);
    assert_eq!(told(&mut bob), ["ann Joined tracks 1 muted 1"]);
}

#[test]
fn a_track_whose_section_stops_is_over_for_everyone() {
    let house = house();
    let mut ann = house.join("ann");
    let mut bob = house.join("bob");
    let track = house.publish(&ann);
    told(&mut ann);
    told(&mut bob);
    house.sent();
    house.rooms.handle_event(0, Event::TrackUnbound { track });
    house.rooms.handle_event(0, Event::TrackUnbound { track });
    assert_eq!(house.sent(), ["end track 1"]);
    assert_eq!(told(&mut ann), ["unpublished"]);
    assert_eq!(told(&mut bob), ["ann Joined tracks 0 muted 0"]);
    let counts = house.rooms.counts();
    assert_eq!((counts.tracks, counts.subscriptions), (0, 0));
}

#[test]
fn publishing_is_bounded_by_right_and_by_number() {
    let house = house();
    let mut some = params("ann");
    some.permissions.sources = vec![TrackSource::Camera];
    let ann = house.rooms.join(&some).unwrap();
    let refused = ann.session.add_track(microphone()).unwrap_err();
    assert_eq!(
        (refused.kind(), refused.about()),
        (ErrorKind::PermissionDenied, Some("source"))
    );
    let bob = house.join("bob");
    let numbered = |n: usize| NewTrack {
        cid: n.to_string(),
        ..microphone()
    };
    for n in 0..limits::MAX_TRACKS_PER_PARTICIPANT {
        bob.session.add_track(numbered(n)).unwrap();
    }
    let refused = bob.session.add_track(numbered(99)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
    let nameless = NewTrack {
        cid: String::new(),
        ..microphone()
    };
    assert_eq!(
        bob.session.add_track(nameless).unwrap_err().about(),
        Some("cid")
    );
}

#[test]
fn the_same_identity_again_ends_the_older_session() {
    let house = house();
    let mut bob = house.join("bob");
    let mut older = house.join("ann");
    house.publish(&older);
    let newer = house.join("ann");
    assert_eq!(told(&mut older).last().unwrap(), "leave DuplicateIdentity");
    let news = told(&mut bob);
    assert_eq!(
        news[news.len() - 2..],
        [
            "ann Disconnected DuplicateIdentity",
            "ann Joined tracks 0 muted 0",
        ]
    );
    house.sent();
    // The older session's hold is void.
    older.session.leave();
    older.session.add_track(microphone()).unwrap();
    drop(older);
    assert_eq!(house.sent(), [""; 0]);
    assert_eq!(house.identities(), ["bob", "ann"]);
    assert_eq!(
        newer.me.sid,
        house.rooms.get_participant("kitchen", "ann").unwrap().sid
    );
}

#[test]
fn a_full_room_lets_in_only_who_replaces_itself() {
    let house = house();
    let options = RoomOptions {
        name: "kitchen".into(),
        max_participants: Some(2),
        ..RoomOptions::default()
    };
    house.rooms.create_room(&options).unwrap();
    let _ann = house.join("ann");
    let _bob = house.join("bob");
    let refused = house.rooms.join(&params("carl")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
    let _again = house.join("ann");
    assert_eq!(house.identities(), ["bob", "ann"]);
}

#[tokio::test(start_paused = true)]
async fn joins_of_one_address_are_limited_in_time() {
    let house = house_with(Settings {
        joins_per_second: 1,
        join_burst: 2,
        ..Settings::default()
    });
    house.join("a");
    house.join("b");
    let refused = house.rooms.join(&params("c")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    let elsewhere = JoinParams {
        address: IpAddr::from([192, 0, 2, 2]),
        ..params("d")
    };
    assert!(house.rooms.join(&elsewhere).is_ok());
    tokio::time::advance(Duration::from_secs(1)).await;
    house.join("c");
}

#[test]
fn a_track_that_is_named_often_in_one_request_is_one_command() {
    let house = house();
    let ann = house.join("ann");
    let bob = house.join("bob");
    house.publish(&ann);
    let ann = house.rooms.get_participant("kitchen", "ann").unwrap();
    let often = vec![ann.tracks[0].sid.clone(); 9];
    house.sent();
    bob.session.set_enabled(&often, false);
    bob.session.unsubscribe(&often);
    assert_eq!(house.sent(), ["2 has 1 false", "2 wants no 1"]);
}

#[test]
fn of_a_hidden_participant_nobody_is_told() {
    let house = house();
    let mut ann = house.join("ann");
    let mut hidden = params("ghost");
    hidden.permissions.hidden = true;
    let ghost = house.rooms.join(&hidden).unwrap();
    assert_eq!(ghost.others.len(), 1);
    let bob = house.join("bob");
    assert_eq!(bob.others.len(), 1);
    ghost.session.leave();
    assert_eq!(told(&mut ann), ["bob Joined tracks 0 muted 0"]);
    assert_eq!(house.rooms.get_room("kitchen").unwrap().num_participants, 2);
}

#[test]
fn who_does_not_read_is_ended_and_nobody_else() {
    let house = house();
    let mut deaf = house.join("deaf");
    let mut ann = house.join("ann");
    let mut heard = Vec::new();
    for n in 0..limits::OUTBOX {
        let text = n.to_string();
        house.rooms.update_room_metadata("kitchen", &text).unwrap();
        heard.extend(told(&mut ann));
    }
    assert_eq!(house.identities(), ["ann"]);
    assert!(heard.contains(&"deaf Disconnected TooSlow".to_owned()));
    assert_eq!(deaf.notices.ended(), Some(LeaveReason::TooSlow));
    assert_eq!(told(&mut deaf).len(), limits::OUTBOX);
}

#[tokio::test(start_paused = true)]
async fn signalling_alone_may_be_lost_while_media_lives() {
    let house = house();
    let _bob = house.join("bob");
    let ann = house.join("ann");
    let id = house.newest_participant();
    house.connected(id);
    drop(ann);
    house
        .rooms
        .sweep(Instant::now() + Duration::from_secs(3600));
    assert_eq!(house.identities(), ["bob", "ann"]);
    house.media_lost(id);
    let tick = Duration::from_millis(1);
    let media_lost = Instant::now() + limits::MEDIA_LOST_AFTER;
    house.rooms.sweep(media_lost - tick);
    assert_eq!(house.identities(), ["bob", "ann"]);
    house.sent();
    house.rooms.sweep(media_lost);
    assert_eq!(house.identities(), ["bob"]);
    assert_eq!(house.sent(), ["remove 2"]);
}

#[tokio::test(start_paused = true)]
async fn lost_media_is_mended_by_a_new_join() {
    let house = house();
    let mut ann = house.join("ann");
    let id = house.newest_participant();
    house.rooms.sweep(Instant::now() + Duration::from_secs(200));
    assert_eq!(
        house.identities(),
        ["ann"],
        "media that never came up is the client's affair"
    );
    house.connected(id);
    house.media_lost(id);
    house.rooms.sweep(Instant::now() + limits::MEDIA_LOST_AFTER);
    assert_eq!(told(&mut ann), ["leave MediaLost"]);
    assert!(LeaveReason::MediaLost.may_rejoin());
}

#[test]
fn a_session_whose_media_is_gone_is_not_resumed() {
    let house = house();
    let ann = house.join("ann");
    let id = house.newest_participant();
    let sid = ann.me.sid.clone();
    house.connected(id);
    drop(ann);
    house.media_lost(id);
    let refused = house.rooms.resume(&params("ann"), &sid).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let again = house.join("ann");
    assert_ne!(again.me.sid, sid);
    assert_eq!(house.identities(), ["ann"]);
}

#[tokio::test(start_paused = true)]
async fn empty_rooms_end_in_their_time() {
    let house = house();
    let options = RoomOptions {
        name: "kitchen".into(),
        ..RoomOptions::default()
    };
    house.rooms.create_room(&options).unwrap();
    let there = |after: Duration| {
        house.rooms.sweep(Instant::now() + after);
        house.rooms.get_room("kitchen").is_ok()
    };
    let tick = Duration::from_millis(1);
    assert!(there(limits::EMPTY_TIMEOUT - tick));
    let ann = house.join("ann");
    assert!(there(limits::EMPTY_TIMEOUT * 2), "somebody is in it");
    ann.session.leave();
    assert!(there(limits::DEPARTURE_TIMEOUT - tick));
    house.sent();
    assert!(!there(limits::DEPARTURE_TIMEOUT));
    assert_eq!(house.sent(), ["close 1"]);
    assert_eq!(house.rooms.counts(), Counts::default());
    let again = house.join("ann");
    assert_ne!(again.room.sid, ann.session.sid());
}

#[tokio::test(start_paused = true)]
async fn time_is_kept_by_itself() {
    let house = house();
    let ann = house.join("ann");
    ann.session.leave();
    let keeping = tokio::spawn(house.rooms.clone().keep_time());
    tokio::time::sleep(limits::DEPARTURE_TIMEOUT + limits::SWEEP_INTERVAL * 2).await;
    assert!(house.rooms.get_room("kitchen").is_err());
    keeping.abort();
}

#[test]
fn a_failed_room_ends_and_the_one_beside_it_does_not() {
    let house = house();
    let mut ann = house.join("ann");
    let mut beside = house
        .rooms
        .join(&JoinParams {
            room: "attic".into(),
            ..params("bob")
        })
        .unwrap();
    let room = ids::room_id(1);
    house.rooms.handle_event(0, Event::RoomFailed { room });
    assert_eq!(told(&mut ann), ["leave RoomFailed"]);
    assert_eq!(told(&mut beside), [""; 0]);
    let names: Vec<_> = house
        .rooms
        .list_rooms(&[])
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(names, ["attic"]);
    assert_eq!(house.join("ann").room.num_participants, 1);
}

#[test]
fn shutting_down_tells_everyone_and_lets_nobody_in() {
    let house = house();
    let mut ann = house.join("ann");
    house.rooms.shut_down();
    assert_eq!(told(&mut ann), ["leave ServerShutdown"]);
    assert_eq!(
        house.rooms.join(&params("bob")).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(house.rooms.counts(), Counts::default());
}

#[test]
fn a_room_is_wholly_on_one_worker_and_rooms_are_spread() {
    let house = house();
    let join = |room: &str, identity: &str| {
        let params = JoinParams {
            room: room.into(),
            ..params(identity)
        };
        house.rooms.join(&params).unwrap()
    };
    let kept = [
        join("a", "1"),
        join("a", "2"),
        join("b", "1"),
        join("c", "1"),
        join("a", "3"),
        join("d", "1"),
    ];
    let mut workers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (worker, command) in &*house.recorder.0.lock().unwrap() {
        if let Command::AddParticipant { room, .. } = command {
            workers
                .entry(ids::room_number(*room))
                .or_default()
                .push(*worker);
        }
    }
    // Two people are in `a` when `b` is made, one is in `b` when `c` is, two and three at `d`.
    let expected = [(1, vec![0, 0, 0]), (2, vec![1]), (3, vec![1]), (4, vec![1])];
    assert_eq!(workers, BTreeMap::from(expected));
    drop(kept);
}

#[test]
fn own_metadata_changes_with_the_right_and_is_merged() {
    let house = house();
    let ann = house.join("ann");
    let refused = ann
        .session
        .update_own("x", "", BTreeMap::new())
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    let mut params = params("bob");
    params.permissions.update_own_metadata = true;
    params.attributes = BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
    let bob = house.rooms.join(&params).unwrap();
    let change = BTreeMap::from([("a".into(), String::new()), ("c".into(), "3".into())]);
    bob.session.update_own("Robert", "", change).unwrap();
    let info = house.rooms.get_participant("kitchen", "bob").unwrap();
    let expected = BTreeMap::from([("b".into(), "2".into()), ("c".into(), "3".into())]);
    assert_eq!((info.name.as_str(), info.attributes), ("Robert", expected));
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_session_goes_on_and_its_older_hold_is_void() {
    let house = house();
    let bob = house.join("bob");
    let carl = house.join("carl");
    let mut older = house.join("ann");
    house.publish(&older);
    let pending = NewTrack {
        cid: "late".into(),
        ..microphone()
    };
    older.session.add_track(pending).unwrap();
    let sid = older.me.sid.clone();
    carl.session.leave();
    told(&mut older);
    house.sent();

    let mut newer = house.rooms.resume(&params("ann"), &sid).unwrap();
    assert_eq!(
        (newer.me.sid.as_str(), newer.me.tracks.len()),
        (sid.as_str(), 1)
    );
    let names = |infos: &[ParticipantInfo]| -> Vec<String> {
        infos.iter().map(|one| one.identity.clone()).collect()
    };
    assert_eq!(
        (names(&newer.others), names(&newer.departed)),
        (vec!["bob".to_owned()], vec!["carl".to_owned()])
    );
    let repeated: Vec<_> = newer
        .repeated
        .iter()
        .map(|one| format!("{one:?}"))
        .collect();
    assert!(
        repeated.len() == 1 && repeated[0].contains("late"),
        "{repeated:?}"
    );

    assert!(
        older.notices.next().await.is_none(),
        "the older socket has nothing more to say"
    );
    older.session.leave();
    drop(older);
    bob.session.leave();
    assert_eq!(told(&mut newer), ["bob Disconnected ClientInitiated"]);
    house
        .rooms
        .sweep(Instant::now() + Duration::from_secs(3600));
    assert_eq!(house.identities(), ["ann"]);
    assert_eq!(house.sent(), ["remove 1"]);

    drop(newer);
    house.rooms.sweep(Instant::now() + limits::GONE_AFTER);
    let late = house.rooms.resume(&params("ann"), &sid).unwrap_err();
    assert_eq!(
        (late.kind(), late.about()),
        (ErrorKind::NotFound, Some("identity"))
    );
}

#[test]
fn a_session_is_resumed_by_its_own_identity_and_sid_only() {
    let house = house();
    let ann = house.join("ann");
    let bob = house.join("bob");
    for (identity, sid) in [
        ("ann", &bob.me.sid),
        ("bob", &ann.me.sid),
        ("carl", &ann.me.sid),
    ] {
        let refused = house.rooms.resume(&params(identity), sid).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound);
    }
}

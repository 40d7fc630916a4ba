//! Watching a room: in order, without a gap, and never at the room's cost.

use futures_util::FutureExt;

use super::*;
use limits::{MAX_WATCHERS, MAX_WATCHERS_PER_ROOM, WATCH_LOG, WATCH_LOG_BYTES, WATCH_LOG_KEEP};

impl House {
    fn watch(&self) -> Watch {
        self.rooms.watch("kitchen", None).unwrap()
    }

    fn watch_from(&self, room_sid: &str, after: u64) -> Result<Watch, ApiError> {
        let room_sid = room_sid.to_owned();
        let from = WatchFrom { room_sid, after };
        self.rooms.watch("kitchen", Some(&from))
    }

    fn kitchen(&self) -> RoomInfo {
        let name = "kitchen".to_owned();
        let options = RoomOptions {
            name,
            ..RoomOptions::default()
        };
        self.rooms.create_room(&options).unwrap()
    }

    fn say(&self, text: &str) {
        self.rooms.update_room_metadata("kitchen", text).unwrap();
    }
}

fn words_of(event: &RoomEvent) -> String {
    match event {
        RoomEvent::ParticipantJoined(info) => format!("{} joined", info.identity),
        RoomEvent::ParticipantActive(info) => format!("{} {:?}", info.identity, info.state),
        RoomEvent::ParticipantUpdated(info) => {
            format!("{} updated {:?} {}", info.identity, info.state, info.name)
        }
        RoomEvent::ParticipantLeft(info) => format!("{} left {:?}", info.identity, info.left),
        RoomEvent::TrackPublished(by, track) => format!("{} published {}", by.identity, track.name),
        RoomEvent::TrackMuteChanged(by, track) => format!("{} muted {}", by.identity, track.muted),
        RoomEvent::TrackUnpublished(by, _) => format!("{} unpublished", by.identity),
        RoomEvent::RoomUpdated(info) => format!("room {}", info.metadata),
        RoomEvent::RoomEnded(reason) => format!("ended {reason:?}"),
        RoomEvent::SpeakersChanged(speakers) => format!("{} speak", speakers.len()),
    }
}

/// All that waits for the watcher, as words; each is the next in number.
fn heard(watch: &mut Watch) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(Some(next)) = watch.events.next().now_or_never() {
        let recorded = next.unwrap();
        watch.sequence += 1;
        assert_eq!(recorded.sequence, watch.sequence, "a gap");
        words.push(words_of(&recorded.event));
    }
    words
}

#[test]
fn a_watcher_hears_everything_in_order() {
    let house = house();
    house.kitchen();
    let mut watch = house.watch();
    assert_eq!(watch.sequence, 0);
    let ann = house.join("ann");
    let id = house.newest_participant();
    house.connected(id);
    let track = house.publish(&ann);
    let sid = house
        .rooms
        .get_participant("kitchen", "ann")
        .unwrap()
        .tracks[0]
        .sid
        .clone();
    house.bound(track);
    ann.session.mute(&sid, true).unwrap();
    ann.session.mute(&sid, true).unwrap();
    ann.session.mute(&sid, false).unwrap();
    house.rooms.handle_event(0, Event::TrackUnbound { track });
    house.media_lost(id);
    let update = ParticipantUpdate {
        name: Some("Annie".into()),
        ..ParticipantUpdate::default()
    };
    house
        .rooms
        .update_participant("kitchen", "ann", update)
        .unwrap();
    house.say("tea");
    house.publish(&ann);
    house.rooms.remove_participant("kitchen", "ann").unwrap();
    let expected = [
        "ann joined",
        "ann Active",
        "ann published microphone",
        "ann muted true",
        "ann muted false",
        "ann unpublished",
        "ann updated Joined ANN",
        "ann updated Joined Annie",
        "room tea",
        "ann published microphone",
        "ann unpublished",
        "ann left Some(ParticipantRemoved)",
    ];
    assert_eq!(heard(&mut watch), expected);
}

#[test]
fn what_nobody_was_told_of_is_no_event() {
    let house = house();
    house.kitchen();
    let ann = house.join("ann");
    let mut watch = house.watch();
    ann.session.add_track(microphone()).unwrap();
    ann.session.leave();
    assert_eq!(heard(&mut watch), ["ann left Some(ClientInitiated)"]);
}

#[test]
fn a_watch_begins_with_all_that_was_told_before() {
    let house = house();
    let _ann = house.join("ann");
    let mut hidden = params("ghost");
    hidden.permissions.hidden = true;
    let _ghost = house.rooms.join(&hidden).unwrap();
    let mut watch = house.watch();
    // Counted from the room's beginning, though nobody watched then.
    assert_eq!(watch.sequence, 2);
    let Snapshot {
        room, participants, ..
    } = watch.snapshot.take().unwrap();
    assert_eq!((room.name.as_str(), room.num_participants), ("kitchen", 1));
    let who: Vec<_> = participants
        .iter()
        .map(|one| one.identity.as_str())
        .collect();
    assert_eq!(who, ["ann", "ghost"]);
    assert!(participants[1].permissions.hidden);
    assert_eq!(heard(&mut watch), [""; 0], "nothing is told twice");
    let _bob = house.join("bob");
    assert_eq!(heard(&mut watch), ["bob joined"]);
}

#[test]
fn the_same_identity_leaves_before_it_joins_anew() {
    let house = house();
    let _first = house.join("ann");
    let mut watch = house.watch();
    let _second = house.join("ann");
    assert_eq!(
        heard(&mut watch),
        ["ann left Some(DuplicateIdentity)", "ann joined"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_was_cut_off_goes_on_where_it_was() {
    let house = house();
    let sid = house.kitchen().sid;
    let mut watch = house.watch();
    house.say("1");
    assert_eq!(heard(&mut watch), ["room 1"]);
    let after = watch.sequence;
    drop(watch);
    house.say("2");
    tokio::time::advance(WATCH_LOG_KEEP).await;
    house.rooms.sweep(Instant::now());
    let mut watch = house.watch_from(&sid, after).unwrap();
    assert!(watch.snapshot.is_none());
    assert_eq!(heard(&mut watch), ["room 2"]);
    assert!(
        house.watch_from(&sid, 2).unwrap().snapshot.is_none(),
        "nothing was missed"
    );
    assert!(
        house.watch_from(&sid, 0).unwrap().snapshot.is_none(),
        "all of it is there"
    );
    assert!(house.watch_from("RM_other", 1).unwrap().snapshot.is_some());
    let error = house.watch_from(&sid, 3).unwrap_err();
    assert_eq!(error.about(), Some("after_sequence"));

    drop(watch);
    tokio::time::advance(WATCH_LOG_KEEP + Duration::from_secs(1)).await;
    house.rooms.sweep(Instant::now());
    assert!(
        house.watch_from(&sid, after).unwrap().snapshot.is_some(),
        "it is forgotten"
    );
}

#[test]
fn who_reads_too_slowly_is_ended_alone() {
    let house = house();
    let sid = house.kitchen().sid;
    let (mut slow, mut fast) = (house.watch(), house.watch());
    for round in 0..=WATCH_LOG {
        house.say(&format!("{round}"));
        assert_eq!(heard(&mut fast).len(), 1);
        let left = if round < WATCH_LOG { 2 } else { 1 };
        assert_eq!(house.rooms.watchers(), left, "its place is free at once");
    }
    let lost = slow.events.next().now_or_never().unwrap();
    assert_eq!(lost, Some(Err(TooSlow)));
    assert_eq!(slow.events.next().now_or_never(), Some(None));
    assert!(house.watch_from(&sid, 0).unwrap().snapshot.is_some());
    let mut oldest = house.watch_from(&sid, 1).unwrap();
    assert!(oldest.snapshot.is_none());
    assert_eq!(heard(&mut oldest).len(), WATCH_LOG);
}

#[test]
fn large_texts_are_kept_up_to_a_bound() {
    let house = house();
    house.kitchen();
    let mut slow = house.watch();
    let large = "x".repeat(limits::MAX_METADATA - 10);
    let fits = WATCH_LOG_BYTES / limits::MAX_METADATA;
    for round in 0..fits + 2 {
        house.say(&format!("{round}{large}"));
    }
    assert_eq!(
        slow.events.next().now_or_never().unwrap(),
        Some(Err(TooSlow))
    );
}

#[test]
fn a_watch_ends_with_its_room() {
    let house = house();
    let sid = house.kitchen().sid;
    let _ann = house.join("ann");
    let mut watch = house.watch();
    house.rooms.delete_room("kitchen").unwrap();
    assert_eq!(heard(&mut watch), ["ended RoomDeleted"]);
    assert_eq!(watch.events.next().now_or_never(), Some(None));
    assert_eq!(
        house.rooms.watch("kitchen", None).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    // The room's next life is another one's: its numbers are not the former's.
    let _bob = house.join("bob");
    assert!(house.watch_from(&sid, 1).unwrap().snapshot.is_some());
}

#[tokio::test]
async fn a_waiting_watcher_is_woken() {
    let house = house();
    house.kitchen();
    let mut watch = house.watch();
    let waiting = tokio::spawn(async move {
        let next = watch.events.next().await.unwrap().unwrap();
        words_of(&next.event)
    });
    tokio::task::yield_now().await;
    house.say("hello");
    assert_eq!(waiting.await.unwrap(), "room hello");
}

#[test]
fn watchers_are_bounded() {
    let house = house();
    let mut watches = Vec::new();
    let full = |room: String| house.rooms.watch(&room, None).unwrap_err().kind();
    for number in 0..MAX_WATCHERS / MAX_WATCHERS_PER_ROOM {
        let name = format!("room {number}");
        let options = RoomOptions {
            name: name.clone(),
            ..RoomOptions::default()
        };
        house.rooms.create_room(&options).unwrap();
        for _ in 0..MAX_WATCHERS_PER_ROOM {
            watches.push(house.rooms.watch(&name, None).unwrap());
        }
        if number == 0 {
            assert_eq!(full(name), ErrorKind::ResourceExhausted);
        }
    }
    house.kitchen();
    assert_eq!(full("kitchen".into()), ErrorKind::ResourceExhausted);
    assert_eq!(house.rooms.watchers(), MAX_WATCHERS);
    watches.clear();
    assert_eq!(house.rooms.watchers(), 0);
    house.watch();
}

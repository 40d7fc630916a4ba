//! Who speaks, and how connections do.

use sfu_core::event::{ConnectionStatistics, LinkStatistics, Speaker as Sound};
use sfu_core::id::RoomId;

use super::*;

fn room() -> RoomId {
    ids::room_id(1)
}

impl House {
    fn sounds(&self, sounds: &[(TrackId, u8)]) {
        let speakers = sounds.iter().map(|(track, level_dbov)| Sound {
            track: *track,
            level_dbov: *level_dbov,
        });
        let event = Event::SpeakersChanged {
            room: room(),
            speakers: speakers.collect(),
        };
        self.rooms.handle_event(0, event);
    }

    fn dominant(&self, track: Option<TrackId>) {
        let room = room();
        let event = Event::DominantSpeaker { room, track };
        self.rooms.handle_event(0, event);
    }

    /// Two seconds with so many losses of 100 packets each way.
    fn statistics(&self, participant: ParticipantId, lost: u64) {
        self.statistics_of(participant, 100, lost);
    }

    /// Two seconds with so many losses of so many packets each way.
    fn statistics_of(&self, participant: ParticipantId, expected: u64, lost: u64) {
        let link = LinkStatistics {
            expected,
            lost,
            jitter: Duration::ZERO,
        };
        let statistics = ConnectionStatistics {
            received: link,
            sent: link,
            rtt: None,
        };
        self.rooms.handle_event(
            0,
            Event::ConnectionStatistics {
                participant,
                statistics,
            },
        );
    }
}

/// What was told of speakers and qualities, by identity or sid.
fn signals(joined: &mut Joined) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(notice) = joined.notices.next_waiting() {
        match notice {
            Notice::SpeakersChanged(changed) => {
                let one =
                    |one: &Speaker| format!("{} {:.2} {}", one.identity, one.level, one.active);
                words.push(changed.iter().map(one).collect::<Vec<_>>().join(", "));
            }
            Notice::QualitiesChanged(changed) => {
                let one = |one: &QualityInfo| format!("{} {:?}", one.sid, one.quality);
                words.push(changed.iter().map(one).collect::<Vec<_>>().join(", "));
            }
            Notice::ParticipantsChanged(changed) if changed[0].left.is_some() => {
                words.push(format!("{} left", changed[0].identity));
            }
            _ => {}
        }
    }
    words
}

#[test]
fn everyone_is_told_what_changed_of_who_speaks() {
    let house = house();
    let mut ann = house.join("ann");
    let mut bob = house.join("bob");
    let (one, other) = (house.publish(&ann), house.publish(&bob));
    house.sounds(&[(other, 6), (one, 20)]);
    let told = ["bob 0.50 true, ann 0.10 true"];
    assert_eq!(signals(&mut ann), told);
    assert_eq!(signals(&mut bob), told);
    house.sounds(&[(other, 6), (one, 26)]);
    assert_eq!(signals(&mut ann), ["ann 0.05 true"]);
    let mut late = house.join("carl");
    assert_eq!(signals(&mut late), ["bob 0.50 true, ann 0.05 true"]);
    signals(&mut ann);
    house.sounds(&[(one, 26)]);
    assert_eq!(signals(&mut ann), ["bob 0.00 false"]);
    house.sounds(&[(one, 26)]);
    assert_eq!(signals(&mut ann), [""; 0]);
}

#[test]
fn who_leads_is_told_as_the_loudest() {
    let house = house();
    let mut ann = house.join("ann");
    let bob = house.join("bob");
    let (one, other) = (house.publish(&ann), house.publish(&bob));
    house.dominant(Some(one));
    house.sounds(&[(one, 26), (other, 20)]);
    assert_eq!(signals(&mut ann), ["ann 0.11 true, bob 0.10 true"]);
    house.dominant(Some(other));
    house.sounds(&[(other, 20), (one, 26)]);
    assert_eq!(signals(&mut ann), ["ann 0.05 true"]);
    // Nobody is louder than full scale.
    house.dominant(Some(one));
    house.sounds(&[(one, 26), (other, 0)]);
    assert_eq!(signals(&mut ann), ["ann 1.00 true, bob 0.89 true"]);
    house.dominant(None);
    house.sounds(&[(other, 20), (one, 26)]);
    assert_eq!(signals(&mut ann), ["bob 0.10 true, ann 0.05 true"]);
    house.dominant(Some(ids::track_id(1, 99)));
    house.sounds(&[(other, 20), (one, 20)]);
    assert_eq!(signals(&mut ann), ["ann 0.10 true"]);
}

#[test]
fn the_engine_is_told_which_sound_is_no_voice() {
    let house = house();
    let ann = house.join("ann");
    let screen = NewTrack {
        cid: "screen".into(),
        source: TrackSource::ScreenShareAudio,
        ..microphone()
    };
    ann.session.add_track(screen).unwrap();
    house.publish(&ann);
    let told = house.newest(|command| match command {
        Command::SetTrackVoice { track, is_voice } => Some((*track, *is_voice)),
        _ => None,
    });
    assert_eq!(told, (ids::track_id(1, 1), false), "and no other");
}

#[test]
fn a_speaker_that_leaves_has_stopped_before_it_is_gone() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    let one = house.publish(&ann);
    house.sounds(&[(one, 20)]);
    signals(&mut bob);
    ann.session.leave();
    assert_eq!(signals(&mut bob), ["ann 0.00 false", "ann left"]);
    house.sounds(&[]);
    house.sounds(&[(one, 20)]);
    assert_eq!(signals(&mut bob), [""; 0], "nothing of what is gone");
}

#[test]
fn hidden_people_and_screens_do_not_speak() {
    let house = house();
    let mut hidden = params("eve");
    hidden.permissions.hidden = true;
    let eve = house.rooms.join(&hidden).unwrap();
    let mut ann = house.join("ann");
    let unseen = house.publish(&eve);
    let screen = NewTrack {
        cid: "screen".into(),
        source: TrackSource::ScreenShareAudio,
        ..microphone()
    };
    ann.session.add_track(screen).unwrap();
    house.bound(ids::track_id(1, 2));
    house.sounds(&[(unseen, 10), (ids::track_id(1, 2), 12)]);
    assert_eq!(signals(&mut ann), [""; 0]);
}

impl House {
    fn hide(&self, identity: &str, hidden: bool) {
        let permission = Some(Permissions {
            hidden,
            ..Permissions::default()
        });
        let update = ParticipantUpdate {
            permission,
            ..ParticipantUpdate::default()
        };
        let updated = self.rooms.update_participant("kitchen", identity, update);
        updated.unwrap();
    }
}

#[test]
fn who_is_hidden_from_now_on_is_neither_seen_nor_heard_until_it_is_shown_again() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    let one = house.publish(&ann);
    house.sounds(&[(one, 20)]);
    told(&mut bob);
    house.sent();
    house.hide("ann", true);
    assert_eq!(house.sent(), ["2 wants no 1"]);
    let last = told(&mut bob);
    assert!(
        last.len() == 2 && last[0].contains("active: false"),
        "{last:?}"
    );
    assert_eq!(last[1], "ann Disconnected tracks 0 muted 0");

    let mut carl = house.join("carl");
    assert_eq!(told(&mut carl), [""; 0]);
    house.sounds(&[]);
    let sid = house
        .rooms
        .get_participant("kitchen", "ann")
        .unwrap()
        .tracks[0]
        .sid
        .clone();
    told(&mut bob);
    bob.session.subscribe(std::slice::from_ref(&sid));
    assert_eq!(told(&mut bob), [format!("{sid} TrackNotFound")]);
    assert_eq!(house.sent(), ["add 3"]);

    house.hide("ann", false);
    assert_eq!(house.sent(), ["2 wants 1", "3 wants 1"]);
    assert_eq!(told(&mut carl), ["ann Joined tracks 1 muted 0"]);
}

#[test]
fn a_hidden_participant_s_tracks_tell_nobody_of_it() {
    let house = house();
    let _ann = house.join("ann");
    let mut hidden = params("eve");
    hidden.permissions.hidden = true;
    let mut eve = house.rooms.join(&hidden).unwrap();
    house.sent();
    house.publish(&eve);
    house.join("late");
    assert_eq!(house.sent(), ["announce 1 of 2", "add 3"]);
    assert_eq!(told(&mut eve)[0], "published mic");
}

#[tokio::test(start_paused = true)]
async fn who_was_without_signalling_is_told_who_was_hidden_meanwhile() {
    let house = house();
    let ann = house.join("ann");
    let bob = house.join("bob");
    let sids = (ann.me.sid.clone(), bob.me.sid.clone());
    drop((ann, bob));
    house.hide("ann", true);
    let departed = |identity, sid| {
        let again = house.rooms.resume(&params(identity), sid).unwrap();
        let sids = again.departed.iter().map(|one| one.sid.clone());
        (again.others.len(), sids.collect::<Vec<_>>())
    };
    assert_eq!(departed("bob", &sids.1), (0, vec![sids.0.clone()]));
    assert_eq!(departed("ann", &sids.0), (1, vec![]), "not of itself");
    house.hide("ann", false);
    assert_eq!(departed("bob", &sids.1), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn who_was_without_signalling_is_told_of_everyone_s_voice() {
    let house = house();
    let ann = house.join("ann");
    let bob = house.join("bob");
    let one = house.publish(&ann);
    house.sounds(&[(one, 20)]);
    let sid = bob.me.sid.clone();
    drop(bob);
    house.sounds(&[]);
    let mut again = house.rooms.resume(&params("bob"), &sid).unwrap();
    assert_eq!(signals(&mut again), ["ann 0.00 false, bob 0.00 false"]);
}

#[tokio::test(start_paused = true)]
async fn connections_are_told_of_when_they_change() {
    let house = house();
    let mut ann = house.join("ann");
    let (first, ann_sid) = (house.newest_participant(), ann.me.sid.clone());
    let mut bob = house.join("bob");
    let (second, bob_sid) = (house.newest_participant(), bob.me.sid.clone());
    house.publish(&ann);
    let pass = |seconds| {
        let rooms = house.rooms.clone();
        async move {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            rooms.sweep(Instant::now());
        }
    };
    pass(3).await;
    assert_eq!(signals(&mut ann), [""; 0], "nothing is known yet");
    house.connected(first);
    house.connected(second);
    pass(3).await;
    let ann_is = |word: &str| format!("{ann_sid} {word}");
    assert_eq!(signals(&mut ann), [ann_is("Excellent")]);
    let own = format!("{bob_sid} Excellent");
    assert_eq!(signals(&mut bob), [ann_is("Excellent"), own]);

    house.statistics(first, 0);
    house.statistics(second, 0);
    pass(3).await;
    assert_eq!(signals(&mut bob), [""; 0], "nothing has changed");
    house.statistics(first, 30);
    pass(1).await;
    assert_eq!(signals(&mut bob), [ann_is("Poor")]);
    house.statistics(first, 0);
    house.statistics(first, 0);
    pass(1).await;
    assert_eq!(signals(&mut bob), [""; 0], "not so soon again");
    pass(1).await;
    assert_eq!(signals(&mut bob), [ann_is("Excellent")]);

    // Somebody who comes later is told how things are.
    let mut carl = house.join("carl");
    pass(3).await;
    assert_eq!(signals(&mut carl), [ann_is("Excellent")]);
    assert_eq!(signals(&mut bob), [""; 0]);

    // Soon after that it is told to join anew.
    house.media_lost(first);
    pass(2).await;
    assert_eq!(signals(&mut bob), [ann_is("Lost")]);
}

#[tokio::test(start_paused = true)]
async fn who_is_heard_in_no_way_at_all_is_shown_as_poor() {
    let house = house();
    let ann = house.join("ann");
    let (id, sid) = (house.newest_participant(), ann.me.sid.clone());
    let mut bob = house.join("bob");
    house.connected(id);
    house.publish(&ann);
    let after_silence = async |house: &House, bob: &mut Joined| {
        house.statistics_of(id, 0, 0);
        tokio::time::advance(limits::QUALITY_INTERVAL).await;
        house.rooms.sweep(Instant::now());
        signals(bob)
    };
    let ann_is = |word: &str| vec![format!("{sid} {word}")];
    assert_eq!(after_silence(&house, &mut bob).await, ann_is("Excellent"));
    // Silent, but here: a pause.
    assert_eq!(after_silence(&house, &mut bob).await, [""; 0]);
    // Muted and away: nothing was to come.
    ann.session.mute(&track_of(&house, "ann"), true).unwrap();
    drop(ann);
    assert_eq!(after_silence(&house, &mut bob).await, [""; 0]);
    // Away, with a track that ought to be heard.
    let again = house.rooms.resume(&params("ann"), &sid).unwrap();
    again.session.mute(&track_of(&house, "ann"), false).unwrap();
    signals(&mut bob);
    drop(again);
    assert_eq!(after_silence(&house, &mut bob).await, ann_is("Poor"));
    // Its packets come again.
    house.statistics(id, 0);
    house.statistics(id, 0);
    tokio::time::advance(limits::QUALITY_INTERVAL).await;
    house.rooms.sweep(Instant::now());
    assert_eq!(signals(&mut bob), ann_is("Excellent"));
}

/// The sid of somebody's only track.
fn track_of(house: &House, identity: &str) -> String {
    let participant = house.rooms.get_participant("kitchen", identity).unwrap();
    participant.tracks[0].sid.clone()
}

#[tokio::test(start_paused = true)]
async fn losses_alone_are_never_a_lost_connection() {
    let house = house();
    let mut ann = house.join("ann");
    let id = house.newest_participant();
    house.connected(id);
    house.publish(&ann);
    for _ in 0..20 {
        house.statistics(id, 100);
        tokio::time::advance(Duration::from_secs(2)).await;
        house.rooms.sweep(Instant::now());
    }
    let told = signals(&mut ann);
    assert!(
        !told.is_empty() && told.iter().all(|one| !one.contains("Lost")),
        "{told:?}"
    );
}

#[test]
fn watchers_are_told_of_all_who_speak() {
    use futures_util::FutureExt;
    let house = house();
    let ann = house.join("ann");
    let bob = house.join("bob");
    let (one, other) = (house.publish(&ann), house.publish(&bob));
    let mut watch = house.rooms.watch("kitchen", None).unwrap();
    house.sounds(&[(one, 20), (other, 6)]);
    house.sounds(&[(one, 20), (other, 6)]);
    // Who comes later is told of them too.
    let late = house.rooms.watch("kitchen", None).unwrap();
    let speakers = late.snapshot.unwrap().speakers.into_iter();
    let speakers: Vec<_> = speakers.map(|(who, _)| who.identity).collect();
    assert_eq!(speakers, ["bob", "ann"]);
    house.sounds(&[(one, 20)]);
    drop(bob);
    ann.session.leave();
    let mut lists = Vec::new();
    while let Some(Some(Ok(recorded))) = watch.events.next().now_or_never() {
        if let RoomEvent::SpeakersChanged(list) = &recorded.event {
            let who = list.iter().map(|(who, _)| who.identity.as_str());
            lists.push(who.collect::<Vec<_>>().join(" "));
        }
    }
    assert_eq!(lists, ["bob ann", "ann", ""]);
}

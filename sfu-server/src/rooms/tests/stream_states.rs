//! Pictures that are paused for want of bandwidth.

use sfu_core::event::StreamState;

use super::wishes::camera;
use super::*;

impl House {
    fn stream_state(&self, participant: ParticipantId, track: TrackId, state: StreamState) {
        let states = vec![(track, state)];
        let event = Event::StreamStates {
            participant,
            states,
        };
        self.rooms.handle_event(0, event);
    }
}

/// What was told of pauses: the tracks' sids, and whether they are paused.
fn states(joined: &mut Joined) -> Vec<(String, bool)> {
    let mut states = Vec::new();
    while let Some(notice) = joined.notices.next_waiting() {
        if let Notice::StreamStates(changed) = notice {
            states.extend(changed.iter().map(|one| (one.track.clone(), one.paused)));
        }
    }
    states
}

#[test]
fn who_cannot_be_sent_pictures_is_told_and_told_again_after_an_absence() {
    let house = house();
    let mut ann = house.join("ann");
    let mut bob = house.join("bob");
    let participant = house.newest_participant();
    let (track, sid) = house.publish_this(&ann, camera());
    house.stream_state(participant, track, StreamState::Paused);
    assert_eq!(states(&mut bob), [(sid.clone(), true)]);
    assert_eq!(states(&mut ann), []);
    house.connected(participant);
    let mut bob = house.rooms.resume(&params("bob"), &bob.me.sid).unwrap();
    assert_eq!(states(&mut bob), [(sid.clone(), true)]);
    house.stream_state(participant, track, StreamState::Active);
    assert_eq!(states(&mut bob), [(sid.clone(), false)]);
    // What it no longer wants is nothing to it, whatever is still on its way.
    bob.session.unsubscribe(std::slice::from_ref(&sid));
    house.stream_state(participant, track, StreamState::Paused);
    assert_eq!(states(&mut bob), []);
    let mut bob = house.rooms.resume(&params("bob"), &bob.me.sid).unwrap();
    assert_eq!(states(&mut bob), []);
}

#[test]
fn what_ends_while_it_is_paused_is_forgotten() {
    let house = house();
    let ann = house.join("ann");
    let _bob = house.join("bob");
    let participant = house.newest_participant();
    for cid in ["one", "two", "three"] {
        let camera = NewTrack {
            cid: cid.to_owned(),
            ..camera()
        };
        let (track, _) = house.publish_this(&ann, camera);
        house.stream_state(participant, track, StreamState::Paused);
        house.rooms.handle_event(0, Event::TrackUnbound { track });
    }
    let room = house.rooms.0.registry.named("kitchen").unwrap();
    let kept = room.with(|state| state.participants[&participant].paused.len());
    assert_eq!(kept, 0);
}

#[test]
fn a_shared_screen_is_announced_as_one() {
    let house = house();
    let ann = house.join("ann");
    let screen = NewTrack {
        source: TrackSource::ScreenShare,
        ..camera()
    };
    let (track, _) = house.publish_this(&ann, screen);
    let told = house.newest(|command| match command {
        Command::SetTrackScreen { track, is_screen } => Some((*track, *is_screen)),
        _ => None,
    });
    assert_eq!(told, (track, true));
}

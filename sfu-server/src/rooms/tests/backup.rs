//! A track's second codec: who is sent it, and what its publisher is told.

use sfu_core::event::SubscriptionFailure;
use sfu_core::media::codec::Codec;
use sfu_core::media::format::CodecWishes;

use super::dynacast::{held, wanted};
use super::wishes::{camera, hidden, shown};
use super::*;

const ALL: &str = "wanted Vp9 Some(High) Vp8 None";
const BOTH: &str = "wanted Vp9 Some(High) Vp8 Some(High)";

fn vp9() -> NewTrack {
    NewTrack {
        codec: Some(Codec::Vp9),
        backup: Some(Codec::Vp8),
        ..camera()
    }
}

fn vp8_of(sid: &str) -> NewTrack {
    NewTrack {
        cid: "cam8".into(),
        codec: Some(Codec::Vp8),
        backup_of: sid.into(),
        layers: camera().layers[1..].to_vec(),
        ..camera()
    }
}

/// Ann publishes VP9, with VP8 as a backup; Bob and Cem are subscribed, and Bob decodes no VP9.
struct Meeting {
    house: House,
    ann: Joined,
    bob: Joined,
    bob_id: ParticipantId,
    cem: Joined,
    track: TrackId,
    sid: String,
}

impl Meeting {
    fn begin(track: NewTrack) -> Self {
        let house = house();
        let ann = house.join("ann");
        let bob = house.join("bob");
        let bob_id = house.newest_participant();
        let cem = house.join("cem");
        let (track, sid) = house.publish_this(&ann, track);
        let mut meeting = Self {
            house,
            ann,
            bob,
            bob_id,
            cem,
            track,
            sid,
        };
        meeting.house.rooms.handle_event(
            0,
            Event::TrackCodec {
                track,
                codec: Codec::Vp9,
            },
        );
        meeting.house.sent();
        told(&mut meeting.ann);
        told(&mut meeting.bob);
        meeting
    }

    fn fails(&self, track: TrackId) {
        let failed = Event::SubscriptionFailed {
            participant: self.bob_id,
            track,
            failure: SubscriptionFailure::CodecUnsupported,
        };
        self.house.rooms.handle_event(0, failed);
    }

    /// Bob cannot be sent VP9, and Ann publishes VP8 too.
    fn falls_back(&mut self) -> TrackId {
        self.fails(self.track);
        let (backup, _) = self.house.publish_this(&self.ann, vp8_of(&self.sid));
        told(&mut self.ann);
        told(&mut self.bob);
        backup
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_decode_the_first_codec_is_sent_the_second() {
    let mut meeting = Meeting::begin(vp9());
    meeting.fails(meeting.track);
    assert_eq!(told(&mut meeting.bob), [""; 0], "it is being seen to");
    assert_eq!(wanted(&mut meeting.ann), [BOTH]);
    assert_eq!(meeting.house.sent(), [""; 0]);
    meeting.ann.session.add_track(vp8_of(&meeting.sid)).unwrap();
    let announced = meeting.house.newest(|command| match command {
        Command::AnnounceTrack { announcement, .. } => Some(announcement.clone()),
        _ => None,
    });
    let only_vp8 = CodecWishes {
        codec: Some(Codec::Vp8),
        ..CodecWishes::default()
    };
    assert_eq!(announced.codecs, only_vp8);
    assert_eq!(announced.track_label, meeting.sid);
    assert_eq!(told(&mut meeting.ann), ["published cam8"]);
    meeting.ann.session.add_track(vp8_of(&meeting.sid)).unwrap();
    assert_eq!(told(&mut meeting.ann), ["published cam8"], "again");
    assert_eq!(meeting.house.sent(), ["announce 2 of 1"]);
    meeting.house.bound(announced.track);
    assert_eq!(meeting.house.sent(), ["2 wants 2"]);
    let info = meeting
        .house
        .rooms
        .get_participant("kitchen", "ann")
        .unwrap();
    let [track] = &info.tracks[..] else {
        panic!("{info:?}")
    };
    assert_eq!(track.backup.as_ref().unwrap().mid.as_deref(), Some("1"));

    // Answers name it by the one sid.
    told(&mut meeting.bob);
    meeting.house.rooms.handle_event(
        0,
        Event::Answer {
            participant: meeting.bob_id,
            offer_id: 1,
            sdp: String::new(),
            mids: vec![(Mid::from("7").unwrap(), announced.track)],
        },
    );
    let Some(Notice::Answer { mid_to_track, .. }) = meeting.bob.notices.next_waiting() else {
        panic!()
    };
    assert_eq!(mid_to_track, [("7".to_owned(), meeting.sid.clone())]);

    meeting.house.pass(60).await;
    assert_eq!(wanted(&mut meeting.ann), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn each_codec_is_wanted_by_those_who_are_sent_it() {
    let mut meeting = Meeting::begin(vp9());
    meeting.falls_back();
    let sids = [meeting.sid.clone()];
    meeting.house.sent();
    // The backup has two layers.
    meeting.bob.session.set_wish(&sids, shown(320, 180));
    meeting.cem.session.set_wish(&sids, shown(640, 360));
    let asked = ["2 asks of 2 Some(0) None", "3 asks of 1 Some(1) None"];
    assert_eq!(meeting.house.sent(), asked);
    meeting.house.pass(held()).await;
    let told = ["wanted Vp9 Some(Medium) Vp8 Some(Low)"];
    assert_eq!(wanted(&mut meeting.ann)[..], told);
    meeting.bob.session.set_wish(&sids, hidden());
    meeting.house.pass(held()).await;
    let told = ["wanted Vp9 Some(Medium) Vp8 None"];
    assert_eq!(wanted(&mut meeting.ann)[..], told);
    meeting.cem.session.leave();
    meeting.bob.session.unsubscribe(&sids);
    meeting.house.sent();
    meeting.house.pass(held()).await;
    let told = ["wanted Vp9 None Vp8 None"];
    assert_eq!(wanted(&mut meeting.ann)[..], told);
    // What it decodes is known by now.
    meeting.bob.session.subscribe(&sids);
    let again = ["2 wants 2", "2 asks of 2 None None", "2 has 2 false"];
    let sent = meeting.house.sent();
    assert_eq!(
        (&sent[0], &sent[sent.len() - 1]),
        (&again[0].to_owned(), &again[2].to_owned())
    );
    meeting.bob.session.set_wish(&sids, TrackWish::default());
    assert_eq!(
        wanted(&mut meeting.ann)[..],
        ["wanted Vp9 None Vp8 Some(High)"]
    );
    meeting.bob.session.leave();
    meeting.house.pass(held()).await;
    assert_eq!(
        wanted(&mut meeting.ann)[..],
        told,
        "who is gone wants nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn both_codecs_are_muted_and_end_together() {
    let mut meeting = Meeting::begin(vp9());
    let backup = meeting.falls_back();
    meeting.house.sent();
    meeting.ann.session.mute(&meeting.sid, true).unwrap();
    assert_eq!(meeting.house.sent(), ["mute 1 true", "mute 2 true"]);
    let track = meeting.track;
    meeting
        .house
        .rooms
        .handle_event(0, Event::TrackUnbound { track });
    assert_eq!(meeting.house.sent(), ["end track 2", "end track 1"]);
    // Late news of what is gone changes nothing.
    meeting
        .house
        .rooms
        .handle_event(0, Event::TrackUnbound { track: backup });
    meeting.fails(backup);
    assert_eq!(meeting.house.sent(), [""; 0]);
    assert_eq!(meeting.house.rooms.counts().tracks, 0);
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_ends_is_asked_for_anew_and_one_that_never_comes_is_given_up() {
    let mut meeting = Meeting::begin(vp9());
    let backup = meeting.falls_back();
    meeting
        .house
        .rooms
        .handle_event(0, Event::TrackUnbound { track: backup });
    meeting.house.pass(1).await;
    assert_eq!(wanted(&mut meeting.ann), [BOTH]);
    told(&mut meeting.bob);
    meeting.house.pass(limits::BACKUP_WITHIN.as_secs()).await;
    let failed = format!("{} CodecUnsupported", meeting.sid);
    assert!(told(&mut meeting.bob).contains(&failed));
    meeting.house.pass(held()).await;
    assert_eq!(wanted(&mut meeting.ann), [ALL]);
}

#[tokio::test(start_paused = true)]
async fn only_what_somebody_is_subscribed_to_awaits_a_second_codec() {
    let meeting = Meeting::begin(vp9());
    meeting.fails(meeting.track);
    let waits = async |meeting: &Meeting| {
        let asked = meeting.house.ask("bob").await;
        meeting.house.explain(&[]);
        let explained = asked.await.unwrap().unwrap();
        explained
            .subscriptions
            .iter()
            .map(|one| one.told)
            .collect::<Vec<_>>()
    };
    assert_eq!(waits(&meeting).await, [Told::AwaitsBackup]);
    meeting
        .ann
        .session
        .set_subscription_permissions(false, &[])
        .unwrap();
    assert_eq!(waits(&meeting).await, [Told::NotPermitted]);
    meeting
        .ann
        .session
        .set_subscription_permissions(true, &[])
        .unwrap();
    assert_eq!(waits(&meeting).await, [Told::AwaitsBackup]);
    let sids = std::slice::from_ref(&meeting.sid);
    meeting.bob.session.set_enabled(sids, false);
    assert_eq!(waits(&meeting).await, [Told::Paused]);
    meeting.bob.session.set_enabled(sids, true);
    meeting.bob.session.unsubscribe(sids);
    assert_eq!(waits(&meeting).await, []);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_its_second_codec_to_be_taken_note_of_is_told_after_an_interruption() {
    let mut meeting = Meeting::begin(vp9());
    meeting.fails(meeting.track);
    meeting.ann.session.add_track(vp8_of(&meeting.sid)).unwrap();
    told(&mut meeting.ann);
    let rooms = &meeting.house.rooms;
    let sid = &meeting.ann.me.sid;
    let again = |rooms: &Rooms| {
        let resumed = rooms.resume(&params("ann"), sid).unwrap();
        let repeated = resumed.repeated.iter().map(|notice| match notice {
            Notice::TrackPublished { cid, track } => format!("{cid} of {}", track.sid),
            Notice::TrackWanted { .. } => "wanted".to_owned(),
            other => format!("{other:?}"),
        });
        repeated.collect::<Vec<_>>()
    };
    let published = format!("cam8 of {}", meeting.sid);
    assert_eq!(again(rooms), [published, "wanted".to_owned()]);
    let backup = meeting.house.newest(|command| match command {
        Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
        _ => None,
    });
    meeting.house.bound(backup);
    assert_eq!(again(rooms), ["wanted"]);
}

#[tokio::test(start_paused = true)]
async fn everybody_is_sent_the_first_codec_again_when_the_second_ends() {
    let mut regressing = vp9();
    regressing.traits.backup_codec_policy = BackupCodecPolicy::Regression;
    let mut meeting = Meeting::begin(regressing);
    let backup = meeting.falls_back();
    meeting.house.pass(held()).await;
    assert_eq!(wanted(&mut meeting.ann), ["wanted Vp9 None Vp8 Some(High)"]);
    meeting.house.sent();
    meeting
        .house
        .rooms
        .handle_event(0, Event::TrackUnbound { track: backup });
    let expected = ["end track 2", "2 wants 1", "3 wants 1"];
    assert_eq!(meeting.house.sent(), expected);
    let asked = wanted(&mut meeting.ann);
    assert_eq!(asked.last().map(String::as_str), Some(ALL));
    // Who does not decode it waits for the second anew.
    meeting.fails(meeting.track);
    assert_eq!(wanted(&mut meeting.ann), [BOTH]);
    let dan = meeting.house.join("dan");
    assert_eq!(meeting.house.sent(), ["add 4", "4 wants 1"]);
    dan.session.leave();
}

#[tokio::test(start_paused = true)]
async fn who_decodes_neither_codec_is_told() {
    let mut meeting = Meeting::begin(vp9());
    let backup = meeting.falls_back();
    // News of the first codec that was under way.
    meeting.fails(meeting.track);
    assert_eq!(told(&mut meeting.bob), [""; 0]);
    meeting.fails(backup);
    let failed = format!("{} CodecUnsupported", meeting.sid);
    assert_eq!(told(&mut meeting.bob), [failed]);
    assert_eq!(meeting.house.rooms.counts().subscriptions, 1);
}

#[tokio::test(start_paused = true)]
async fn everybody_falls_back_where_the_publisher_says_so() {
    let mut regressing = vp9();
    regressing.traits.backup_codec_policy = BackupCodecPolicy::Regression;
    let mut meeting = Meeting::begin(regressing);
    meeting.house.sent();
    meeting.falls_back();
    let expected = ["announce 2 of 1", "2 wants 2", "3 wants no 1", "3 wants 2"];
    assert_eq!(meeting.house.sent(), expected);
    let dan = meeting.house.join("dan");
    assert_eq!(meeting.house.sent(), ["add 4", "4 wants 2"]);
    meeting.house.pass(held()).await;
    assert_eq!(wanted(&mut meeting.ann), ["wanted Vp9 None Vp8 Some(High)"]);
    dan.session.leave();
}

#[test]
fn what_was_not_announced_is_no_backup() {
    let house = house();
    let ann = house.join("ann");
    let bob = house.join("bob");
    let (_, sid) = house.publish_this(&ann, camera());
    let refused = |joined: &Joined, track: NewTrack| {
        let error = joined.session.add_track(track).unwrap_err();
        (error.kind(), error.about())
    };
    let invalid = (ErrorKind::InvalidArgument, Some("simulcast_codecs"));
    assert_eq!(refused(&ann, vp8_of(&sid)), invalid);
    let unknown = (ErrorKind::NotFound, Some("track_sid"));
    assert_eq!(refused(&ann, vp8_of("TR_no")), unknown);
    assert_eq!(refused(&bob, vp8_of(&sid)), unknown, "somebody else's");
    let cid = "second".into();
    let (_, sid) = house.publish_this(&ann, NewTrack { cid, ..vp9() });
    let other = NewTrack {
        codec: Some(Codec::H264),
        ..vp8_of(&sid)
    };
    assert_eq!(refused(&ann, other), invalid);
}

//! What tracks are coded in: announced, told by the engine, and not decoded by somebody.

use sfu_core::event::SubscriptionFailure;
use sfu_core::media::codec::Codec;
use sfu_core::media::format::CodecWishes;

use super::*;

fn camera(codec: Option<Codec>) -> NewTrack {
    NewTrack {
        cid: "cam".into(),
        kind: MediaKind::Video,
        source: TrackSource::Camera,
        codec,
        ..microphone()
    }
}

fn codec_of(house: &House, identity: &str) -> Codec {
    let participant = house.rooms.get_participant("kitchen", identity).unwrap();
    participant.tracks[0].codec
}

#[test]
fn what_was_announced_reaches_the_engine() {
    let house = house();
    let ann = house.join("ann");
    let wishes = |track: NewTrack| {
        ann.session.add_track(track).unwrap();
        house.newest(|command| match command {
            Command::AnnounceTrack { announcement, .. } => Some(announcement.codecs),
            _ => None,
        })
    };
    let plain = CodecWishes::default();
    assert_eq!(wishes(microphone()), plain);
    let codec = Some(Codec::H264);
    assert_eq!(wishes(camera(codec)), CodecWishes { codec, ..plain });
    let loud = NewTrack {
        cid: "loud".into(),
        stereo: true,
        disable_dtx: true,
        disable_red: true,
        // A codec of the other kind means nothing.
        codec: Some(Codec::Vp8),
        ..microphone()
    };
    let expected = CodecWishes {
        codec: None,
        red: false,
        dtx: false,
        stereo: true,
    };
    assert_eq!(wishes(loud), expected);
}

#[test]
fn the_codec_is_the_engines_word_and_a_change_is_told() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    ann.session.add_track(camera(None)).unwrap();
    let track = ids::track_id(1, 1);
    let tell = |codec| {
        let event = Event::TrackCodec { track, codec };
        house.rooms.handle_event(0, event);
    };
    tell(Codec::H264);
    // Nobody knows of the track yet.
    assert_eq!(told(&mut bob), [""; 0]);
    house.bound(track);
    assert_eq!(codec_of(&house, "ann"), Codec::H264);
    told(&mut bob);
    tell(Codec::H264);
    assert_eq!(told(&mut bob), [""; 0]);
    tell(Codec::Vp9);
    assert_eq!(told(&mut bob), ["ann Joined tracks 1 muted 0"]);
    assert_eq!(codec_of(&house, "ann"), Codec::Vp9);
}

#[test]
fn who_decodes_nothing_of_a_track_is_told_and_may_ask_again() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    let participant = house.newest_participant();
    let track = house.publish(&ann);
    told(&mut bob);
    house.sent();
    let failed = Event::SubscriptionFailed {
        participant,
        track,
        failure: SubscriptionFailure::CodecUnsupported,
    };
    house.rooms.handle_event(0, failed.clone());
    let info = house.rooms.get_participant("kitchen", "ann").unwrap();
    let sid = info.tracks[0].sid.clone();
    assert_eq!(told(&mut bob), [format!("{sid} CodecUnsupported")]);
    assert_eq!(house.rooms.counts().subscriptions, 0);
    bob.session.subscribe(&[sid]);
    assert_eq!(house.sent(), ["2 wants 1"]);
    // Late news of what is gone changes nothing.
    bob.session.leave();
    house.rooms.handle_event(0, failed);
}

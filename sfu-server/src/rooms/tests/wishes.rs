//! What subscribers ask for of tracks, as the engine hears it.

use super::*;

/// A camera of three layers, 1280x720 at most.
pub(super) fn camera() -> NewTrack {
    let layer = |(quality, width, height)| TrackLayer {
        quality,
        width,
        height,
        bitrate: 0,
    };
    let layers = [
        (Quality::High, 1280, 720),
        (Quality::Low, 320, 180),
        (Quality::Medium, 640, 360),
    ];
    NewTrack {
        cid: "cam".into(),
        kind: MediaKind::Video,
        source: TrackSource::Camera,
        width: 1280,
        height: 720,
        layers: layers.map(layer).to_vec(),
        ..microphone()
    }
}

pub(super) fn shown(width: u32, height: u32) -> TrackWish {
    TrackWish {
        shown: Some(ShownSize { width, height }),
        ..TrackWish::default()
    }
}

pub(super) fn hidden() -> TrackWish {
    TrackWish {
        enabled: false,
        ..TrackWish::default()
    }
}

impl House {
    /// Announces this track, and the engine has its section. Its sid too.
    pub(super) fn publish_this(&self, joined: &Joined, track: NewTrack) -> (TrackId, String) {
        joined.session.add_track(track).unwrap();
        let announced = self.newest(|command| match command {
            Command::AnnounceTrack { announcement, .. } => {
                Some((announcement.track, announcement.track_label.clone()))
            }
            _ => None,
        });
        self.bound(announced.0);
        announced
    }
}

/// All layers, as far as the size that it is shown at makes use of them.
const UNLIMITED: [&str; 1] = ["2 asks of 1 None None"];

/// What the engine is asked when a track of these sizes is shown like that.
fn asked(track: NewTrack, wish: TrackWish) -> Vec<String> {
    let house = house();
    let ann = house.join("ann");
    let bob = house.join("bob");
    let (_, sid) = house.publish_this(&ann, track);
    house.sent();
    bob.session.set_wish(&[sid], wish);
    house.sent()
}

#[test]
fn the_smallest_layer_that_fills_what_is_shown_is_asked_for() {
    for (width, height, layer) in [
        (1, 1, "Some(0)"),
        (320, 180, "Some(0)"),
        // A tenth more is not seen.
        (355, 200, "Some(0)"),
        (356, 201, "Some(1)"),
        // Wider than the picture: its height counts.
        (1000, 180, "Some(0)"),
        (300, 360, "Some(1)"),
        (0, 360, "Some(1)"),
        (640, 0, "Some(1)"),
        (u32::MAX, 180, "Some(0)"),
    ] {
        let expected = format!("2 asks of 1 {layer} None");
        assert_eq!(asked(camera(), shown(width, height)), [expected]);
    }
    // The largest is what nobody limits: the engine is told the size alone.
    for (width, height) in [(721, 720), (5000, 5000), (u32::MAX, u32::MAX)] {
        assert_eq!(asked(camera(), shown(width, height)), UNLIMITED);
    }
}

#[test]
fn a_quality_asks_for_its_layer() {
    let quality = |quality| TrackWish {
        quality,
        ..TrackWish::default()
    };
    let low = quality(Quality::Low);
    assert_eq!(asked(camera(), low), ["2 asks of 1 Some(0) None"]);
    let medium = quality(Quality::Medium);
    assert_eq!(asked(camera(), medium), ["2 asks of 1 Some(1) None"]);
    assert_eq!(asked(camera(), quality(Quality::High)), [""; 0]);
    // What is lower than the lowest layer is that one, and a lone layer is not to be limited.
    let mut screen = camera();
    screen.layers.truncate(1);
    assert_eq!(asked(screen.clone(), low), [""; 0]);
    screen.layers.clear();
    assert_eq!(asked(screen, low), [""; 0]);
    let slow = TrackWish {
        frame_rate: Some(5),
        ..low
    };
    assert_eq!(asked(camera(), slow), ["2 asks of 1 Some(0) Some(5)"]);
    // Sound has no layers.
    assert_eq!(asked(microphone(), slow), [""; 0]);
    assert_eq!(asked(microphone(), hidden()), ["2 has 1 false"]);
}

#[test]
fn layers_that_do_not_say_their_sizes_halve() {
    let mut unsaid = camera();
    for layer in &mut unsaid.layers {
        (layer.width, layer.height) = (0, 0);
    }
    let medium = shown(640, 360);
    assert_eq!(asked(unsaid.clone(), medium), ["2 asks of 1 Some(1) None"]);
    let low = shown(320, 180);
    assert_eq!(asked(unsaid.clone(), low), ["2 asks of 1 Some(0) None"]);
    (unsaid.width, unsaid.height) = (0, 0);
    assert_eq!(asked(unsaid, medium), UNLIMITED, "nothing is known");
    // Of layers of one size, the one with most pictures.
    let mut screen = camera();
    screen.layers[1].height = 360;
    assert_eq!(asked(screen, medium), ["2 asks of 1 Some(1) None"]);
}

#[test]
fn a_turned_track_is_measured_as_it_is_now() {
    let house = house();
    let ann = house.join("ann");
    let bob = house.join("bob");
    let (_, sid) = house.publish_this(&ann, camera());
    ann.session.update_video_track(&sid, 720, 1280).unwrap();
    house.sent();
    // 360 wide are 640 high.
    bob.session.set_wish(&[sid], shown(360, 640));
    assert_eq!(house.sent(), ["2 asks of 1 Some(1) None"]);
}

#[test]
fn who_watches_when_a_track_turns_is_sent_the_layer_that_fits_then() {
    let house = house();
    let ann = house.join("ann");
    let (bob, _cem) = (house.join("bob"), house.join("cem"));
    let (_, sid) = house.publish_this(&ann, camera());
    let sids = [sid.clone()];
    bob.session.set_wish(&sids, shown(640, 360));
    house.sent();
    // Its layers are 320, 640 and 1280 high now.
    ann.session.update_video_track(&sid, 720, 1280).unwrap();
    bob.session.set_wish(&sids, shown(320, 330));
    house.rooms.sweep(Instant::now());
    assert_eq!(house.sent().pop().unwrap(), "2 asks of 1 Some(0) None");
    // However often it turns, once for each look.
    for _ in 0..10 {
        ann.session.update_video_track(&sid, 720, 1280).unwrap();
        ann.session.update_video_track(&sid, 1280, 720).unwrap();
    }
    house.rooms.sweep(Instant::now());
    assert_eq!(house.sent(), ["2 asks of 1 Some(1) None"]);
    // What it says again changes nothing.
    ann.session.update_video_track(&sid, 1280, 720).unwrap();
    house.rooms.sweep(Instant::now());
    assert_eq!(house.sent(), [""; 0]);
    // What was asked for by the former size does not stay.
    ann.session.update_video_track(&sid, 720, 1280).unwrap();
    bob.session.set_wish(&sids, shown(360, 640));
    house.rooms.sweep(Instant::now());
    assert_eq!(house.sent().pop().unwrap(), "2 asks of 1 Some(1) None");
    ann.session.update_video_track(&sid, 1280, 720).unwrap();
    bob.session.set_wish(&sids, TrackWish::default());
    assert_eq!(house.sent(), ["2 asks of 1 None None"]);
}

#[test]
fn no_announced_size_is_too_large_to_reckon_with() {
    let vast = NewTrack {
        width: 1,
        height: u32::MAX,
        ..camera()
    };
    assert_eq!(asked(vast, shown(u32::MAX, 0)), UNLIMITED);
}

#[test]
fn a_wish_holds_before_and_after_the_subscription() {
    let house = house();
    let ann = house.join("ann");
    let mut choosy = params("bob");
    choosy.auto_subscribe = false;
    let bob = house.rooms.join(&choosy).unwrap();
    let (_, sid) = house.publish_this(&ann, camera());
    let sids = [sid];
    house.sent();
    let small = TrackWish {
        enabled: false,
        ..shown(320, 180)
    };
    bob.session.set_wish(&sids, small);
    assert_eq!(house.sent(), [""; 0]);
    let subscribed = ["2 wants 1", "2 asks of 1 Some(0) None", "2 has 1 false"];
    bob.session.subscribe(&sids);
    assert_eq!(house.sent(), subscribed);
    // The engine forgets it with the subscription.
    bob.session.unsubscribe(&sids);
    bob.session.subscribe(&sids);
    assert_eq!(house.sent()[1..], subscribed);
    bob.session.set_wish(&sids, small);
    assert_eq!(house.sent(), [""; 0], "nothing new");
    // It is asked for less before it goes on.
    bob.session.set_wish(&sids, shown(640, 360));
    assert_eq!(house.sent(), ["2 asks of 1 Some(1) None", "2 has 1 true"]);
    bob.session.set_enabled(&sids, false);
    assert_eq!(house.sent(), ["2 has 1 false"], "the size stays");
    bob.session.set_wish(&sids, TrackWish::default());
    assert_eq!(house.sent(), ["2 asks of 1 None None", "2 has 1 true"]);
}

#[test]
fn what_nobody_has_is_not_kept_without_bound() {
    let house = house();
    let bob = house.join("bob");
    let strange: Vec<_> = (0..10_000).map(|n| format!("TR_{n}")).collect();
    bob.session.set_wish(&strange, hidden());
    assert_eq!(house.sent(), ["add 1"]);
    let publishers = limits::MAX_WISHES / limits::MAX_TRACKS_PER_PARTICIPANT + 2;
    let mut sids = Vec::new();
    for number in 0..publishers {
        let mut quiet = params(&format!("ann{number}"));
        quiet.auto_subscribe = false;
        let ann = house.rooms.join(&quiet).unwrap();
        for cid in 0..limits::MAX_TRACKS_PER_PARTICIPANT {
            let cid = cid.to_string();
            let track = NewTrack { cid, ..camera() };
            sids.push(house.publish_this(&ann, track).1);
        }
        std::mem::forget(ann);
    }
    bob.session.unsubscribe(&sids[..]);
    let room = house.rooms.0.registry.named("kitchen").unwrap();
    for some in sids.chunks(limits::MAX_TRACKS_PER_REQUEST) {
        bob.session.unsubscribe(some);
        bob.session.set_wish(some, hidden());
    }
    let kept = room.with(|state| state.participants[&ids::participant_id(1, 1)].wishes.len());
    assert_eq!(kept, limits::MAX_WISHES);
    // Neither by being subscribed for a moment.
    for sid in sids.iter().rev().take(8) {
        let sid = std::slice::from_ref(sid);
        bob.session.subscribe(sid);
        bob.session.set_wish(sid, shown(320, 180));
        bob.session.unsubscribe(sid);
    }
    let (kept, newest) = room.with(|state| {
        let wishes = &state.participants[&ids::participant_id(1, 1)].wishes;
        (wishes.len(), wishes.values().any(|one| one.shown.is_some()))
    });
    assert_eq!((kept, newest), (limits::MAX_WISHES, true));
}

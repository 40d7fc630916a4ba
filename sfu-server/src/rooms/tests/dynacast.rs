//! What publishers are told of what is wanted of their tracks.

use super::wishes::{camera, hidden, shown};
use super::*;

const WANTED_ALL: &str = "wanted Vp8 Some(High)";
const WANTED_LOW: &str = "wanted Vp8 Some(Low)";
const WANTED_NOTHING: &str = "wanted Vp8 None";

impl House {
    /// Looks at the timers once a second, for so long.
    pub(super) async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            tokio::time::advance(Duration::from_secs(1)).await;
            self.rooms.sweep(Instant::now());
        }
    }
}

pub(super) fn wanted(joined: &mut Joined) -> Vec<String> {
    let mut told = told(joined);
    told.retain(|told| told.starts_with("wanted"));
    told
}

/// The looks after which less is told for sure.
pub(super) fn held() -> u64 {
    limits::WANTED_LESS_FOR.as_secs() + 1
}

#[tokio::test(start_paused = true)]
async fn what_nobody_sees_is_not_sent_and_comes_back_at_once() {
    let house = house();
    let mut ann = house.join("ann");
    let bob = house.join("bob");
    let (_, sid) = house.publish_this(&ann, camera());
    let sids = [sid];
    house.pass(60).await;
    assert_eq!(wanted(&mut ann), [""; 0], "all is sent, and wanted");
    bob.session.set_wish(&sids, hidden());
    house.pass(held() - 1).await;
    assert_eq!(wanted(&mut ann), [""; 0]);
    house.pass(1).await;
    assert_eq!(wanted(&mut ann), [WANTED_NOTHING]);
    bob.session.set_wish(&sids, shown(320, 180));
    assert_eq!(wanted(&mut ann), [WANTED_LOW]);
    bob.session.set_wish(&sids, shown(640, 360));
    assert_eq!(wanted(&mut ann), ["wanted Vp8 Some(Medium)"]);
    bob.session.set_wish(&sids, shown(1280, 720));
    assert_eq!(wanted(&mut ann), [WANTED_ALL]);
    house.pass(60).await;
    assert_eq!(wanted(&mut ann), [""; 0]);
    // Who leaves wants nothing; who comes wants all.
    bob.session.leave();
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), [WANTED_NOTHING]);
    let bob = house.join("bob");
    assert_eq!(wanted(&mut ann), [WANTED_ALL]);
    bob.session.unsubscribe(&sids);
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), [WANTED_NOTHING]);
}

#[tokio::test(start_paused = true)]
async fn the_largest_wish_of_all_counts() {
    let house = house();
    let mut ann = house.join("ann");
    let (bob, cem) = (house.join("bob"), house.join("cem"));
    let (_, sid) = house.publish_this(&ann, camera());
    let sids = [sid];
    bob.session.set_wish(&sids, shown(320, 180));
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), [""; 0], "cem sees all");
    cem.session.set_wish(&sids, shown(640, 360));
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), ["wanted Vp8 Some(Medium)"]);
    cem.session.set_wish(&sids, hidden());
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), [WANTED_LOW]);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_announced_layers_is_wanted_whole_however_small_it_is_shown() {
    let house = house();
    let mut ann = house.join("ann");
    let bob = house.join("bob");
    let mut plain = camera();
    plain.layers.clear();
    let (_, sid) = house.publish_this(&ann, plain);
    // Who says how large it shows a track does not say its quality: the message has the lowest.
    let small = TrackWish {
        quality: Quality::Low,
        ..shown(320, 180)
    };
    bob.session.set_wish(&[sid], small);
    house.pass(60).await;
    assert_eq!(wanted(&mut ann), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_track_that_turns_is_wanted_as_it_is_then() {
    let house = house();
    let mut ann = house.join("ann");
    let bob = house.join("bob");
    let (_, sid) = house.publish_this(&ann, camera());
    bob.session
        .set_wish(std::slice::from_ref(&sid), shown(320, 330));
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), ["wanted Vp8 Some(Medium)"]);
    ann.session.update_video_track(&sid, 720, 1280).unwrap();
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), [WANTED_LOW]);
    ann.session.update_video_track(&sid, 1280, 720).unwrap();
    house.pass(1).await;
    assert_eq!(wanted(&mut ann), ["wanted Vp8 Some(Medium)"]);
}

#[tokio::test(start_paused = true)]
async fn sound_and_what_has_no_section_are_nobodys_concern() {
    let house = house();
    let mut ann = house.join("ann");
    house.publish(&ann);
    ann.session.add_track(camera()).unwrap();
    house.pass(60).await;
    assert_eq!(wanted(&mut ann), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_track_that_nobody_ever_wanted_is_paused() {
    let house = house();
    let mut ann = house.join("ann");
    house.publish_this(&ann, camera());
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), [WANTED_NOTHING]);
    house.join("bob");
    assert_eq!(wanted(&mut ann), [WANTED_ALL]);
}

#[tokio::test(start_paused = true)]
async fn however_often_subscribers_scroll_the_publisher_is_told_seldom() {
    let house = house();
    let mut ann = house.join("ann");
    let others: Vec<_> = (0..50).map(|n| house.join(&format!("bob{n}"))).collect();
    let (_, sid) = house.publish_this(&ann, camera());
    let sids = [sid];
    told(&mut ann);
    for second in 0..30 {
        for _ in 0..10 {
            for other in &others {
                other.session.set_wish(&sids, hidden());
                other.session.set_wish(&sids, shown(320, 180));
                other.session.set_wish(&sids, shown(1280, 720));
            }
        }
        house.pass(1).await;
        assert_eq!(wanted(&mut ann), [""; 0], "second {second}");
    }
    // Shown and hidden for as long as is needed to be told.
    let mut heard = 0;
    for _ in 0..10 {
        for other in &others {
            other.session.set_wish(&sids, hidden());
        }
        house.pass(held()).await;
        for size in [shown(1, 1), shown(640, 360), shown(1280, 720)] {
            for other in &others {
                other.session.set_wish(&sids, size);
            }
        }
        heard += wanted(&mut ann).len();
    }
    assert_eq!(heard, 40);
}

#[tokio::test(start_paused = true)]
async fn who_was_without_signalling_is_told_again() {
    let house = house();
    let mut ann = house.join("ann");
    let id = house.newest_participant();
    house.connected(id);
    house.publish_this(&ann, camera());
    house.pass(held()).await;
    assert_eq!(wanted(&mut ann), [WANTED_NOTHING]);
    let resumed = house.rooms.resume(&params("ann"), &ann.me.sid).unwrap();
    let [Notice::TrackWanted { codecs, .. }] = &resumed.repeated[..] else {
        panic!("{:?}", resumed.repeated)
    };
    assert_eq!(codecs[0].quality, None);
}

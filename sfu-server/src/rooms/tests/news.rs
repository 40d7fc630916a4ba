//! What participants do often, and what the others are told of it.

use super::*;

const BURST: usize = limits::NEWS_BURST as usize;

#[tokio::test(start_paused = true)]
async fn who_mutes_all_the_time_is_muted_each_time_and_told_of_together() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    house.publish(&ann);
    let sid = ann.session_track(&house);
    told(&mut bob);
    house.sent();
    for n in 0..501 {
        ann.session.mute(&sid, n % 2 == 0).unwrap();
        ann.session.update_video_track("TR_no", 1, 1).unwrap_err();
    }
    assert_eq!(house.sent().len(), 501);
    let heard = told(&mut bob);
    assert_eq!(heard.len(), BURST);
    assert_eq!(heard.last().unwrap(), "ann Joined tracks 1 muted 0");
    house.rooms.sweep(Instant::now());
    assert_eq!(told(&mut bob), ["ann Joined tracks 1 muted 1"]);
    house.rooms.sweep(Instant::now());
    assert_eq!(told(&mut bob), [""; 0], "once");
    tokio::time::advance(Duration::from_secs(1)).await;
    ann.session.mute(&sid, false).unwrap();
    assert_eq!(told(&mut bob), ["ann Joined tracks 1 muted 0"]);
}

#[tokio::test(start_paused = true)]
async fn who_changes_its_own_texts_all_the_time_is_told_of_together() {
    let house = house();
    let mut params = params("ann");
    params.permissions.update_own_metadata = true;
    let mut ann = house.rooms.join(&params).unwrap();
    let mut bob = house.join("bob");
    let watch = house.rooms.watch("kitchen", None).unwrap();
    told(&mut ann);
    for name in 0..501 {
        let name = name.to_string();
        let changed = ann.session.update_own(&name, "", BTreeMap::new());
        changed.unwrap();
    }
    let counted = |ann: &mut Joined, bob: &mut Joined| (told(ann).len(), told(bob).len());
    assert_eq!(counted(&mut ann, &mut bob), (BURST, BURST));
    house.rooms.sweep(Instant::now());
    let last = format!("is 500 v{}", BURST + 2);
    assert_eq!(told(&mut ann), [last]);
    assert_eq!(told(&mut bob), ["ann Joined tracks 0 muted 0"]);
    house.rooms.sweep(Instant::now());
    assert_eq!(counted(&mut ann, &mut bob), (0, 0), "once");
    let now = house.rooms.watch("kitchen", None).unwrap();
    let events = usize::try_from(now.sequence - watch.sequence).unwrap();
    assert_eq!(events, BURST + 1);
}

#[tokio::test(start_paused = true)]
async fn who_gives_its_tracks_all_the_time_gives_them_late_and_takes_them_at_once() {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    house.publish(&ann);
    told(&mut bob);
    house.sent();
    let set = |everyone| {
        let session = &ann.session;
        session.set_subscription_permissions(everyone, &[]).unwrap();
    };
    for n in 0..501 {
        set(n % 2 == 1);
    }
    let sent = house.sent();
    assert!(sent.len() <= BURST + 1, "{}", sent.len());
    assert_eq!(sent.last().unwrap(), "2 wants no 1");
    house.rooms.sweep(Instant::now());
    assert_eq!(house.sent(), [""; 0]);
    set(true);
    assert_eq!(house.sent(), [""; 0]);
    house.rooms.sweep(Instant::now());
    assert_eq!(house.sent(), ["2 wants 1"]);
    set(false);
    assert_eq!(house.sent(), ["2 wants no 1"]);

    set(true);
    told(&mut bob);
    let sid = ann.session_track(&house);
    bob.session.subscribe(std::slice::from_ref(&sid));
    assert_eq!(house.sent(), ["2 wants 1"], "who asks for it has it");
    let heard = told(&mut bob);
    assert!(
        heard.len() == 1 && heard[0].contains("allowed: true"),
        "{heard:?}"
    );
    house.rooms.sweep(Instant::now());
    assert_eq!(house.sent(), [""; 0]);
}

impl Joined {
    /// The sid of its first track.
    fn session_track(&self, house: &House) -> String {
        let identity = &self.me.identity;
        let info = house.rooms.get_participant("kitchen", identity).unwrap();
        info.tracks[0].sid.clone()
    }
}

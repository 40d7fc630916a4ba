//! Publishers choose who may have their tracks.

use super::*;

fn only(identity: &str, track_sids: &[&str]) -> TrackPermission {
    TrackPermission {
        identity: identity.into(),
        sid: String::new(),
        all_tracks: track_sids.is_empty(),
        track_sids: track_sids.iter().map(|sid| (*sid).to_owned()).collect(),
    }
}

/// What was told of permissions, by track.
fn permitted(joined: &mut Joined) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(notice) = joined.notices.next_waiting() {
        if let Notice::SubscriptionPermitted {
            publisher,
            track,
            allowed,
        } = notice
        {
            assert!(publisher.starts_with("PA_"));
            words.push(format!("{track} {allowed}"));
        }
    }
    words
}

struct Party {
    house: House,
    ann: Joined,
    bob: Joined,
    carl: Joined,
    /// The sid of ann's track.
    sid: String,
}

/// Ann publishes, the others are sent it.
fn party() -> Party {
    let house = house();
    let ann = house.join("ann");
    let mut bob = house.join("bob");
    let mut carl = house.join("carl");
    house.publish(&ann);
    let info = house.rooms.get_participant("kitchen", "ann").unwrap();
    told(&mut bob);
    told(&mut carl);
    house.sent();
    Party {
        sid: info.tracks[0].sid.clone(),
        house,
        ann,
        bob,
        carl,
    }
}

#[test]
fn a_track_is_taken_away_at_once_and_given_back() {
    let mut party = party();
    let set = |everyone, named: &[TrackPermission]| {
        let session = &party.ann.session;
        session
            .set_subscription_permissions(everyone, named)
            .unwrap();
    };
    set(false, &[only("carl", &[])]);
    assert_eq!(party.house.sent(), ["2 wants no 1"]);
    assert_eq!(permitted(&mut party.bob), [format!("{} false", party.sid)]);
    assert_eq!(permitted(&mut party.carl), [""; 0]);
    // Asking for it changes nothing, however often.
    party
        .bob
        .session
        .subscribe(std::slice::from_ref(&party.sid));
    set(false, &[only("carl", &[&party.sid])]);
    assert_eq!(party.house.sent(), [""; 0]);
    assert_eq!(permitted(&mut party.bob), [""; 0]);

    set(true, &[]);
    assert_eq!(party.house.sent(), ["2 wants 1"]);
    assert_eq!(permitted(&mut party.bob), [format!("{} true", party.sid)]);
}

#[test]
fn who_does_not_want_a_track_any_more_is_not_given_it_back() {
    let party = party();
    let set = |everyone| {
        let session = &party.ann.session;
        session.set_subscription_permissions(everyone, &[]).unwrap();
    };
    set(false);
    assert_eq!(party.house.sent(), ["2 wants no 1", "3 wants no 1"]);
    party
        .bob
        .session
        .unsubscribe(std::slice::from_ref(&party.sid));
    set(true);
    assert_eq!(party.house.sent(), ["3 wants 1"]);
}

#[test]
fn permissions_hold_for_those_and_for_what_is_yet_to_come() {
    let party = party();
    let named = [only("dora", &[]), only("carl", &["TR_other"])];
    let session = &party.ann.session;
    session.set_subscription_permissions(false, &named).unwrap();
    party.house.sent();
    let _dora = party.house.join("dora");
    let mut eve = party.house.join("eve");
    assert_eq!(party.house.sent(), ["add 4", "4 wants 1", "add 5"]);
    assert_eq!(permitted(&mut eve), [format!("{} false", party.sid)]);
    let second = NewTrack {
        cid: "second".into(),
        ..microphone()
    };
    party.ann.session.add_track(second).unwrap();
    party.house.bound(ids::track_id(1, 2));
    assert_eq!(party.house.sent(), ["announce 2 of 1", "4 wants 2"]);
    assert_eq!(permitted(&mut eve).len(), 1);
}

#[test]
fn somebody_may_be_named_by_sid() {
    let party = party();
    let by_sid = |sid: &str| TrackPermission {
        identity: String::new(),
        sid: sid.into(),
        all_tracks: true,
        track_sids: Vec::new(),
    };
    let named = [by_sid(&party.bob.me.sid), by_sid("PA_gone")];
    let session = &party.ann.session;
    session.set_subscription_permissions(false, &named).unwrap();
    assert_eq!(party.house.sent(), ["3 wants no 1"]);
    let nobody = [by_sid("")];
    let refused = session.set_subscription_permissions(false, &nobody);
    assert_eq!(refused.unwrap_err().about(), Some("participant_identity"));
}

#[test]
fn lists_are_bounded() {
    let party = party();
    let session = &party.ann.session;
    let kind = |named: &[TrackPermission]| {
        let refused = session.set_subscription_permissions(false, named);
        refused.unwrap_err().kind()
    };
    let one = only("x", &[]);
    let many = vec![one.clone(); limits::MAX_TRACK_PERMISSIONS + 1];
    assert_eq!(kind(&many), ErrorKind::ResourceExhausted);
    let tracks = TrackPermission {
        track_sids: vec!["TR_".into(); limits::MAX_PERMITTED_TRACKS + 1],
        ..one.clone()
    };
    assert_eq!(kind(&[tracks]), ErrorKind::ResourceExhausted);
    let long = TrackPermission {
        identity: "x".repeat(limits::MAX_IDENTITY + 1),
        ..one
    };
    assert_eq!(kind(&[long]), ErrorKind::InvalidArgument);
    assert_eq!(
        party.house.sent(),
        [""; 0],
        "what is refused changes nothing"
    );
}

#[test]
fn a_track_that_ends_is_wanted_no_more() {
    let mut party = party();
    let session = &party.ann.session;
    session.set_subscription_permissions(false, &[]).unwrap();
    party.house.rooms.handle_event(
        0,
        Event::TrackUnbound {
            track: ids::track_id(1, 1),
        },
    );
    party.house.sent();
    permitted(&mut party.bob);
    session.set_subscription_permissions(true, &[]).unwrap();
    assert_eq!(party.house.sent(), [""; 0]);
    assert_eq!(permitted(&mut party.bob), [""; 0]);
}

#[tokio::test]
async fn who_was_without_signalling_is_told_what_it_may_have() {
    let mut party = party();
    let session = &party.ann.session;
    for everyone in [false, true] {
        let sid = party.bob.me.sid.clone();
        party.bob.session.signalling_lost();
        session.set_subscription_permissions(everyone, &[]).unwrap();
        party.bob = party.house.rooms.resume(&params("bob"), &sid).unwrap();
        let told = [format!("{} {everyone}", party.sid)];
        assert_eq!(permitted(&mut party.bob), told);
    }
}

//! Why each subscription is sent what it is sent.

use std::time::Duration;

use sfu_core::command::{Command, MediaPermissions};
use sfu_core::event::Event;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;
use sfu_core::media::explanation::{
    Limit, LinkExplanation, SubscriptionExplanation, SubscriptionReason as Why,
};
use sfu_core::media::layer::LayerWish;
use sfu_core::media::session::Direction;

use crate::allotments::Scene;
use crate::client::{MS, Packet};
use crate::meeting::{Meeting, audio, participant, video, vp8};

fn explain(meeting: &mut Meeting, client: usize) -> Vec<SubscriptionExplanation> {
    explain_all(meeting, client).0
}

fn explain_all(
    meeting: &mut Meeting,
    client: usize,
) -> (Vec<SubscriptionExplanation>, LinkExplanation) {
    meeting.events.clear();
    meeting.command(Command::ExplainSubscriptions {
        participant: participant(client),
        request: 77,
    });
    let mut answers = meeting.events.iter().filter_map(|event| match event {
        Event::SubscriptionsExplained {
            participant: who,
            request: 77,
            explanations,
            link,
        } if *who == participant(client) => Some((explanations.clone(), *link)),
        _ => None,
    });
    answers.next().expect("every question is answered")
}

/// The one subscription of a client.
fn one(meeting: &mut Meeting, client: usize) -> SubscriptionExplanation {
    let [one] = explain(meeting, client).try_into().unwrap();
    one
}

fn why(meeting: &mut Meeting, client: usize) -> Why {
    one(meeting, client).reason
}

fn frames(meeting: &mut Meeting, client: usize, rids: &[&str], n: u64, keyframe: bool) {
    let payload = vp8(keyframe, n as u16);
    for rid in rids {
        let packet = Packet {
            ssrc: 100 + u32::from(rid.as_bytes()[0]),
            rid: Some(rid),
            ..video(n, &payload)
        };
        meeting.send(client, &packet);
    }
    meeting.pass(33 * MS);
}

fn wish(meeting: &mut Meeting, client: usize, quality: u8) {
    meeting.command(Command::SetLayerWish {
        participant: participant(client),
        track: TrackId(1),
        wish: LayerWish {
            max_quality: Some(quality),
            ..LayerWish::default()
        },
    });
}

#[test]
fn every_quality_is_told_with_what_was_asked_and_what_is_sent() {
    let mut meeting = Meeting::unpaced();
    // The best is offered first: what is told are qualities, whatever the places.
    let publisher = meeting.publisher(1, MediaKind::Video, &["f", "h", "q"]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let silent_for = None;
    assert_eq!(
        why(&mut meeting, viewer),
        Why::PublisherSilent { silent_for }
    );
    frames(&mut meeting, publisher, &["q"], 0, false);
    let waits = |quality, ms| Why::WaitingForKeyframe {
        quality,
        asked_ago: Some(ms * MS),
    };
    assert_eq!(why(&mut meeting, viewer), waits(0, 33));
    frames(&mut meeting, publisher, &["q"], 1, true);
    let told = one(&mut meeting, viewer);
    assert_eq!(told.reason, Why::QualityNotSent { best: 0 });
    assert_eq!((told.asked, told.enabled), (LayerWish::default(), true));
    let quality = |layers: Option<sfu_core::media::layer::Layers>| layers.map(|l| l.encoding);
    assert_eq!(
        (quality(told.target), quality(told.current)),
        (Some(0), Some(0))
    );
    frames(&mut meeting, publisher, &["q", "h", "f"], 2, false);
    assert_eq!(why(&mut meeting, viewer), waits(2, 33));
    let told = one(&mut meeting, viewer);
    let quality = |layers: Option<sfu_core::media::layer::Layers>| layers.map(|l| l.encoding);
    assert_eq!(
        (quality(told.target), quality(told.current)),
        (Some(2), Some(0))
    );
    frames(&mut meeting, publisher, &["q", "h", "f"], 3, true);
    let told = one(&mut meeting, viewer);
    assert_eq!((told.reason, told.limit), (Why::AsAsked, Limit::None));
    wish(&mut meeting, viewer, 1);
    frames(&mut meeting, publisher, &["q", "h", "f"], 4, true);
    let told = one(&mut meeting, viewer);
    assert_eq!(
        (told.reason, quality(told.current)),
        (Why::AsAsked, Some(1))
    );
    assert_eq!(
        (told.limit, quality(told.wanted)),
        (Limit::Viewport, Some(1))
    );
    assert_eq!(told.asked.max_quality, Some(1));
    // The lowest is turned off.
    wish(&mut meeting, viewer, 0);
    (5..40).for_each(|n| frames(&mut meeting, publisher, &["h", "f"], n, true));
    assert_eq!(why(&mut meeting, viewer), Why::OnlyBetterSent { least: 1 });
}

#[test]
fn the_subscribers_own_doing_is_told_before_its_publishers() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    meeting.send(publisher, &audio(0));
    assert_eq!(why(&mut meeting, viewer), Why::AsAsked);
    meeting.pass(3000 * MS);
    let silent_for = Some(3000 * MS);
    assert_eq!(
        why(&mut meeting, viewer),
        Why::PublisherSilent { silent_for }
    );
    let track = TrackId(1);
    meeting.command(Command::SetTrackMuted { track, muted: true });
    assert_eq!(why(&mut meeting, viewer), Why::MutedByPublisher);
    assert_eq!(one(&mut meeting, viewer).target, None);
    meeting.command(Command::SetSubscriptionEnabled {
        participant: participant(viewer),
        track,
        enabled: false,
    });
    let told = one(&mut meeting, viewer);
    assert_eq!(
        (told.reason, told.enabled),
        (Why::PausedBySubscriber, false)
    );
}

#[test]
fn what_has_no_section_is_told_to_wait_for_it() {
    let mut meeting = Meeting::new();
    let viewer = meeting.join();
    meeting.clients[viewer].section(MediaKind::Audio, None, &[]);
    let publisher = meeting.join();
    meeting.announce(publisher, 1, MediaKind::Audio, "cid");
    meeting.subscribe(viewer, 1);
    assert_eq!(why(&mut meeting, viewer), Why::NotPublished);
    meeting.clients[publisher].section(MediaKind::Audio, Some("cid"), &[]);
    meeting.offer(publisher);
    assert_eq!(why(&mut meeting, viewer), Why::WaitingForSection);
    meeting.offer(viewer);
    assert_eq!(why(&mut meeting, viewer), Why::NotConnected);
    meeting.connect(viewer);
    assert_eq!(why(&mut meeting, viewer), Why::PublisherNotConnected);
    meeting.connect(publisher);
    meeting.send(publisher, &audio(0));
    assert_eq!(why(&mut meeting, viewer), Why::AsAsked);
    // Its section stops sending.
    meeting.clients[publisher].sections[0].direction = Direction::Inactive;
    meeting.offer(publisher);
    assert_eq!(why(&mut meeting, viewer), Why::NotPublished);
}

#[test]
fn what_is_not_permitted_is_no_subscription_and_who_is_gone_is_not_told_of() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    assert_eq!(explain(&mut meeting, publisher), []);
    meeting.command(Command::SetPermissions {
        participant: participant(viewer),
        permissions: MediaPermissions {
            publish: true,
            subscribe: false,
        },
    });
    assert_eq!(explain(&mut meeting, viewer), []);
    meeting.events.clear();
    meeting.command(Command::ExplainSubscriptions {
        participant: participant(99),
        request: 1,
    });
    assert!(meeting.events.is_empty());
}

#[test]
fn a_publisher_that_does_not_answer_is_told_with_how_long_it_has_not() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    for n in 0..29 {
        meeting.send(publisher, &video(n, &vp8(false, n as u16)));
        meeting.pass(100 * MS);
    }
    let Why::WaitingForKeyframe {
        quality: 0,
        asked_ago: Some(ago),
    } = why(&mut meeting, viewer)
    else {
        panic!("{:?}", one(&mut meeting, viewer));
    };
    // It is asked each second.
    assert!(ago < Duration::from_secs(1), "{ago:?}");
    assert!(meeting.keyframe_requests(publisher) >= 2);
}

#[test]
fn a_voice_without_a_place_waits_for_others() {
    let mut meeting = Meeting::with_voices(1);
    let voices = [1, 2].map(|track| meeting.publisher(track, MediaKind::Audio, &[]));
    let viewers = [1, 2].map(|track| meeting.viewer(track, MediaKind::Audio));
    let say = |meeting: &mut Meeting, numbers: std::ops::Range<u64>, who: usize| {
        for n in numbers {
            for (voice, client) in voices.into_iter().enumerate() {
                let level = if voice == who { 20 } else { 127 };
                let packet = Packet {
                    level: Some(level),
                    ..audio(n)
                };
                meeting.send(client, &packet);
            }
            meeting.pass(20 * MS);
        }
    };
    say(&mut meeting, 0..20, 0);
    let [first, second] = viewers.map(|viewer| one(&mut meeting, viewer));
    assert_eq!(
        (first.reason, second.reason),
        (Why::AsAsked, Why::OthersSpeak)
    );
    assert_eq!(second.current, None);
    say(&mut meeting, 20..70, 1);
    let [first, second] = viewers.map(|viewer| one(&mut meeting, viewer));
    assert_eq!(
        (first.reason, second.reason),
        (Why::OthersSpeak, Why::AsAsked)
    );
    assert!(first.current.is_none() && second.current.is_some());
}

#[test]
fn what_the_network_does_not_carry_is_told_with_what_it_would_take() {
    let mut scene = Scene::new(1);
    let quality = |layers: Option<sfu_core::media::layer::Layers>| layers.map(|l| l.encoding);
    let about = |rate: Option<sfu_core::unit::Bitrate>, kbps: u64| {
        let bps = rate.unwrap().bps();
        assert!((kbps * 900..kbps * 1200).contains(&bps), "{bps} for {kbps}");
    };
    scene.frames(120, 3_000_000);
    let (told, link) = explain_all(&mut scene.meeting, scene.viewer);
    let [told] = told.try_into().unwrap();
    assert_eq!((told.reason, told.limit), (Why::AsAsked, Limit::None));
    assert_eq!(told.target_rate, told.wanted_rate);
    about(told.wanted_rate, 1610);
    about(link.estimate, 3000);
    scene.frames(60, 600_000);
    let (told, link) = explain_all(&mut scene.meeting, scene.viewer);
    let [told] = told.try_into().unwrap();
    assert_eq!(
        (told.reason, told.limit),
        (Why::LimitedByBandwidth, Limit::Bandwidth)
    );
    let qualities = [told.wanted, told.target, told.current].map(quality);
    assert_eq!(qualities, [Some(2), Some(1), Some(1)]);
    about(told.target_rate, 410);
    about(told.wanted_rate, 1610);
    assert!(link.allotted <= link.estimate.unwrap() && link.estimate.unwrap() < link.wanted);
    // Who asks for no more is not held back by its network.
    wish(&mut scene.meeting, scene.viewer, 1);
    scene.frames(30, 600_000);
    let told = one(&mut scene.meeting, scene.viewer);
    assert_eq!((told.reason, told.limit), (Why::AsAsked, Limit::Viewport));
}

#[test]
fn pictures_that_do_not_fit_are_told_to_be_paused_for_bandwidth() {
    let mut scene = Scene::new(2);
    scene.frames(120, 3_000_000);
    scene.frames(30, 100_000);
    let told = explain(&mut scene.meeting, scene.viewer);
    let paused: Vec<_> = told
        .iter()
        .filter(|told| told.reason == Why::PausedForBandwidth)
        .collect();
    let [paused] = paused[..] else {
        panic!("{told:?}");
    };
    assert_eq!(paused.limit, Limit::PausedForBandwidth);
    assert_eq!((paused.target, paused.current), (None, None));
    assert!(paused.wanted.is_some() && paused.enabled);
    let track = paused.track;
    scene.meeting.command(Command::SetSubscriptionEnabled {
        participant: participant(scene.viewer),
        track,
        enabled: false,
    });
    let told = explain(&mut scene.meeting, scene.viewer);
    let told = told.iter().find(|told| told.track == track).unwrap();
    assert_eq!(told.limit, Limit::PausedBySubscriber);
}

#[test]
fn the_census_counts_who_is_there_by_what_limits_it() {
    let mut scene = Scene::new(2);
    let count = |scene: &Scene, limit: Limit| scene.meeting.worker.census().limits[limit.index()];
    scene.frames(120, 3_000_000);
    // Everybody is counted anew every ten seconds.
    scene.frames(330, 100_000);
    assert_eq!(count(&scene, Limit::PausedForBandwidth), 1);
    let census = scene.meeting.worker.census();
    assert_eq!(census.limits.iter().sum::<u32>(), 2);
    assert_eq!(census.estimates.iter().sum::<u32>(), 1);
    assert_eq!((census.estimates[0], census.estimated.bps()), (1, 100_000));
    let participant = participant(scene.viewer);
    scene
        .meeting
        .command(Command::RemoveParticipant { participant });
    assert_eq!(scene.meeting.worker.census(), Default::default());
}

/// Bits, written as zeros and ones, as bytes.
fn bits(text: &str) -> Vec<u8> {
    let bits: Vec<u8> = text
        .bytes()
        .filter(|bit| matches!(bit, b'0' | b'1'))
        .map(|bit| bit - b'0')
        .collect();
    let byte = |bits: &[u8]| (0..8).fold(0, |byte, at| byte << 1 | bits.get(at).unwrap_or(&0));
    bits.chunks(8).map(byte).collect()
}

#[test]
fn a_publisher_that_sends_fewer_spatial_layers_than_it_offered_sends_no_better() {
    const THEIRS: u8 = 12;
    let mut meeting = Meeting::new();
    let camera = meeting.join();
    meeting.announce(camera, 1, MediaKind::Video, "cid");
    meeting.clients[camera].section(MediaKind::Video, Some("cid"), &[]);
    meeting.clients[camera].sections[0]
        .extensions
        .dependency_descriptor = Some(THEIRS);
    meeting.connect(camera);
    let viewer = meeting.viewer(1, MediaKind::Video);
    // Two decode targets of a spatial layer each; templates: the lower one's key and later frames,
    // the upper one's (AV1 RTP, Appendix A.8).
    let structure =
        "000000 00001 00 10 00 11 1010 1011 0010 0010 0 100010 100000 10000 10001 0 0 0";
    let mut sent = 0;
    let mut send = |meeting: &mut Meeting, template: &str, more: &str| {
        let head = format!("11 {template} {sent:016b} {more}");
        meeting.clients[camera].extension = Some((THEIRS, bits(&head)));
        let keyframe = template == "000000";
        meeting.send(camera, &video(sent, &vp8(keyframe, sent as u16)));
        sent += 1;
        meeting.pass(16 * MS);
    };
    send(&mut meeting, "000000", &format!("1 0 0 0 0 {structure}"));
    send(&mut meeting, "000010", "");
    let told = one(&mut meeting, viewer);
    assert_eq!((told.reason, told.limit), (Why::AsAsked, Limit::None));
    assert_eq!(told.current.map(|layers| layers.top.spatial), Some(1));
    // Only the lower one from here on.
    send(&mut meeting, "000001", "0 1 0 0 0 01");
    send(&mut meeting, "000001", "");
    let told = one(&mut meeting, viewer);
    assert_eq!(
        (told.reason, told.limit),
        (Why::QualityNotSent { best: 0 }, Limit::Publisher)
    );
    // Who asks for no more misses nothing.
    wish(&mut meeting, viewer, 0);
    send(&mut meeting, "000001", "");
    assert_eq!(why(&mut meeting, viewer), Why::AsAsked);
}

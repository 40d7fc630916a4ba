//! What a subscriber is sent of several encodings when its network carries less than all.

use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::event::{Event, StreamState};
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::RtcpItem;

use crate::client::{MS, Packet, RTX};
use crate::meeting::{Meeting, participant, video};

/// Bytes of a frame of each encoding, and so kilobits a second at 30 frames: 110, 410, 1610.
const SIZES: [(&str, usize); 3] = [("q", 400), ("h", 1650), ("f", 6600)];

const FRAME: Duration = Duration::from_millis(33);

/// A publisher of three encodings of two temporal layers each.
struct Camera {
    client: usize,
    track: u64,
    n: u64,
    sent: [u64; 3],
    /// Requests that were answered.
    answered: [usize; 3],
    /// Encodings that answer requests.
    answers: [bool; 3],
}

impl Camera {
    fn new(meeting: &mut Meeting, track: u64) -> Self {
        Self {
            client: meeting.publisher(track, MediaKind::Video, &["q", "h", "f"]),
            track,
            n: 0,
            sent: [0; 3],
            answered: [0; 3],
            answers: [true; 3],
        }
    }

    fn ssrc(&self, at: usize) -> u32 {
        self.track as u32 * 100 + at as u32
    }

    fn requests(&self, meeting: &Meeting, at: usize) -> usize {
        meeting.rtcp(self.client, |item| match item {
            RtcpItem::KeyframeRequest { media, .. } => usize::from(media.0 == self.ssrc(at)),
            _ => 0,
        })
    }

    /// One frame of each encoding.
    fn frame(&mut self, meeting: &mut Meeting) {
        for (at, (rid, size)) in SIZES.into_iter().enumerate() {
            let requests = self.requests(meeting, at);
            let keyframe = self.n == 0 || self.answers[at] && requests > self.answered[at];
            self.answered[at] = requests;
            let packets = size.div_ceil(1100);
            for packet in 0..packets {
                let layer = (self.n % 2) as u8;
                let payload = payload(keyframe, packet == 0, layer, self.n, (at, size / packets));
                let base = video(self.n, &payload);
                let packet = Packet {
                    ssrc: self.ssrc(at),
                    sequence: 1000 + self.sent[at],
                    rid: Some(rid),
                    ..base
                };
                self.sent[at] += 1;
                meeting.send(self.client, &packet);
            }
        }
        self.n += 1;
    }
}

/// VP8 with a picture id, TL0PICIDX and a temporal layer; its last byte tells the encoding.
fn payload(keyframe: bool, first: bool, layer: u8, n: u64, (at, size): (usize, usize)) -> Vec<u8> {
    let [high, low] = (n as u16 | 0x8000).to_be_bytes();
    let start = if first { 0x10 } else { 0 };
    let tl0 = (n / 2) as u8;
    let mut payload = vec![0x80 | start, 0xe0, high, low, tl0, layer << 6 | 0x20];
    payload.extend([u8::from(!keyframe), 0, 0, 0x9d, 0x01, 0x2a]);
    let width = 320_u16 << at;
    payload.extend(width.to_le_bytes());
    payload.extend((width * 9 / 16).to_le_bytes());
    payload.resize(size, at as u8);
    payload
}

/// The receiver's own estimate (draft-alvestrand-rmcat-remb-03 section 2.2).
fn remb(meeting: &mut Meeting, client: usize, bps: u32) {
    let exponent = (32 - bps.leading_zeros()).saturating_sub(18);
    let mantissa = bps >> exponent;
    let mut packet = vec![0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0];
    packet.extend(b"REMB");
    packet.extend(((1 << 24) | exponent << 18 | mantissa).to_be_bytes());
    packet.extend([0, 0, 0, 2]);
    meeting.clients[client].send_rtcp(|out| {
        out[..packet.len()].copy_from_slice(&packet);
        Some(packet.len())
    });
    meeting.drain();
}

/// A viewer of some cameras, who tells what its link carries.
pub(crate) struct Scene {
    pub(crate) meeting: Meeting,
    cameras: Vec<Camera>,
    pub(crate) viewer: usize,
}

impl Scene {
    pub(crate) fn new(cameras: u64) -> Self {
        let mut meeting = Meeting::new();
        let cameras: Vec<_> = (1..=cameras)
            .map(|track| Camera::new(&mut meeting, track))
            .collect();
        let viewer = meeting.join();
        for camera in &cameras {
            meeting.clients[viewer].section(MediaKind::Video, None, &[]);
            meeting.subscribe(viewer, camera.track);
        }
        meeting.connect(viewer);
        Self {
            meeting,
            cameras,
            viewer,
        }
    }

    /// So many frames, with the viewer's word on its link every third.
    pub(crate) fn frames(&mut self, count: u64, bps: u32) {
        for n in 0..count {
            if n % 3 == 0 {
                remb(&mut self.meeting, self.viewer, bps);
            }
            for camera in &mut self.cameras {
                camera.frame(&mut self.meeting);
            }
            self.meeting.pass(FRAME);
        }
    }

    /// Forgets what the viewer got.
    fn clear(&mut self) {
        self.meeting.clients[self.viewer].rtp.clear();
    }

    /// Bytes that the viewer got of each encoding.
    fn got(&self) -> [usize; 3] {
        let mut got = [0; 3];
        for packet in &self.meeting.clients[self.viewer].rtp {
            if let Some(at) = packet.payload.last() {
                got[usize::from(*at)] += packet.payload.len();
            }
        }
        got
    }

    fn got_only(&self, encoding: usize) {
        let got = self.got();
        let others: usize = (0..3).filter(|at| *at != encoding).map(|at| got[at]).sum();
        assert!(others == 0 && got[encoding] > 0, "{got:?}");
    }

    fn states(&mut self) -> Vec<(TrackId, StreamState)> {
        let events = self.meeting.events.drain(..);
        let states = events.filter_map(|event| match event {
            Event::StreamStates {
                participant: who,
                states,
            } => {
                assert_eq!(who, participant(self.viewer));
                Some(states)
            }
            _ => None,
        });
        states.flatten().collect()
    }
}

#[test]
fn as_much_is_sent_as_the_network_carries() {
    let mut scene = Scene::new(1);
    scene.frames(120, 3_000_000);
    scene.clear();
    scene.frames(30, 3_000_000);
    scene.got_only(2);
    scene.frames(60, 600_000);
    scene.clear();
    scene.frames(30, 600_000);
    scene.got_only(1);
    scene.frames(60, 3_000_000);
    scene.clear();
    scene.frames(30, 3_000_000);
    scene.got_only(2);
}

#[test]
fn until_the_lower_keyframe_comes_nothing_stands_in_its_way() {
    let mut scene = Scene::new(1);
    scene.frames(120, 3_000_000);
    scene.cameras[0].answers = [false; 3];
    let asked = scene.cameras[0].requests(&scene.meeting, 1);
    scene.frames(4, 600_000);
    assert_eq!(scene.cameras[0].requests(&scene.meeting, 1), asked + 1);
    // What waited for the pacer.
    scene.frames(8, 600_000);
    scene.clear();
    scene.frames(10, 600_000);
    assert_eq!(scene.got(), [0; 3], "not even its lowest layer fits");
    // It is asked again after a second, and answers.
    scene.cameras[0].answers = [true; 3];
    scene.frames(20, 600_000);
    scene.got_only(1);
}

#[test]
fn what_waits_of_pictures_that_are_given_up_does_not_leave() {
    let mut scene = Scene::new(1);
    scene.frames(120, 3_000_000);
    scene.cameras[0].answers = [false; 3];
    scene.clear();
    for _ in 0..4 {
        scene.cameras[0].frame(&mut scene.meeting);
    }
    remb(&mut scene.meeting, scene.viewer, 600_000);
    scene.meeting.pass(10 * FRAME);
    let got = scene.meeting.clients[scene.viewer].rtp.iter();
    // A probe sends once more what has left.
    let got = got.filter(|got| got.payload_type != RTX);
    let (left, given_up): (Vec<_>, Vec<_>) = got.partition(|got| !got.payload.is_empty());
    assert_eq!(left.len() + given_up.len(), 24, "none is missed");
    // What was divided lately is not divided anew for 20 ms.
    assert!(given_up.len() >= 10, "{} have left", left.len());
}

#[test]
fn what_is_not_raised_for_good_asks_for_no_keyframe() {
    let mut scene = Scene::new(1);
    scene.frames(120, 600_000);
    let asked = scene.cameras[0].requests(&scene.meeting, 2);
    for _ in 0..10 {
        scene.frames(9, 3_000_000);
        scene.frames(9, 600_000);
    }
    assert_eq!(scene.cameras[0].requests(&scene.meeting, 2), asked);
}

#[test]
fn pictures_that_do_not_fit_are_paused_and_go_on_and_the_client_is_told() {
    let mut scene = Scene::new(2);
    scene.frames(120, 3_000_000);
    assert_eq!(scene.states(), []);
    scene.frames(30, 100_000);
    assert_eq!(scene.states(), [(TrackId(2), StreamState::Paused)]);
    scene.clear();
    scene.frames(30, 100_000);
    let ssrcs: std::collections::BTreeSet<_> = scene.meeting.clients[scene.viewer]
        .rtp
        .iter()
        .map(|packet| packet.ssrc)
        .collect();
    assert_eq!(ssrcs.len(), 1, "one of both");
    scene.frames(60, 600_000);
    assert_eq!(scene.states(), [(TrackId(2), StreamState::Active)]);
    // Who does not look is not told of anything, nor is the one that is turned off in its place.
    scene.meeting.command(Command::SetSubscriptionEnabled {
        participant: participant(scene.viewer),
        track: TrackId(1),
        enabled: false,
    });
    scene.frames(30, 100_000);
    assert_eq!(scene.states(), []);
}

#[test]
fn a_shared_screen_and_what_is_pinned_come_first() {
    let mut scene = Scene::new(3);
    scene.meeting.command(Command::SetTrackScreen {
        track: TrackId(2),
        is_screen: true,
    });
    scene.frames(120, 3_000_000);
    scene.states();
    scene.frames(30, 100_000);
    let paused = |track| (TrackId(track), StreamState::Paused);
    assert_eq!(scene.states(), [paused(1), paused(3)]);
    scene.meeting.command(Command::SetLayerWish {
        participant: participant(scene.viewer),
        track: TrackId(3),
        wish: sfu_core::media::layer::LayerWish {
            priority: Some(1),
            ..Default::default()
        },
    });
    scene.frames(60, 100_000);
    let states = scene.states();
    assert_eq!(states, [paused(2), (TrackId(3), StreamState::Active)]);
}

#[test]
fn two_of_one_link_share_it() {
    let mut scene = Scene::new(2);
    scene.frames(120, 1_200_000);
    scene.clear();
    scene.frames(30, 1_200_000);
    let [q, h, f] = scene.got();
    assert!(q == 0 && f == 0 && h > 2 * 29 * 1600, "{q} {h} {f}");
}

#[test]
fn without_any_word_on_the_link_all_is_sent_as_it_is_wanted() {
    let mut meeting = Meeting::unpaced();
    let mut camera = Camera::new(&mut meeting, 1);
    let viewer = meeting.viewer(1, MediaKind::Video);
    for _ in 0..10 {
        camera.frame(&mut meeting);
        meeting.pass(33 * MS);
    }
    let last = meeting.clients[viewer].rtp.last().unwrap();
    assert_eq!(last.payload.last(), Some(&2));
}

//! Sound and pictures that keep together while a subscriber is moved between encodings.
//!
//! A publisher captures sound and three encodings of pictures by one clock, each stream with a
//! timestamp offset of its own, over a network that delays each packet otherwise. What the subscriber
//! can know of capture times is computed as a receiver does, from the engine's sender reports and
//! the timestamps, and compared with when things were captured.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::id::{Ssrc, TrackId};
use sfu_core::media::codec::MediaKind;
use sfu_core::media::layer::LayerWish;
use sfu_core::wire::rtcp::{self, RtcpItem, SenderInfo};

use crate::client::{OPUS, Packet, VP8};
use crate::meeting::{Meeting, participant, vp8};

const RIDS: [&str; 3] = ["q", "h", "f"];

/// The way from the publisher, in microseconds.
const DELAY: u64 = 30_000;

/// What nobody notices: the most that a switch may move sound against pictures, in microseconds.
const LIMIT: i64 = 15_000;

/// The publisher's wall clock at the start, in 32.32 seconds.
const WALL_CLOCK: u64 = 3_900_000_000 << 32;

/// One stream of the publisher's.
struct Stream {
    ssrc: u32,
    /// Of what the timestamps count, in a second.
    rate: u64,
    /// The timestamp of what is captured at the start.
    base: u32,
    sequence: u64,
    /// Between two captures, in microseconds.
    interval: u64,
    wants_keyframe: bool,
    /// When it reports for the first time, and then every second; in microseconds.
    reports_from: u64,
    /// When its newest packet arrives: none overtakes another.
    newest_arrival: u64,
}

impl Stream {
    fn timestamp(&self, at: u64) -> u32 {
        self.base.wrapping_add((at * self.rate / 1_000_000) as u32)
    }
}

/// What happens when, in microseconds since the start.
enum Event {
    Capture(usize),
    Report(usize),
    Media(usize, Vec<u8>, u32),
    SenderReport(SenderInfo),
    Wish(u8),
}

/// One frame as the subscriber saw it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    encoding: u8,
    /// When it was captured, in microseconds.
    captured: u64,
    timestamp: u32,
    /// How much later than the sound its capture seems, in microseconds, by the newest reports.
    offset: i64,
    /// The same by the first report of the pictures that there was.
    by_first_report: i64,
    /// A report of the pictures came between the frame before and this one.
    is_reported: bool,
}

struct Stage {
    meeting: Meeting,
    streams: Vec<Stream>,
    camera: usize,
    watcher: usize,
    rng: fastrand::Rng,
    now: u64,
    events: BTreeMap<(u64, u32), Event>,
    scheduled: u32,
    /// How much a packet's and a report's way varies, in microseconds.
    jitter: u64,
    report_jitter: u64,
    /// When the publisher's wall clock is set, and by how much, in microseconds.
    jump: (u64, i64),
    requests_seen: usize,
    reports_seen: usize,
    media_seen: usize,
    /// The stream of the pictures that the subscriber is sent.
    pictures: Option<u32>,
    reports: HashMap<u32, SenderInfo>,
    first_report: Option<SenderInfo>,
    sound_error: Option<i64>,
    is_reported: bool,
    seen: Vec<Seen>,
}

/// The wall clock at `at`, of a clock that runs as the publisher's does.
fn wall_clock(at: u64) -> u64 {
    WALL_CLOCK + ((u128::from(at) << 32) / 1_000_000) as u64
}

/// Microseconds in 32.32 seconds.
fn seconds(micros: i64) -> i64 {
    ((i128::from(micros) << 32) / 1_000_000) as i64
}

impl Stage {
    fn new(seed: u64) -> Self {
        let mut meeting = Meeting::new();
        let camera = meeting.join();
        meeting.announce(camera, 1, MediaKind::Audio, "voice");
        meeting.announce(camera, 2, MediaKind::Video, "face");
        meeting.clients[camera].section(MediaKind::Audio, Some("voice"), &[]);
        meeting.clients[camera].section(MediaKind::Video, Some("face"), &RIDS);
        meeting.connect(camera);
        let watcher = meeting.join();
        meeting.clients[watcher].section(MediaKind::Audio, None, &[]);
        meeting.clients[watcher].section(MediaKind::Video, None, &[]);
        meeting.subscribe(watcher, 1);
        meeting.subscribe(watcher, 2);
        meeting.connect(watcher);
        let mut rng = fastrand::Rng::with_seed(seed);
        let streams = (0..4)
            .map(|at| Stream {
                ssrc: 0x100 + at as u32,
                rate: if at == 0 { 48_000 } else { 90_000 },
                base: rng.u32(..),
                sequence: rng.u64(..0x8000),
                interval: if at == 0 { 20_000 } else { 33_333 },
                wants_keyframe: true,
                reports_from: 100_000 + 150_000 * at,
                newest_arrival: 0,
            })
            .collect();
        Self {
            meeting,
            streams,
            camera,
            watcher,
            rng,
            now: 0,
            events: BTreeMap::new(),
            scheduled: 0,
            jitter: 20_000,
            report_jitter: 200_000,
            jump: (u64::MAX, 0),
            requests_seen: 0,
            reports_seen: 0,
            media_seen: 0,
            pictures: None,
            reports: HashMap::new(),
            first_report: None,
            sound_error: None,
            is_reported: false,
            seen: Vec::new(),
        }
    }

    fn at(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), event);
    }

    /// Plays `seconds`; the subscriber asks for another encoding every `every` microseconds.
    fn play(&mut self, seconds: u64, every: u64) {
        for at in 0..self.streams.len() {
            self.at(0, Event::Capture(at));
            self.at(self.streams[at].reports_from, Event::Report(at));
        }
        for n in 1..seconds * 1_000_000 / every {
            // Up and down, by one and by two.
            let quality = [0, 1, 2, 0, 2, 1][n as usize % 6];
            self.at(n * every, Event::Wish(quality));
        }
        while let Some(((at, _), event)) = self.events.pop_first() {
            if at > seconds * 1_000_000 {
                return;
            }
            self.meeting.pass(Duration::from_micros(at - self.now));
            self.now = at;
            self.happen(event);
            self.look();
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Capture(at) => {
                self.capture(at);
                self.at(now + self.streams[at].interval, Event::Capture(at));
            }
            Event::Report(at) => {
                let (since, jump) = self.jump;
                let jumped = if now >= since { jump } else { 0 };
                let report = SenderInfo {
                    ssrc: Ssrc(self.streams[at].ssrc),
                    ntp: wall_clock(now).wrapping_add_signed(seconds(jumped)),
                    rtp_timestamp: self.streams[at].timestamp(now),
                    packets: 1,
                    octets: 1,
                };
                let arrival = now + DELAY + self.rng.u64(..=self.report_jitter);
                self.at(arrival, Event::SenderReport(report));
                self.at(now + 1_000_000, Event::Report(at));
            }
            Event::Media(at, payload, timestamp) => {
                let stream = &mut self.streams[at];
                let packet = Packet {
                    ssrc: stream.ssrc,
                    sequence: stream.sequence,
                    payload_type: if at == 0 { OPUS } else { VP8 },
                    timestamp,
                    mid: if at == 0 { "0" } else { "1" },
                    rid: at.checked_sub(1).map(|encoding| RIDS[encoding]),
                    level: (at == 0).then_some(40),
                    payload: &payload,
                };
                stream.sequence += 1;
                self.meeting.send(self.camera, &packet);
            }
            Event::SenderReport(report) => {
                self.meeting.clients[self.camera]
                    .send_rtcp(|out| rtcp::sender_report(out, report, &[], Some("c")));
                self.meeting.drain();
            }
            Event::Wish(quality) => self.meeting.command(Command::SetLayerWish {
                participant: participant(self.watcher),
                track: TrackId(2),
                wish: LayerWish {
                    max_quality: Some(quality),
                    ..LayerWish::default()
                },
            }),
        }
    }

    fn capture(&mut self, at: usize) {
        let jitter = self.rng.u64(..=self.jitter);
        let stream = &mut self.streams[at];
        let mut payload = match at {
            0 => vec![0x78; 40],
            _ => vp8(std::mem::take(&mut stream.wants_keyframe), 7),
        };
        payload.extend(self.now.to_be_bytes());
        payload.push(at as u8);
        let arrival = (self.now + DELAY + jitter).max(stream.newest_arrival);
        stream.newest_arrival = arrival;
        let timestamp = stream.timestamp(self.now);
        self.at(arrival, Event::Media(at, payload, timestamp));
    }

    /// Takes note of what has reached either client.
    fn look(&mut self) {
        let asked = &self.meeting.clients[self.camera].rtcp[self.requests_seen..];
        self.requests_seen += asked.len();
        for (_, compound) in asked {
            rtcp::read(compound, |item| {
                if let RtcpItem::KeyframeRequest { media, .. } = item {
                    let stream = self.streams.iter_mut().find(|s| s.ssrc == media.0);
                    stream.unwrap().wants_keyframe = true;
                }
            })
            .unwrap();
        }
        let told = &self.meeting.clients[self.watcher].rtcp[self.reports_seen..];
        self.reports_seen += told.len();
        for (_, compound) in told {
            rtcp::read(compound, |item| {
                if let RtcpItem::SenderReport { sender, .. } = item {
                    self.is_reported |= self.pictures == Some(sender.ssrc.0);
                    self.reports.insert(sender.ssrc.0, sender);
                }
            })
            .unwrap();
        }
        let media = self.meeting.clients[self.watcher].rtp[self.media_seen..].to_vec();
        self.media_seen += media.len();
        for got in media {
            let (&at, rest) = got.payload.split_last().unwrap();
            let captured = u64::from_be_bytes(*rest.last_chunk().unwrap());
            let Some(report) = self.reports.get(&got.ssrc).copied() else {
                continue;
            };
            let rate = if at == 0 { 48_000 } else { 90_000 };
            let error = |report: SenderInfo| {
                let ticks = got.timestamp.wrapping_sub(report.rtp_timestamp) as i32;
                let ntp = report.ntp.wrapping_sub(wall_clock(captured)) as i64;
                ((i128::from(ntp) * 1_000_000) >> 32) as i64 + i64::from(ticks) * 1_000_000 / rate
            };
            match (at.checked_sub(1), self.sound_error) {
                (None, _) => self.sound_error = Some(error(report)),
                (Some(encoding), Some(sound)) => {
                    self.pictures = Some(got.ssrc);
                    let first = *self.first_report.get_or_insert(report);
                    self.seen.push(Seen {
                        encoding,
                        captured,
                        timestamp: got.timestamp,
                        offset: error(report) - sound,
                        by_first_report: error(first) - sound,
                        is_reported: std::mem::take(&mut self.is_reported),
                    });
                }
                (Some(_), None) => {}
            }
        }
    }

    fn switches(&self) -> usize {
        let pairs = self.seen.windows(2);
        pairs
            .filter(|two| two[0].encoding != two[1].encoding)
            .count()
    }

    /// From the least to the greatest of a figure.
    fn span(&self, figure: impl Fn(&Seen) -> i64) -> i64 {
        let all: Vec<_> = self.seen.iter().map(figure).collect();
        all.iter().max().unwrap() - all.iter().min().unwrap()
    }

    /// How far a switch moved a figure, at most: from the last frame before it to the first that was
    /// captured `settled` microseconds after it, of those that no other switch comes between.
    fn largest_move(&self, settled: u64, figure: impl Fn(&Seen) -> i64) -> i64 {
        let pairs = self.seen.windows(2).enumerate();
        let switches = pairs.filter(|(_, two)| two[0].encoding != two[1].encoding);
        let moves = switches.filter_map(|(at, two)| {
            let mut stretch = self.seen[at + 1..].iter();
            let same = |seen: &&Seen| seen.encoding == two[1].encoding;
            let stretch = stretch.by_ref().take_while(same);
            let mut after = stretch.skip_while(|s| s.captured < two[1].captured + settled);
            Some((figure(after.next()?) - figure(&two[0])).abs())
        });
        moves.max().unwrap()
    }

    /// How much the step of the timestamps from one frame to the next differs from that of their
    /// captures, at most, in microseconds.
    fn largest_jerk(&self) -> i64 {
        let jerks = self.seen.windows(2).map(|two| {
            let step = two[1].timestamp.wrapping_sub(two[0].timestamp) as i32;
            let captured = two[1].captured as i64 - two[0].captured as i64;
            (i64::from(step) * 1_000_000 / 90_000 - captured).abs()
        });
        jerks.max().unwrap()
    }
}

#[test]
fn switching_moves_pictures_against_sound_by_nothing_that_shows() {
    for seed in 0..10 {
        let mut stage = Stage::new(seed);
        stage.play(30, 700_000);
        assert!(stage.switches() >= 30, "{} switches", stage.switches());
        let (newest, first) = (stage.span(|s| s.offset), stage.span(|s| s.by_first_report));
        assert!(newest < LIMIT, "seed {seed}: {newest} us");
        assert!(first < LIMIT, "seed {seed}: {first} us by the first report");
    }
}

#[test]
fn a_report_leads_what_comes_of_another_encoding() {
    let mut stage = Stage::new(1);
    stage.play(30, 700_000);
    let pairs = stage.seen.windows(2);
    let switches: Vec<_> = pairs
        .filter(|two| two[0].encoding != two[1].encoding)
        .map(|two| two[1])
        // By then every encoding has reported.
        .filter(|seen| seen.captured > 1_000_000)
        .collect();
    assert!(switches.len() >= 30);
    let late: Vec<_> = switches.iter().filter(|seen| !seen.is_reported).collect();
    assert!(late.is_empty(), "{late:?}");
}

#[test]
fn an_encoding_of_no_known_clock_goes_on_by_arrival_and_is_put_right_without_a_jump() {
    for seed in 0..10 {
        let mut stage = Stage::new(seed);
        stage.jitter = 10_000;
        // The pictures' lowest encoding reports from the start; of the others nothing is known
        // until long after the first switch to them.
        stage.streams[2].reports_from = 4_000_000;
        stage.streams[3].reports_from = 7_000_000;
        stage.play(30, 1_500_000);
        assert!(stage.switches() >= 12, "{} switches", stage.switches());
        for figure in [|s: &Seen| s.offset, |s: &Seen| s.by_first_report] {
            let moved = stage.largest_move(0, figure);
            assert!(moved < LIMIT, "seed {seed}: {moved} us");
        }
        let jerk = stage.largest_jerk();
        assert!(jerk < LIMIT, "seed {seed}: a frame {jerk} us off its time");
        let late = stage.seen.iter().filter(|s| s.captured > 20_000_000);
        let left = late.map(|s| s.by_first_report.abs()).max().unwrap();
        assert!(left < 4000, "seed {seed}: {left} us are left");
    }
}

#[test]
fn a_wall_clock_that_is_set_moves_nothing() {
    for (seed, by) in (0..).zip([-7_200_000_000, -700_000, 400_000, 3_000_000]) {
        let mut stage = Stage::new(seed);
        stage.jump = (8_500_000, by);
        stage.play(20, 700_000);
        assert!(stage.switches() >= 20, "{} switches", stage.switches());
        let (newest, first) = (stage.span(|s| s.offset), stage.span(|s| s.by_first_report));
        assert!(newest < LIMIT, "by {by}: {newest} us");
        assert!(first < LIMIT, "by {by}: {first} us by the first report");
    }
}
#[test]
fn an_encoding_that_comes_late_behind_another_moves_nothing_for_long() {
    for seed in 0..6 {
        let mut stage = Stage::new(seed);
        // More than the time between two frames: a keyframe may have been captured before what was
        // sent last.
        stage.jitter = 50_000;
        stage.play(30, 700_000);
        assert!(stage.switches() >= 30, "{} switches", stage.switches());
        let late = stage.largest_move(0, |s| s.by_first_report);
        assert!(late > LIMIT, "seed {seed}: none came late");
        let first = stage.largest_move(150_000, |s| s.by_first_report);
        assert!(first < LIMIT, "seed {seed}: {first} us by the first report");
        let newest = stage.largest_move(150_000, |s| s.offset);
        assert!(newest < LIMIT, "seed {seed}: {newest} us");
        let stale = stage.seen.last().unwrap().by_first_report.abs();
        assert!(stale < LIMIT, "seed {seed}: {stale} us came together");
    }
}

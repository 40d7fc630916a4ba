use std::collections::VecDeque;

use super::*;
use crate::bandwidth::allocator::{Priority, Rung, allocate, value_of};
use crate::bandwidth::departure::Class;
use crate::bandwidth::estimator::Share;
use crate::id::Ssrc;
use crate::media::layer::{Layer, Layers};
use crate::wire::rtcp::{self, FeedbackHeader, RtcpItem};

const MS: Duration = Duration::from_millis(1);

#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
fn base() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

/// A sender on a link of 1 Mbit/s, with an allocator that follows its estimate.
struct Sender {
    now: Instant,
    estimator: Estimator,
    recorder: Option<Recorder>,
    allotments: Vec<Allotment>,
    sequence: u64,
    /// What is under way: when it arrives, in milliseconds.
    under_way: VecDeque<(u64, i64)>,
    free_at: i64,
    millis: i64,
    feedbacks: u8,
}

impl Sender {
    fn new() -> Self {
        let now = base();
        Self {
            now,
            estimator: Estimator::new(now),
            recorder: None,
            allotments: Vec::new(),
            sequence: 0,
            under_way: VecDeque::new(),
            free_at: 0,
            millis: 0,
            feedbacks: 0,
        }
    }

    fn record(&mut self) {
        self.recorder = Some(Recorder::begin(self.now, 1 << 20, &self.estimator));
    }

    /// Goes on and ends the recording.
    fn run(&mut self, millis: i64) -> Vec<u8> {
        let mut file = self.run_on(millis);
        file.extend(
            self.recorder
                .take()
                .map(Recorder::finish)
                .into_iter()
                .flatten(),
        );
        file
    }

    fn run_on(&mut self, millis: i64) -> Vec<u8> {
        let mut file = Vec::new();
        for _ in 0..millis {
            self.now += MS + Duration::from_nanos(317);
            self.millis += 1;
            self.send();
            if self.millis % 1_700 == 0 {
                self.estimator.on_path_changed(self.now);
                if let Some(recorder) = &mut self.recorder {
                    recorder.path_changed(self.now, &self.estimator);
                }
            }
            if self.millis % 50 == 0 {
                self.feed_back();
                self.allot();
            }
            self.estimator.handle_timeout(self.now);
            if let Some(recorder) = &mut self.recorder {
                recorder.timeout(self.now, &self.estimator);
                file.extend(recorder.poll_chunk().into_iter().flatten());
            }
        }
        file
    }

    fn send(&mut self) {
        let due = self.estimator.estimate().bps() * 3 / 2 / 8 / 1000;
        if !(self.millis as u64).is_multiple_of(1200 / due.clamp(1, 1200)) {
            return;
        }
        let probe = self.estimator.poll_probe();
        if let Some(recorder) = &mut self.recorder {
            recorder.probe(probe, &self.estimator);
        }
        let sent = SentPacket {
            sequence: self.sequence,
            size: 1200,
            class: if probe.is_some() {
                Class::Padding
            } else {
                Class::Video
            },
            probe: probe.map(|probe| probe.id),
        };
        self.estimator.on_sent(self.now, sent);
        if let Some(recorder) = &mut self.recorder {
            recorder.sent(self.now, &sent);
        }
        self.free_at = self.free_at.max(self.millis) + 10;
        self.under_way.push_back((self.sequence, self.free_at));
        self.sequence += 1;
    }

    fn feed_back(&mut self) {
        let arrived = |at: &(u64, i64)| at.1 < self.millis;
        let arrivals: Vec<_> = self.under_way.iter().copied().take_while(arrived).collect();
        let Some(first) = arrivals.first().copied() else {
            return;
        };
        self.under_way.drain(..arrivals.len());
        self.feedbacks = self.feedbacks.wrapping_add(1);
        if self.feedbacks.is_multiple_of(4) {
            let told = arrivals.iter().map(|&(sequence, at)| ToldPacket {
                number: sequence as u16,
                arrival: (sequence % 29 != 0).then_some(at * 1000),
            });
            let told: Vec<_> = told.collect();
            self.estimator.on_told_packets(self.now, &told);
            if let Some(recorder) = &mut self.recorder {
                recorder.told_packets(self.now, &told, &self.estimator);
            }
            return;
        }
        let reference = first.1 / 64;
        let mut last = reference * 64;
        let deltas = arrivals.iter().map(|&(sequence, at)| {
            let delta = (at - last) * 4;
            last = at;
            (sequence % 29 != 0).then_some(delta as i32)
        });
        let deltas: Vec<_> = deltas.collect();
        let header = FeedbackHeader {
            sender: Ssrc(1),
            media: Ssrc(2),
            base_sequence: first.0 as u16,
            reference_time: reference as u32,
            feedback_count: self.feedbacks,
        };
        let mut packet = [0; 1200];
        let len = rtcp::transport_feedback(&mut packet, header, &deltas).unwrap();
        let now = self.now;
        rtcp::read(&packet[..len], |item| {
            if let RtcpItem::TransportFeedback(feedback) = item {
                self.estimator.on_transport_feedback(now, &feedback);
                if let Some(recorder) = &mut self.recorder {
                    recorder.transport_feedback(now, &feedback, &self.estimator);
                }
            }
        })
        .unwrap();
    }

    /// Its line gives it a share, or it has none any more.
    fn couple(&mut self, share: Option<Share>) {
        self.estimator.couple(self.now, share);
        if let Some(recorder) = &mut self.recorder {
            recorder.share(self.now, share, &self.estimator);
        }
    }

    fn allot(&mut self) {
        let budget = Budget {
            granted: Bitrate::default(),
            estimate: self.estimator.budget(),
            reserved: Bitrate::from_bps(40_000),
        };
        let requests: Vec<_> = (0..2).map(|at| self.request(at)).collect();
        let (allotments, demand) = allocate(self.now, budget, &requests);
        self.estimator.set_demand(self.now, demand);
        if let Some(recorder) = &mut self.recorder {
            recorder.allocation(self.now, budget, &requests, (&allotments, demand));
            recorder.demand(self.now, demand, &self.estimator);
        }
        self.allotments = allotments;
    }

    fn request(&self, at: u64) -> Request {
        let rung = |encoding: u8, bps, height: u32| Rung {
            layers: Layers {
                encoding,
                top: Layer::default(),
            },
            bitrate: Bitrate::from_bps(bps),
            value: value_of(height * height * 16 / 9, 30),
        };
        // What a layer takes is measured anew now and then.
        let more = u64::from(self.millis % 200 == 0) * 7_000;
        Request {
            track: TrackId(at),
            priority: [Priority::Ordinary, Priority::Speaker][at as usize],
            rank: 640 * 360,
            ladder: Ladder::new([
                rung(0, 120_000 + more, 180),
                rung(1, 450_000, 360),
                rung(2, 1_700_000, 720),
            ]),
            former: self.allotments.get(at as usize).copied(),
        }
    }
}

/// A recording that began when the sender had been at it for a while.
fn recorded() -> Vec<u8> {
    let mut sender = Sender::new();
    sender.run(1_500);
    sender.record();
    sender.run(4_000)
}

fn again(file: &[u8]) -> Result<Replay, ReplayError> {
    replay(file, base(), |_, _| {})
}

/// The file's records as one chunk, changed by `change`, with a checksum that fits.
fn changed(file: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (mut records, _) = file::joined(file).unwrap();
    change(&mut records);
    let mut file = Vec::new();
    file::begin(&mut file);
    file::write_chunk(&mut file, &records);
    file
}

#[test]
fn what_was_recorded_comes_out_again_to_the_bit() {
    let file = recorded();
    let (mut packets, mut feedbacks, mut allotments) = (0, 0, 0);
    let replay = replay(&file, base(), |_, step| match step {
        Step::Sent(_) => packets += 1,
        Step::Estimated(report) => feedbacks = report.feedbacks,
        Step::Allotted { .. } => allotments += 1,
        Step::Probe(_) => {}
    })
    .unwrap();
    assert_eq!(replay.difference, None);
    assert_eq!(replay.version, env!("CARGO_PKG_VERSION"));
    assert!(!replay.breaks_off);
    assert!(packets > 100 && allotments == 80, "{packets} {allotments}");
    assert!(feedbacks > 80, "those from before it began: {feedbacks}");
    assert!(replay.compared > 4_000, "{replay:?}");
    let span = replay.span.as_millis();
    assert!((3_990..4_010).contains(&span), "{span}");
}

#[test]
fn the_shares_of_a_line_are_recorded() {
    let share = |fair: f64, holds| Share {
        fair,
        most: fair * 1.7,
        part: fair * 1.2,
        holds,
        is_limited: true,
        has_raised: holds,
    };
    let mut sender = Sender::new();
    sender.run(1_500);
    sender.couple(Some(share(600e3, false)));
    assert_eq!(sender.estimator.estimate(), Bitrate::from_bps(600_000));
    assert_eq!(sender.estimator.budget(), Bitrate::from_bps(1_020_000));
    sender.record();
    let mut file = sender.run_on(1_000);
    sender.couple(Some(share(400e3, true)));
    file.extend(sender.run_on(1_000));
    sender.couple(None);
    assert_eq!(sender.estimator.estimate(), sender.estimator.budget());
    file.extend(sender.run(1_000));
    let replay = again(&file).unwrap();
    assert_eq!(replay.difference, None);
    assert!(replay.compared > 3_000, "{replay:?}");
}

#[test]
fn an_input_that_is_another_is_found_out() {
    let mut sender = Sender::new();
    sender.run(1_500);
    sender.record();
    let now = sender.now;
    let recorder = sender.recorder.as_mut().unwrap();
    // Noted as something else than what was told.
    sender.estimator.on_remb(now, Bitrate::from_bps(200_000));
    recorder.remb(now, Bitrate::from_bps(210_000), &sender.estimator);
    let file = sender.run(100);
    let difference = again(&file).unwrap().difference.unwrap();
    assert_eq!(
        (difference.at, difference.output),
        (Duration::ZERO, "estimate")
    );
    assert_eq!(difference.recorded, Some(Bitrate::from_bps(200_000)));
    assert_eq!(difference.replayed, Bitrate::from_bps(210_000));
}

#[test]
fn a_recording_that_breaks_off_is_run_as_far_as_it_goes() {
    let file = recorded();
    let whole = again(&file).unwrap();
    let part = again(&file[..file.len() - 1]).unwrap();
    assert!(part.breaks_off && part.inputs < whole.inputs);
    assert_eq!(part.difference, None);
    assert_eq!(again(&file[..MAGIC.len() + 4]), Err(ReplayError::Empty));
    assert_eq!(again(&file[..3]), Err(ReplayError::NotARecording));
}

#[test]
fn what_is_no_recording_is_said_to_be_none() {
    let file = recorded();
    assert_eq!(
        again(b"\x89PNG\r\n\x1a\nsomething"),
        Err(ReplayError::NotARecording)
    );
    let mut other = file.clone();
    other[MAGIC.len()] = 9;
    assert_eq!(again(&other), Err(ReplayError::OtherFormat(9)));
    let mut damaged = file.clone();
    damaged[400] ^= 1;
    let what = "checksum";
    assert_eq!(again(&damaged), Err(ReplayError::Damaged { at: 8, what }));
    let mut damaged = file.clone();
    damaged[11] = 0xff;
    let what = "length";
    assert_eq!(again(&damaged), Err(ReplayError::Damaged { at: 8, what }));
    let of_other_state = changed(&file, |records| records.truncate(30));
    let version = env!("CARGO_PKG_VERSION").to_owned();
    assert_eq!(
        again(&of_other_state),
        Err(ReplayError::OtherState(version))
    );
}

#[test]
fn no_changed_byte_goes_unnoticed_and_no_changed_record_panics() {
    let mut sender = Sender::new();
    sender.record();
    let begun = sender.recorder.as_ref().unwrap().out.bytes.len();
    let file = sender.run(300);
    for at in (0..file.len()).step_by(7) {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        assert!(again(&damaged).is_err(), "byte {at}");
    }
    let (records, _) = file::joined(&file).unwrap();
    for at in (begun..records.len()).step_by(5) {
        for flip in [1, 0x80, 0xff] {
            // Whatever comes of it, it is an answer.
            let _ = again(&changed(&file, |records| records[at] ^= flip));
        }
        let _ = again(&changed(&file, |records| records.truncate(at)));
    }
}

#[test]
fn a_recording_keeps_to_its_bound() {
    let mut sender = Sender::new();
    let most = 40_000;
    sender.recorder = Some(Recorder::begin(sender.now, most, &sender.estimator));
    let mut file = Vec::new();
    let is_full = |sender: &Sender| sender.recorder.as_ref().unwrap().is_full();
    let mut recorder = loop {
        sender.now += MS;
        sender.estimator.handle_timeout(sender.now);
        let recorder = sender.recorder.as_mut().unwrap();
        recorder.timeout(sender.now, &sender.estimator);
        file.extend(recorder.poll_chunk().into_iter().flatten());
        if is_full(&sender) {
            break sender.recorder.take().unwrap();
        }
    };
    file.extend(recorder.poll_chunk().into_iter().flatten());
    file.extend(recorder.finish());
    assert!((most..most + 100).contains(&file.len()), "{}", file.len());
    assert_eq!(again(&file).unwrap().difference, None);
}

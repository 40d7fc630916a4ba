//! What estimating and pacing cost by themselves: a packet that leaves, and what is told of it.
//!
//! A frame of each subscriber's in turn, as the worker walks them: to ask for the time of one frame
//! takes longer than what is to be measured.

use std::time::{Duration, Instant};

use sfu_core::bandwidth::departure::{Class, SentPacket};
use sfu_core::bandwidth::estimator::Estimator;
use sfu_core::bandwidth::pacer::Pacer;
use sfu_core::id::Ssrc;
use sfu_core::wire::rtcp::{self, FeedbackHeader, RtcpItem};

use crate::FRAME;
use crate::clock::cpu_time;

/// Frames between two feedbacks.
const FRAMES: usize = 3;

/// Between two frames.
const INTERVAL: Duration = Duration::from_micros(33_333);

/// Prints what each packet costs the estimators and pacers of so many `subscribers`.
pub(crate) fn report(subscribers: usize, rounds: usize, packets: usize) {
    let samples: Vec<_> = (0..rounds).map(|_| round(subscribers, packets)).collect();
    let median = |part: usize| crate::median(samples.iter().map(|each| each[part]));
    println!(
        "{subscribers:>12} {:>10.1} {:>10.1} {:>10.1}",
        median(0),
        median(1),
        median(2)
    );
}

#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
fn round(subscribers: usize, packets: usize) -> [f64; 3] {
    let start = Instant::now();
    let mut now = start;
    let mut estimators = vec![Estimator::new(start); subscribers];
    let mut pacers: Vec<_> = (0..subscribers).map(|_| Pacer::default()).collect();
    let [mut sent, mut told, mut paced] = [Duration::ZERO; 3];
    let mut sequence = 0;
    for feedback in 0..(packets / FRAME / FRAMES / subscribers).max(20) {
        let (base, first) = (sequence, now);
        for _ in 0..FRAMES {
            sent += cpu_time(|| {
                for estimator in &mut estimators {
                    for packet in 0..FRAME as u64 {
                        estimator.on_sent(
                            now,
                            SentPacket {
                                sequence: sequence + packet,
                                size: 1_250,
                                class: Class::Video,
                                probe: None,
                            },
                        );
                    }
                }
            });
            paced += cpu_time(|| {
                for pacer in &mut pacers {
                    for _ in 0..FRAME {
                        if pacer.is_open(now) {
                            pacer.count(now, 1_250);
                        }
                    }
                }
            });
            sequence += FRAME as u64;
            now += INTERVAL;
        }
        let bytes = feedback_on(start, first, base as u16, feedback as u8);
        told += cpu_time(|| {
            for estimator in &mut estimators {
                rtcp::read(&bytes, |item| {
                    if let RtcpItem::TransportFeedback(feedback) = item {
                        estimator.on_transport_feedback(now, &feedback);
                    }
                })
                .unwrap();
            }
        });
    }
    let each = sequence as f64 * subscribers as f64;
    [sent, told, paced].map(|spent| spent.as_nanos() as f64 / each)
}

/// Says that all frames since `first` have arrived, undelayed.
fn feedback_on(start: Instant, first: Instant, base_sequence: u16, feedback_count: u8) -> Vec<u8> {
    let since = |at: Instant| (at - start).as_micros() as i64 / 250;
    let reference = since(first) / 256;
    let mut last = reference * 256;
    let arrivals = (0..FRAMES * FRAME).map(|packet| {
        let at = since(first + INTERVAL * (packet / FRAME) as u32);
        let delta = at - last;
        last = at;
        Some(delta as i32)
    });
    let deltas: Vec<_> = arrivals.collect();
    let header = FeedbackHeader {
        sender: Ssrc(1),
        media: Ssrc(2),
        base_sequence,
        reference_time: reference as u32,
        feedback_count,
    };
    let mut bytes = vec![0; 1_200];
    let len = rtcp::transport_feedback::transport_feedback(&mut bytes, header, &deltas);
    bytes.truncate(len.unwrap());
    bytes
}

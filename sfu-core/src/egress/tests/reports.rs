//! Sender reports and round trips.

use super::super::reports::SENDER_TIMEOUT;
use super::*;
use crate::wire::rtcp::ReportBlock;

pub(super) fn block(last_sr: u32, delay_since_last_sr: u32) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(1),
        fraction_lost: 0,
        cumulative_lost: 0,
        extended_highest: 0,
        jitter: 0,
        last_sr,
        delay_since_last_sr,
    }
}

#[test]
fn a_report_tells_the_publishers_time_on_the_subscribers_clock() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let clock = source.clock(start + 30 * MS);
    let mut egress = video();
    assert_eq!(egress.sender_report(start, Some(&clock)), None);
    let facts = source.next(true);
    let sent = send(&mut egress, 0, &facts).unwrap();
    assert_eq!(
        egress.sender_report(start, Some(&clock)),
        None,
        "nothing left yet"
    );
    egress.on_sent(start, 1100);
    egress.on_sent(start, 100);
    assert_eq!(egress.sender_report(start, None), None);
    // 1 s after the start, whichever report of the publisher's it goes by.
    for reported in [0, 30, 990, 1000, 1500] {
        let clock = source.clock(start + reported * MS);
        let report = egress
            .sender_report(start + 1000 * MS, Some(&clock))
            .unwrap();
        assert_eq!(
            (report.ssrc, report.packets, report.octets),
            (Ssrc(1), 2, 1200)
        );
        assert!(report.ntp.abs_diff(101 << 32) <= 2, "{:x}", report.ntp);
        assert_eq!(report.rtp_timestamp, sent.timestamp.wrapping_add(90_000));
    }
}

#[test]
fn over_a_switch_the_reports_keep_to_one_line_of_time() {
    let start = Instant::now();
    let (mut low, mut high) = (Source::new(0, 70_000, start), Source::new(1, 90_000, start));
    let (low_clock, high_clock) = (low.clock(start), high.clock(start));
    let mut egress = video();
    let facts = low.next(true);
    egress
        .forward(
            start,
            0,
            any_packet(),
            &facts,
            SourceFacts::of_clock(Some(&low_clock)),
        )
        .unwrap();
    egress.on_sent(start, 1);
    let before = egress.sender_report(start, Some(&low_clock)).unwrap();
    egress.set_target(Some(Layers::all_of(1)));
    high.frame = 25;
    let facts = high.next(true);
    let now = facts.arrived;
    egress
        .forward(
            now,
            1,
            any_packet(),
            &facts,
            SourceFacts::of_clock(Some(&high_clock)),
        )
        .unwrap();
    egress.on_sent(now, 1);
    let after = egress.sender_report(now, Some(&high_clock)).unwrap();
    assert_eq!(after.ntp - before.ntp, 1 << 32);
    let ticks = after.rtp_timestamp.wrapping_sub(before.rtp_timestamp);
    assert!(ticks.abs_diff(90_000) <= 1, "{ticks}");
}

#[test]
fn a_new_stretch_owes_a_report_and_many_do_not_owe_many() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let clock = source.clock(start);
    let mut egress = video();
    assert!(!egress.owes_report(start));
    let mut paid = 0;
    for ms in 0..1000 {
        let now = start + ms * MS;
        // Each keyframe after a pause starts a stretch.
        egress.set_enabled(false);
        egress.set_enabled(true);
        assert!(!egress.owes_report(now), "nothing is sent");
        send(&mut egress, 0, &source.next(true)).unwrap();
        egress.on_sent(now, 1);
        if egress.owes_report(now) {
            egress.sender_report(now, Some(&clock)).unwrap();
            assert!(!egress.owes_report(now));
            paid += 1;
        }
    }
    assert_eq!(paid, 10, "one in 100 ms");
}

#[test]
fn a_stream_that_fell_silent_reports_no_more() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let clock = source.clock(start);
    let mut egress = video();
    send(&mut egress, 0, &source.next(true)).unwrap();
    egress.on_sent(start, 1);
    let last = start + SENDER_TIMEOUT;
    assert!(egress.sender_report(last, Some(&clock)).is_some());
    assert!(egress.sender_report(last + MS, Some(&clock)).is_none());
    egress.on_sent(last, 1);
    assert!(egress.sender_report(last + MS, Some(&clock)).is_some());
    egress.set_enabled(false);
    assert!(egress.sender_report(last + MS, Some(&clock)).is_none());
}

#[test]
fn answers_tell_the_round_trip() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let clock = source.clock(start);
    let mut egress = video();
    send(&mut egress, 0, &source.next(true)).unwrap();
    egress.on_sent(start, 1);
    let made: Vec<_> = (0..6)
        .map(|second| {
            let at = start + second * 1000 * MS;
            let report = egress.sender_report(at, Some(&clock)).unwrap();
            (at, (report.ntp >> 16) as u32)
        })
        .collect();
    let now = start + 5100 * MS;
    // The last four are known; 0.5 s passed at the receiver.
    for (at, ntp) in &made {
        let known = *at >= start + 2000 * MS;
        let rtt = egress.on_report(now, &block(*ntp, 0));
        assert_eq!(rtt, known.then(|| now - *at));
    }
    let (at, ntp) = made[4];
    let rtt = egress.on_report(now, &block(ntp, 0x8000));
    assert_eq!(rtt, Some(now - at - 500 * MS));
    // A receiver whose clock runs fast, or lies.
    assert_eq!(
        egress.on_report(now, &block(ntp, u32::MAX)),
        Some(Duration::ZERO)
    );
    assert_eq!(egress.on_report(now, &block(0, 0)), None);
    assert_eq!(egress.on_report(now, &block(ntp + 1, 0)), None);
    let other = ReportBlock {
        ssrc: Ssrc(2),
        ..block(ntp, 0)
    };
    assert_eq!(egress.on_report(now, &other), None);
}

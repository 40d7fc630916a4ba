#![allow(clippy::disallowed_methods, reason = "a base for virtual time")]

use super::*;

const MS: Duration = Duration::from_millis(1);
const FIRST: u64 = (1 << 16) + 100;

fn statistics() -> (ReceiveStatistics, Instant) {
    let start = Instant::now();
    (ReceiveStatistics::new(start, 90_000), start)
}

/// Receives `sequences` 40 ms apart, stamped at that pace.
fn receive(statistics: &mut ReceiveStatistics, start: Instant, sequences: &[u64]) {
    for &at in sequences {
        statistics.received(start + at as u32 * 40 * MS, FIRST + at, at as u32 * 3600);
    }
}

#[test]
fn before_the_first_packet_there_is_nothing_to_report() {
    let (mut statistics, start) = statistics();
    assert_eq!(statistics.report(start, Ssrc(1)), None);
}

#[test]
fn loss_is_counted_over_the_stream_and_since_the_last_report() {
    let (mut statistics, start) = statistics();
    // 10 expected, 2 of them lost.
    receive(&mut statistics, start, &[0, 1, 2, 3, 5, 6, 8, 9]);
    let report = statistics.report(start, Ssrc(7)).unwrap();
    assert_eq!(report.ssrc, Ssrc(7));
    // RFC 3550 section 6.4.1: the fraction in 1/256, rounded down.
    assert_eq!((report.fraction_lost, report.cumulative_lost), (51, 2));
    assert_eq!(report.extended_highest, 109);
    assert_eq!((report.last_sr, report.delay_since_last_sr), (0, 0));
    // Nothing since: no loss in the span, and the total stays.
    let report = statistics.report(start, Ssrc(7)).unwrap();
    assert_eq!((report.fraction_lost, report.cumulative_lost), (0, 2));
    // 10 more expected, 9 lost; one of those lost before comes late.
    receive(&mut statistics, start, &[4, 19]);
    let report = statistics.report(start, Ssrc(7)).unwrap();
    assert_eq!((report.fraction_lost, report.cumulative_lost), (204, 10));
}

#[test]
fn losing_everything_but_one_is_no_wrapped_fraction() {
    let (mut statistics, start) = statistics();
    receive(&mut statistics, start, &[0]);
    let _ = statistics.report(start, Ssrc(7));
    receive(&mut statistics, start, &[30_000]);
    let report = statistics.report(start, Ssrc(7)).unwrap();
    assert_eq!(
        (report.fraction_lost, report.cumulative_lost),
        (255, 29_999)
    );
}

#[test]
fn duplicates_make_the_loss_negative_and_the_fraction_zero() {
    let (mut statistics, start) = statistics();
    // Appendix A.3: duplicates count as received.
    receive(&mut statistics, start, &[0, 1, 1, 1, 2]);
    let report = statistics.report(start, Ssrc(7)).unwrap();
    assert_eq!((report.fraction_lost, report.cumulative_lost), (0, -2));
}

#[test]
fn cumulative_loss_stays_at_its_limit_and_the_highest_counts_wraps() {
    let (mut statistics, start) = statistics();
    statistics.received(start, FIRST, 0);
    statistics.received(start, FIRST + (1 << 24), 0);
    let report = statistics.report(start, Ssrc(7)).unwrap();
    assert_eq!(report.cumulative_lost, 0x7f_ffff);
    assert_eq!(report.extended_highest, (256 << 16) | 100);
}

#[test]
fn a_steady_stream_has_no_jitter_and_an_uneven_one_follows_appendix_a8() {
    let (mut statistics, start) = statistics();
    receive(&mut statistics, start, &(0..100).collect::<Vec<_>>());
    assert_eq!(statistics.report(start, Ssrc(7)).unwrap().jitter, 0);
    // Every other packet 10 ms, 900 ticks, late: J += (|D| - J) / 16, as real numbers.
    let mut real = 0.0f64;
    for at in 100..150u64 {
        let late = if at % 2 == 0 { 10 } else { 0 };
        let now = start + (at as u32 * 40 + late) * MS;
        statistics.received(now, FIRST + at, at as u32 * 3600);
        real += (900.0 - real) / 16.0;
        let jitter = statistics.report(now, Ssrc(7)).unwrap().jitter;
        assert!(
            (f64::from(jitter) - real).abs() <= 1.0,
            "{jitter} for {real}"
        );
    }
}

#[test]
fn jitter_stays_over_the_timestamps_wrap_and_a_jump_of_the_clock() {
    let (mut statistics, start) = statistics();
    for at in 0..10u32 {
        let timestamp = (at * 3600).wrapping_sub(5 * 3600);
        statistics.received(start + at * 40 * MS, FIRST + u64::from(at), timestamp);
    }
    assert_eq!(statistics.report(start, Ssrc(7)).unwrap().jitter, 0);
    for at in 10..20u32 {
        let timestamp = at * 3600 + 0x4000_0000;
        statistics.received(start + at * 40 * MS, FIRST + u64::from(at), timestamp);
    }
    assert_eq!(statistics.report(start, Ssrc(7)).unwrap().jitter, 0);
}

#[test]
fn the_last_sender_report_is_named_with_its_delay() {
    let (mut statistics, start) = statistics();
    receive(&mut statistics, start, &[0]);
    // RFC 3550 section 6.4.1, figure 2: NTP 0xb44d_b705_2000_0000, and DLSR 5.250 s.
    let sender = SenderInfo {
        ssrc: Ssrc(7),
        ntp: 0xb44d_b705_2000_0000,
        rtp_timestamp: 0,
        packets: 0,
        octets: 0,
    };
    statistics.on_sender_report(start, &sender);
    let report = statistics.report(start + 5250 * MS, Ssrc(7)).unwrap();
    assert_eq!(report.last_sr, 0xb705_2000);
    assert_eq!(report.delay_since_last_sr, 0x0005_4000);
}

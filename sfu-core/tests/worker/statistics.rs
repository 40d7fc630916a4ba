//! How the worker says that connections do.

use sfu_core::event::{ConnectionStatistics, Event};
use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::{self, ReportBlock};

use crate::client::MS;
use crate::meeting::{Meeting, audio, participant};

fn told(meeting: &Meeting, client: usize) -> Vec<ConnectionStatistics> {
    let of = |event: &Event| match event {
        Event::ConnectionStatistics {
            participant: who,
            statistics,
        } if *who == participant(client) => Some(*statistics),
        _ => None,
    };
    meeting.events.iter().filter_map(of).collect()
}

/// What a listener reports of what it got, of a stream whose numbers it extends itself.
fn report(meeting: &mut Meeting, client: usize, lost: i32) {
    let last = meeting.clients[client].rtp.last().unwrap();
    let block = ReportBlock {
        ssrc: Ssrc(last.ssrc),
        fraction_lost: 0,
        cumulative_lost: lost,
        extended_highest: u32::from(last.sequence),
        jitter: 480,
        last_sr: 0,
        delay_since_last_sr: 0,
    };
    meeting.clients[client].send_rtcp(|out| rtcp::receiver_report(out, Ssrc(1), &[block]));
    meeting.drain();
}

#[test]
fn losses_are_told_of_the_side_where_they_were() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    for n in 0..500u64 {
        // Every tenth is lost before it is here.
        if n % 10 != 5 {
            meeting.send(publisher, &audio(n));
        }
        meeting.pass(20 * MS);
        if n % 50 == 49 {
            // Of each 50 so far 5 were missing here, and 2 more got lost on the way to the viewer.
            let so_far = n as i32 / 50 + 1;
            report(&mut meeting, viewer, so_far * 7);
        }
    }
    let (up, down) = (told(&meeting, publisher), told(&meeting, viewer));
    assert_eq!((up.len(), down.len()), (5, 5), "every two seconds");
    let received: u64 = up.iter().map(|one| one.received.expected).sum();
    assert!((400..=500).contains(&received), "{received}");
    for one in &up {
        assert_eq!(one.received.lost, one.received.expected / 10, "{one:?}");
        assert_eq!(one.sent.expected, 0);
        assert_eq!(one.rtt, None);
    }
    let sent: u64 = down.iter().map(|one| one.sent.expected).sum();
    let lost: u64 = down.iter().map(|one| one.sent.lost).sum();
    assert!((350..=450).contains(&sent), "{sent}");
    assert!(lost.abs_diff(sent / 25) <= 2, "{lost} of {sent}");
    for one in &down[1..] {
        assert_eq!(one.received.expected, 0);
        assert_eq!(one.sent.jitter, 10 * MS);
    }
}

#[test]
fn silence_is_no_loss() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    meeting.send(publisher, &audio(0));
    meeting.pass(20 * MS);
    report(&mut meeting, viewer, 0);
    meeting.pass(10_000 * MS);
    for client in [publisher, viewer] {
        let told = told(&meeting, client);
        assert!(told.len() >= 4, "{}", told.len());
        let lost = |one: &ConnectionStatistics| one.received.lost + one.sent.lost;
        assert!(told.iter().all(|one| lost(one) == 0));
    }
}

#[test]
fn nonsense_in_reports_hurts_nobody() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    for n in 0..300u64 {
        meeting.send(publisher, &audio(n));
        meeting.pass(20 * MS);
        let lost = [0x7f_ffff, -0x80_0000, 0][n as usize % 3];
        let ssrc = meeting.clients[viewer].rtp[0].ssrc;
        let block = ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost: 255,
            cumulative_lost: lost,
            extended_highest: (n as u32).wrapping_mul(0x9e37_79b9),
            jitter: u32::MAX,
            last_sr: 7,
            delay_since_last_sr: u32::MAX,
        };
        meeting.clients[viewer].send_rtcp(|out| rtcp::receiver_report(out, Ssrc(1), &[block]));
    }
    assert!(!told(&meeting, viewer).is_empty());
    let up = told(&meeting, publisher);
    assert!(up.iter().all(|one| one.received.lost == 0));
}

//! A NAT forgets its mapping: the client goes on from another address and does not know.

use sfu_core::drop_reason::DropReason;
use sfu_core::event::Event;

use crate::meeting::{Meeting, Seat};
use crate::publisher::SourceKind;

/// Longest until a client's next check, after which it is found again: `str0m` checks a nominated
/// pair at least every 3 s.
const NEXT_CHECK_MS: u64 = 3200;

fn meeting() -> Meeting {
    let mut meeting = Meeting::new(
        1,
        &[Seat::publishing(&[SourceKind::Video]), Seat::watching()],
    );
    meeting.run_until_ms(2000);
    meeting
}

/// Nobody lost their session, and frames of late arrived.
fn assert_goes_on(meeting: &Meeting) {
    let lost = meeting
        .events
        .iter()
        .any(|(_, event)| matches!(event, Event::MediaLost { .. }));
    assert!(!lost, "{:?}", meeting.events);
    let last_sent = meeting.source(0, 0).published.last().unwrap().tag.number;
    let last_got = meeting.client(1).frames.last().unwrap().tag.unwrap().number;
    assert!(last_got + 2 >= last_sent, "frame {last_got} of {last_sent}");
}

#[test]
fn a_subscriber_is_followed_to_its_new_address() {
    let mut meeting = meeting();
    meeting.rebind(1, ([198, 51, 100, 7], 40_000).into());
    meeting.run_for_ms(NEXT_CHECK_MS + 1500);
    meeting.wind_down();
    assert_goes_on(&meeting);
    // What was lost meanwhile may be more than repairs can do; behind it all is whole again.
    let frames = &meeting.client(1).frames;
    let numbers: Vec<u32> = frames
        .iter()
        .map(|frame| frame.tag.unwrap().number)
        .collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let last = &numbers[numbers.len() - 30..];
    assert_eq!(
        last[29] - last[0],
        29,
        "the last second has all its frames: {last:?}"
    );
}

#[test]
fn a_publisher_is_followed_to_its_new_address() {
    let mut meeting = meeting();
    meeting.rebind(0, ([198, 51, 100, 7], 40_000).into());
    meeting.run_for_ms(NEXT_CHECK_MS + 1500);
    let unknown = meeting
        .worker()
        .stats()
        .drops
        .get(DropReason::MediaUnknownPath);
    assert!(unknown > 0, "what came before the check is not trusted");
    meeting.wind_down();
    assert_goes_on(&meeting);
}

//! Checks get lost like all else, those that nominate too.

use std::time::Duration;

use crate::meeting::{Meeting, Seat};
use crate::publisher::SourceKind;

/// Whether a datagram is a check with USE-CANDIDATE, which has no value (RFC 8445 section 7.1.2).
fn nominates(datagram: &[u8]) -> bool {
    datagram[0] == 0 && datagram.windows(4).any(|four| four == [0, 0x25, 0, 0])
}

/// Found as seed 137 of a search: no NACK and no picture for 1.5 s.
#[test]
fn media_flows_while_nominations_are_lost() {
    let mut meeting = Meeting::new(
        137,
        &[Seat::publishing(&[SourceKind::Video]), Seat::watching()],
    );
    for client in [0, 1] {
        meeting.filter_up(client, Box::new(nominates));
    }
    meeting.run_until_ms(2000);
    meeting.wind_down();
    assert_eq!(meeting.complaints(1, (0, 0)), []);
    let client = meeting.client(1);
    let waited = client.frames[0].at - client.connected.unwrap();
    assert!(waited < Duration::from_millis(200), "{waited:?}");
}

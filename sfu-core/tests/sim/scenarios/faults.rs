//! A panic in one room's own work ends that room, and no other.

use sfu_core::command::Command;
use sfu_core::drop_reason::DropReason;
use sfu_core::event::Event;
use sfu_core::id::RoomId;

use crate::meeting::{Meeting, Seat};
use crate::publisher::SourceKind;

#[test]
fn a_panic_ends_its_room_and_leaves_the_other_undisturbed() {
    let mut meeting = Meeting::new(
        1,
        &[
            Seat::publishing(&[SourceKind::Video]),
            Seat::watching(),
            Seat::publishing(&[SourceKind::Video]).in_room(2),
            Seat::watching().in_room(2),
        ],
    );
    meeting.run_until_ms(1000);
    let pool = meeting.worker().pool_free();
    meeting.command(Command::InjectPanic { room: RoomId(2) });
    assert!(
        meeting.worker().pool_free() > pool,
        "the room's packets are free again"
    );
    assert_eq!(meeting.worker().population(), (1, 2, 1));
    let before = meeting.client(3).frames.len();
    meeting.run_until_ms(2500);
    meeting.wind_down();
    assert_eq!(meeting.complaints(1, (0, 0)), []);
    assert!(meeting.client(1).frames.len() > 55);
    let failed = |(_, event): &&_| matches!(event, Event::RoomFailed { room: RoomId(2) });
    assert_eq!(meeting.events.iter().filter(failed).count(), 1);
    let told = [0, 1, 2, 3].map(|client| meeting.was_told_of_failure(client));
    assert_eq!(told, [false, false, true, true]);
    // What was under way arrives, and nothing after it.
    assert!(meeting.client(3).frames.len() <= before + 2);
    let stats = meeting.worker().stats();
    assert_eq!(stats.rooms_failed, 1);
    assert!(
        stats.drops.get(DropReason::MediaUnknownPath) > 10,
        "{stats:?}"
    );
}

//! One seed, one run: what passes the engine's border is the same to the nanosecond.

use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::publisher::SourceKind;
use crate::trace::{Entry, Facts};

fn trace(seed: u64) -> Vec<Entry> {
    let lossy = Link::of_ms(20).losing(30).reordering(20).duplicating(10);
    let mut meeting = Meeting::new(
        seed,
        &[
            Seat::publishing(&[SourceKind::Video]).over(lossy, lossy),
            Seat::watching().over(lossy, lossy),
            Seat::watching().over(lossy, lossy).at_ms(1000),
            Seat::publishing(&[SourceKind::Audio])
                .in_room(2)
                .over(lossy, lossy),
            Seat::watching().in_room(2).over(lossy, lossy),
        ],
    );
    meeting.run_until_ms(2500);
    meeting.trace.entries
}

#[test]
fn a_seed_repeats_every_packet_and_another_seed_does_not() {
    let first = trace(5);
    let media = first
        .iter()
        .filter(|entry| matches!(entry.facts, Facts::Rtp { .. }))
        .count();
    assert!(media > 500, "{media} packets of media");
    let second = trace(5);
    let differs = first
        .iter()
        .zip(&second)
        .position(|(one, other)| one != other);
    if let Some(at) = differs {
        panic!("entry {at}: {:?} and {:?}", first[at], second[at]);
    }
    assert_eq!(first.len(), second.len());
    // Another seed is another meeting by its times alone, whatever its SSRCs are called.
    let times = |trace: &[Entry]| trace.iter().map(|entry| entry.at).collect::<Vec<_>>();
    assert_ne!(times(&first), times(&trace(6)));
}

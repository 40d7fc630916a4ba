//! Looks for seeds that fail. A seed that does becomes a test of its own.

use std::time::Duration;

use crate::meeting::{Meeting, Seat, base};
use crate::network::Link;
use crate::publisher::SourceKind;

/// A subscriber that connects later than this has lost several packets of its handshake in a row,
/// and may have no picture by the end: `str0m` repeats them after a second and more.
const CONNECTED_BY: Duration = Duration::from_millis(2000);

#[test]
#[ignore = "minutes of search: cargo test -p sfu-core --release --test sim -- --ignored"]
fn no_seed_of_many_fails() {
    let mut failed = Vec::new();
    for seed in 0..300 {
        for kind in [SourceKind::Video, SourceKind::Simulcast] {
            let loss = 10 + (seed % 5) as u32 * 10;
            let link = Link::of_ms(15 + seed % 60)
                .losing(loss)
                .reordering(20)
                .duplicating(10);
            let mut meeting = Meeting::new(
                seed,
                &[
                    Seat::publishing(&[kind]).over(link, link),
                    Seat::watching().over(link, link),
                    Seat::watching().at_ms(700).over(link, link),
                ],
            );
            meeting.run_until_ms(5000);
            meeting.wind_down();
            for subscriber in [1, 2] {
                let both = [0, subscriber].map(|client| meeting.client(client).connected);
                let early = |at: &Option<_>| at.is_some_and(|at| at <= base() + CONNECTED_BY);
                let complaints = meeting.complaints(subscriber, (0, 0));
                if both.iter().all(early) && !complaints.is_empty() {
                    failed.push((seed, kind, subscriber, complaints));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

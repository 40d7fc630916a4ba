//! Feedback that nobody would give: whatever it says, it costs its sender's own estimate.

use std::time::Duration;

use crate::bandwidth::departure::{Class, SentPacket, ToldPacket};
use crate::bandwidth::estimator::{Estimator, MAX_ESTIMATE, MIN_ESTIMATE};

#[test]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
fn whatever_is_told_in_whichever_order_the_estimate_is_one() {
    let start = std::time::Instant::now();
    for seed in 0..20 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut estimator = Estimator::new(start);
        let (mut now, mut sequence) = (start, 0_u64);
        for _ in 0..2_000 {
            now += Duration::from_micros(rng.u64(..20_000));
            for _ in 0..rng.u8(..20) {
                let probe = estimator.poll_probe().map(|probe| probe.id);
                let sent = SentPacket {
                    sequence,
                    size: rng.u16(..1_500),
                    class: Class::Video,
                    probe,
                };
                estimator.on_sent(now, sent);
                now += Duration::from_micros(rng.u64(..3_000));
                sequence += 1;
            }
            let clock = rng.i64(-(1 << 60)..1 << 60);
            let told = (0..rng.usize(..30)).map(|_| ToldPacket {
                number: (sequence as u16).wrapping_sub(rng.u16(..200)),
                arrival: rng.bool().then(|| clock >> rng.u8(..60)),
            });
            let told: Vec<_> = told.collect();
            estimator.on_told_packets(now, &told);
            estimator.handle_timeout(now);
            let estimate = estimator.estimate();
            assert!((MIN_ESTIMATE..=MAX_ESTIMATE).contains(&estimate));
        }
    }
}

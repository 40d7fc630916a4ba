//! The body of the fuzz target of an estimator, under the stable compiler: noise by a seeded
//! generator, most of it in the shape of sends and feedback that follow each other.

#[path = "../fuzz/bodies/estimator.rs"]
mod estimator_body;

#[test]
fn whatever_is_sent_and_told_the_estimate_is_within_its_limits_and_the_same_again() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let share = (seed % 200) as u8;
        let mut bytes = Vec::new();
        for at in 0..1_500_u32 {
            let mut step = [0; 5];
            rng.fill(&mut step);
            if rng.u8(..) >= share {
                // Packets in their order, some time, and feedback of the last of them.
                (step[0], step[1], step[3]) = match at % 40 {
                    39 => (5, rng.u8(20..64), 0),
                    38 => (4, rng.u8(..), 0),
                    _ => (at as u8 % 3, rng.u8(..), 0),
                };
            }
            bytes.extend(step);
        }
        estimator_body::check(&bytes);
    }
}

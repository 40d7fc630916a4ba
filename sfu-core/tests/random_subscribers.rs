//! The body of the fuzz target of a subscription, under the stable compiler: noise by a seeded
//! generator, most of it in the shape of packets that follow each other.

#[path = "../fuzz/bodies/subscription.rs"]
mod subscription_body;

#[test]
fn whatever_comes_and_is_wanted_each_number_is_given_once_and_found_again() {
    for seed in 0..200 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let share = (seed % 250) as u8;
        let described = if seed % 2 == 0 { 0x80 } else { 0 };
        let mut bytes = Vec::new();
        for _ in 0..800 {
            let mut step = [0; 5];
            rng.fill(&mut step);
            if rng.u8(..) >= share {
                // The next packet, of some layer, that rests on what is near.
                (step[0], step[1]) = (described | 0x05, 16 * rng.u8(..16));
                (step[3], step[4]) = (rng.u8(..200), rng.u8(..240));
            }
            bytes.extend(step);
        }
        subscription_body::check(&bytes);
    }
}

//! The bodies of the fuzz targets of what publishers' packets do over time, under the stable
//! compiler: noise by a seeded generator, most of it in the shape of packets that follow each other.

#[path = "../fuzz/bodies/encodings.rs"]
mod encodings_body;
#[path = "../fuzz/bodies/repairs.rs"]
mod repairs_body;

/// Noise, in which so many of 256 steps of `len` bytes are `usual` with another last byte.
fn noise(seed: u64, steps: usize, usual: &[u8], share: u8) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut bytes = Vec::new();
    for _ in 0..steps {
        let mut step = usual.to_vec();
        if rng.u8(..) >= share {
            rng.fill(&mut step);
        }
        *step.last_mut().expect("no step is empty") = rng.u8(..);
        bytes.extend(step);
    }
    bytes
}

#[test]
fn whatever_encodings_come_and_go_something_is_chosen_that_lives() {
    for seed in 0..100 {
        encodings_body::check(&noise(
            seed,
            500,
            &[12, 66, 0x0b, 0xb8, 0],
            (seed % 250) as u8,
        ));
    }
    // Two encodings by turns, and a third that stops.
    let frame = |encoding: u8, pause: u8| [12 + encoding, pause, 0x0b, 0xb8, encoding];
    let all = [frame(0, 20), frame(1, 20), frame(2, 20)].concat();
    let two = [frame(0, 30), frame(1, 30)].concat();
    encodings_body::check(&[all.repeat(30), two.repeat(1000), all.repeat(3)].concat());
}

#[test]
fn whatever_is_lost_requests_are_bounded_and_end() {
    for seed in 0..100 {
        repairs_body::check(&noise(seed, 500, &[1, 40, 0], (seed % 250) as u8));
    }
}

use super::*;

const MS: Duration = Duration::from_millis(1);

#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
fn base() -> Instant {
    Instant::now()
}

fn offered(rids: &[&str]) -> Qualities {
    let rids: Vec<Rid> = rids.iter().map(|rid| Rid::from(rid).unwrap()).collect();
    let mut qualities = Qualities::default();
    qualities.set_offered(&rids, 0);
    qualities
}

/// Encodings that send frames, each of its own interval, from a millisecond to another.
struct Source {
    base: Instant,
    qualities: Qualities,
}

impl Source {
    fn new() -> Self {
        Self {
            base: base(),
            qualities: offered(&["q", "h", "f"]),
        }
    }

    /// `every`: milliseconds between the frames of each encoding; 0 is none at all. Gives the
    /// millisecond of the first change of what lives.
    fn run(&mut self, span: std::ops::Range<u32>, every: [u32; 3]) -> Option<u32> {
        let mut changed = None;
        for at in span {
            for (encoding, every) in (0..).zip(every) {
                if every > 0 && at % every == 0 {
                    let now = self.base + at * MS;
                    let changes = self.qualities.note(now, encoding, at * 90, 0);
                    if changes.living {
                        changed.get_or_insert(at);
                    }
                }
            }
        }
        changed
    }

    fn living(&self) -> Vec<u8> {
        (0..3).filter(|at| self.qualities.lives(*at)).collect()
    }
}

#[test]
fn known_names_say_which_is_better_whatever_order_they_are_offered_in() {
    for (rids, best_first) in [
        (&["q", "h", "f"][..], [2, 1, 0]),
        (&["f", "h", "q"], [0, 1, 2]),
        (&["h", "q"], [0, 1, 2]),
        (&["h", "m", "l"], [0, 1, 2]),
        (&["m", "h", "l"], [1, 0, 2]),
        (&["high", "low"], [0, 1, 2]),
        (&["medium", "high", "low"], [1, 0, 2]),
        (&["one", "two", "three"], [2, 1, 0]),
    ] {
        let mut qualities = offered(rids);
        assert_eq!(usize::from(qualities.best_offered()) + 1, rids.len());
        let now = base();
        (0..rids.len()).for_each(|at| {
            qualities.note(now, at as u8, 0, 0);
        });
        let expected: Vec<u8> = best_first
            .into_iter()
            .filter(|at| usize::from(*at) < rids.len())
            .collect();
        let got: Vec<u8> = (0..rids.len() as u8)
            .rev()
            .map(|quality| qualities.choose(Some(quality)).unwrap())
            .collect();
        assert_eq!(got, expected, "{rids:?}");
        assert_eq!(qualities.choose(None), Some(expected[0]));
        assert_eq!(qualities.quality_of(expected[0]), qualities.best_offered());
    }
}

#[test]
fn unknown_names_are_told_apart_by_the_sizes_of_their_pictures() {
    let mut qualities = offered(&["0", "1", "2"]);
    let now = base();
    (0..3).for_each(|at| {
        qualities.note(now, at, 0, 0);
    });
    assert_eq!(qualities.choose(None), Some(2));
    assert!(
        !qualities.note_size(0, (1280, 720)),
        "nothing to compare with"
    );
    assert!(qualities.note_size(2, (320, 180)));
    assert_eq!(qualities.choose(None), Some(0));
    assert!(!qualities.note_size(1, (640, 360)));
    assert_eq!(
        [0, 1, 2].map(|q| qualities.choose(Some(q))),
        [Some(2), Some(1), Some(0)]
    );
    // Known names need no pictures.
    let mut qualities = offered(&["q", "h"]);
    assert!(!qualities.note_size(0, (1280, 720)) && !qualities.note_size(1, (640, 360)));
}

#[test]
fn who_asks_for_little_gets_the_best_up_to_it_or_the_least_above() {
    let mut source = Source::new();
    assert_eq!(source.qualities.choose(None), None);
    source.run(0..100, [0, 33, 33]);
    let choose = |source: &Source, quality| source.qualities.choose(Some(quality)).unwrap();
    assert_eq!(choose(&source, 0), 1);
    assert_eq!((choose(&source, 1), choose(&source, 2)), (1, 2));
    assert_eq!(choose(&source, 7), 2);
    source.run(100..2000, [33, 0, 33]);
    assert_eq!(source.living(), [0, 2]);
    assert_eq!((choose(&source, 1), choose(&source, 2)), (0, 2));
}

#[test]
fn an_encoding_that_stops_while_the_others_go_on_is_left_half_a_second_later() {
    let mut source = Source::new();
    source.run(0..1000, [33, 33, 33]);
    let left = source.run(1000..3000, [33, 33, 0]).unwrap();
    // Its last frame is that of 990 ms; a frame later it is overtaken, and another one tells.
    assert!((1490..=990 + 500 + 2 * 33).contains(&left), "{left}");
    assert_eq!(source.living(), [0, 1]);
    assert_eq!(
        source.run(3000..3100, [33, 33, 33]),
        Some(3003),
        "back at once"
    );
}

#[test]
fn a_screen_of_one_frame_a_second_lives_and_is_left_after_three() {
    let mut source = Source::new();
    assert_eq!(source.run(1..20_000, [1000, 1000, 1000]), Some(1000));
    let left = source.run(20_000..30_000, [1000, 1000, 0]);
    // Its last frame is that of 19 s.
    assert_eq!(left, Some(23_000));
    // A fast sibling makes no difference to a slow one.
    let mut source = Source::new();
    source.run(0..3000, [33, 0, 1000]);
    assert_eq!(source.run(3000..20_000, [33, 0, 1000]), None);
}

#[test]
fn a_track_that_is_silent_as_a_whole_keeps_what_it_had() {
    let mut source = Source::new();
    source.run(0..1000, [33, 33, 33]);
    // Ten seconds without network; the lowest is first to come back, and the best a second late.
    assert_eq!(source.run(11_000..11_400, [33, 0, 0]), None);
    assert_eq!(source.run(11_400..12_000, [33, 33, 33]), None);
    assert_eq!(source.living(), [0, 1, 2]);
}

#[test]
fn whatever_comes_something_lives_and_the_order_stays_one() {
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..200 {
        let mut now = base();
        let mut qualities = offered(&["a", "b", "c"]);
        for _ in 0..500 {
            now += MS * rng.u32(..700);
            qualities.note(now, rng.u8(..5), rng.u32(..), rng.u8(..));
            if rng.u8(..8) == 0 {
                qualities.note_size(rng.u8(..5), (rng.u16(..), rng.u16(..)));
            }
            let mut order = qualities.order;
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2]);
            if qualities.newest().is_some() {
                let all = [None, Some(0), Some(1), Some(2), Some(255)];
                assert!(
                    all.iter()
                        .all(|q| qualities.lives(qualities.choose(*q).unwrap()))
                );
            }
        }
    }
}

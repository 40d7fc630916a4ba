//! Any packets of any encodings at any times: what lives, what is chosen, what is measured.

use std::time::{Duration, Instant};

use sfu_core::id::Rid;
use sfu_core::media::session::MAX_ENCODINGS;
use sfu_core::room::qualities::{MIN_PATIENCE, PATIENCE_INTERVALS, Qualities};

const NAMES: [&str; 8] = ["q", "h", "f", "low", "high", "0", "a", "m"];

/// Longer than any pause that is forgiven while the others go on without one.
const BEYOND_PATIENCE: Duration = Duration::from_secs(5 * PATIENCE_INTERVALS as u64 + 1);

struct Track {
    now: Instant,
    qualities: Qualities,
    timestamps: [u32; MAX_ENCODINGS],
    newest: [Option<Instant>; MAX_ENCODINGS],
    /// Since when something of the track came at least each 200 ms.
    busy_since: Option<Instant>,
}

/// Plays `data`, five bytes a step.
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
pub(crate) fn check(data: &[u8]) {
    let mut track = Track {
        now: Instant::now(),
        qualities: Qualities::default(),
        timestamps: [0; MAX_ENCODINGS],
        newest: [None; MAX_ENCODINGS],
        busy_since: None,
    };
    for step in data.chunks_exact(5) {
        track.step([step[0], step[1], step[2], step[3], step[4]]);
        track.look();
    }
}

impl Track {
    fn step(&mut self, [what, pause, a, b, c]: [u8; 5]) {
        // Mostly packets one after the other, now and then a long pause.
        let pause = u64::from(pause);
        let pause = Duration::from_millis(if pause < 250 { pause / 2 } else { pause * 20 });
        self.now += pause;
        if pause > Duration::from_millis(200) {
            self.busy_since = None;
        }
        let encoding = what % 4;
        match what / 4 {
            0 => {
                let count = usize::from(a % 4).min(MAX_ENCODINGS);
                let rids = [a, b, c].map(|at| NAMES[usize::from(at / 4) % NAMES.len()]);
                let rids = rids.map(|name| Rid::from(name).expect("short"));
                self.qualities.set_offered(&rids[..count], usize::from(b));
            }
            1 => {
                let size = (u16::from_be_bytes([a, b]), u16::from(c));
                self.qualities.note_size(encoding, size);
            }
            2 => self.qualities.restart(encoding),
            _ => self.packet(encoding, u16::from_be_bytes([a, b]), c),
        }
    }

    fn packet(&mut self, encoding: u8, step: u16, temporal: u8) {
        let own = usize::from(encoding);
        let mut timestamp = u32::from(step) << 16;
        if let Some(before) = self.timestamps.get_mut(own) {
            let far = step > 0xf000;
            *before = before.wrapping_add(if far { timestamp } else { u32::from(step) });
            timestamp = *before;
        }
        let before = [0, 1, 2].map(|at| self.qualities.lives(at));
        let changes = self.qualities.note(self.now, encoding, timestamp, temporal);
        let after = [0, 1, 2].map(|at| self.qualities.lives(at));
        assert_eq!(changes.living, before != after);
        if let Some(newest) = self.newest.get_mut(own) {
            *newest = Some(self.now);
            self.busy_since.get_or_insert(self.now);
            assert!(after[own], "what sends lives");
        }
        for (at, lives) in after.into_iter().enumerate().filter(|(at, _)| *at != own) {
            let Some(newest) = self.newest[at] else {
                assert!(!lives, "nothing came of it");
                continue;
            };
            let silent_for = self.now - newest;
            if before[at] && !lives {
                assert!(silent_for >= MIN_PATIENCE);
            }
            let since = self.busy_since.map(|since| since.max(newest));
            if own < MAX_ENCODINGS && since.is_some_and(|at| self.now - at > BEYOND_PATIENCE) {
                assert!(!lives, "the others have gone on for long");
            }
        }
    }

    /// However it went: there is one best, and who asks for more gets no less.
    fn look(&self) {
        let started = self.newest.iter().any(Option::is_some);
        let choices = [Some(0), Some(1), Some(2), Some(u8::MAX), None];
        let choices = choices.map(|quality| self.qualities.choose(quality));
        for choice in choices {
            assert_eq!(choice.is_some(), started);
            assert!(choice.is_none_or(|encoding| self.qualities.lives(encoding)));
        }
        let qualities = choices.map(|choice| choice.map(|at| self.qualities.quality_of(at)));
        assert!(qualities.is_sorted());
        let mut places = [0, 1, 2].map(|at| self.qualities.quality_of(at));
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2]);
        for encoding in 0..4 {
            let tops = [0, 1, 7, 15, 30, 60, 1000, u32::MAX];
            let tops = tops.map(|wanted| self.qualities.top_for(encoding, wanted, None));
            assert!(tops.is_sorted(), "{tops:?}");
            assert_eq!(tops[7], u8::MAX);
        }
        assert!(self.qualities.patience() >= MIN_PATIENCE);
    }
}

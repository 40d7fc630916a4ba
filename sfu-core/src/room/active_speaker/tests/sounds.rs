//! Sounds by recipe: the level of each 20 ms, in -dBov. Seeded: the same in every run.

/// A quiet room.
pub(super) const SILENT: u8 = 70;

/// SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// At least `low`, at most `high`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}

fn level(loudest: u8, below: u64) -> u8 {
    loudest.saturating_add(below as u8).min(127)
}

/// Speech over a room that is as quiet as `room`: syllables of 120 to 260 ms that rise and fall,
/// dips of 20 to 80 ms between them, a breath of 200 to 500 ms after some. It begins at once.
pub(super) fn speech(dice: &mut Dice, frames: usize, loudest: u8, room: u8) -> Vec<u8> {
    let mut sound = Vec::new();
    let mut left = dice.between(6, 14);
    while sound.len() < frames {
        let syllable = dice.between(6, 13);
        let stress = dice.between(0, 5);
        for n in 0..syllable {
            let from_edge = n.min(syllable - 1 - n);
            let edge = [7, 3, 0].get(from_edge as usize).copied().unwrap_or(0);
            sound.push(level(loudest, stress + edge + dice.between(0, 4)));
        }
        left -= 1;
        let (dip, gap) = match left {
            0 => (40, dice.between(10, 25)),
            _ => (dice.between(12, 25), dice.between(1, 4)),
        };
        left = if left == 0 { dice.between(6, 14) } else { left };
        sound.extend((0..gap).map(|_| level(loudest, dip + dice.between(0, 3)).min(room)));
    }
    sound.truncate(frames);
    sound
}

/// Steady noise: a fan, a vacuum cleaner; half a decibel up and down.
pub(super) fn fan(dice: &mut Dice, frames: usize, loudness: u8) -> Vec<u8> {
    let one = |_| loudness + dice.between(0, 1) as u8;
    (0..frames).map(one).collect()
}

/// A cough: two or three bursts, 240 to 300 ms in all.
pub(super) fn cough(dice: &mut Dice) -> Vec<u8> {
    let mut sound = Vec::new();
    for _ in 0..2 {
        for n in 0..6 {
            sound.push(level(12, 2 * n + dice.between(0, 3)));
        }
        sound.push(SILENT);
    }
    sound
}

/// A slammed door: as loud as can be, and 20 dB less 160 ms later.
pub(super) fn door(dice: &mut Dice) -> Vec<u8> {
    (0..9)
        .map(|n| level(0, 3 * n + dice.between(0, 2)))
        .collect()
}

/// A typist near the microphone: clicks of 40 ms, seven in a second.
pub(super) fn typing(dice: &mut Dice, frames: usize) -> Vec<u8> {
    let mut sound = Vec::new();
    while sound.len() < frames {
        sound.extend([level(18, dice.between(0, 6)), level(24, dice.between(0, 8))]);
        let pause = dice.between(4, 7);
        sound.extend((0..pause).map(|_| level(58, dice.between(0, 8))));
    }
    sound.truncate(frames);
    sound
}

/// Silence, with the little that every room has.
pub(super) fn silence(dice: &mut Dice, frames: usize) -> Vec<u8> {
    let one = |_| level(SILENT - 4, dice.between(0, 8));
    (0..frames).map(one).collect()
}

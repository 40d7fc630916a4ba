//! What of a sound is noise: its floor, and whether it is steady.

/// A floor is never taken to be below this, in -dBov: microphones that send digital silence would
/// otherwise make speech of every rustle.
///
/// Higher: softer voices are found, and so is what a quiet room is full of. Lower: the reverse.
const QUIETEST: u8 = 60;

/// Frames of one block of the floor's memory, and blocks: ten seconds in all.
///
/// More: a hum or a held tone counts as speech for longer before it is known as noise. Fewer: who
/// speaks without a breath becomes noise.
const BLOCK_FRAMES: u8 = 64;
const BLOCKS: usize = 8;

/// From this on, in -dBov, a steady sound is not taken for noise before it has filled the floor's
/// memory: a tone, an instrument, a held vowel near the microphone.
///
/// Higher: a fan that starts is speech at first. Lower: so is no tone.
const LOUD: u8 = 26;

/// The mean step between two frames' levels below which a sound is steady, in sixteenths of a dB.
/// Fans and hums move by half a decibel, voices by three and more.
///
/// Higher: voices that hardly move are noise. Lower: rumbling fans are speech.
const STEADY: u16 = 24;

/// The mean step that a sound begins with where there was none, in sixteenths of a dB: a voice has moved by
/// more before it sinks below [`STEADY`], a fan that is switched on has not.
const FIRST_STEP: u16 = 32;

/// The most that one step counts for, in dB.
const MAX_STEP: u8 = 12;

/// How many dB above the floor a sound is one.
const AUDIBLE: u8 = 4;

/// What is known of a sound's noise.
///
/// The floor is the lowest level of the last ten seconds: speech reaches it between its words, noise
/// is there all the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    /// The quietest of each past block, in -dBov. What was never heard counts as silent, so that
    /// a voice is one from the first.
    blocks: [u8; BLOCKS],
    next: usize,
    /// Of the present block.
    quietest: u8,
    frames: u8,
    level: u8,
    /// The mean step between levels, in sixteenths of a dB.
    step: u16,
}

impl Default for Noise {
    fn default() -> Self {
        Self {
            blocks: [QUIETEST; BLOCKS],
            next: 0,
            quietest: 0,
            frames: 0,
            level: QUIETEST,
            step: 0,
        }
    }
}

impl Noise {
    /// Takes note of one packet of so many frames, at a level in -dBov, and says how many dB of it
    /// are above the noise.
    pub(super) fn height_of(&mut self, level: u8, frames: u8) -> u8 {
        let step = u16::from(self.level.abs_diff(level).min(MAX_STEP)) * 16;
        self.step = match self.floor().saturating_sub(self.level) {
            0..AUDIBLE => FIRST_STEP,
            _ => (self.step * 7 + step) / 8,
        };
        self.level = level;
        self.quietest = self.quietest.max(level.min(QUIETEST));
        self.frames += frames;
        if self.frames >= BLOCK_FRAMES {
            self.blocks[self.next] = self.quietest;
            self.next = (self.next + 1) % BLOCKS;
            (self.quietest, self.frames) = (0, 0);
        }
        if self.step < STEADY && level > LOUD {
            return 0;
        }
        self.floor().saturating_sub(level)
    }

    /// The quietest of all blocks, in -dBov.
    fn floor(&self) -> u8 {
        let all = self.blocks.iter().copied();
        all.fold(self.quietest, u8::max)
    }
}

//! One sound over time: which frames of its last second were speech, and how loud.

use std::time::{Duration, Instant};

use super::noise::Noise;
use super::score::{BANDS, LONG_BLOCKS, MEDIUM_FRAMES, Scores};

/// A frame of the method, in milliseconds: a packet of today's clients.
const FRAME_MS: u32 = 20;

/// Frames remembered, newest first.
const MEMORY: u32 = u64::BITS;

/// One sub-band's slice of the height above the noise, in dB: thirteen of them are 26 dB, as far as
/// speech stands out in a room.
///
/// Higher: voices must stand out further. Lower: noise that is not quite steady is speech.
const BAND_DB: u8 = 2;

/// A frame with more active sub-bands than this is active itself: 16 dB and more above the noise.
const ACTIVE_BANDS: u32 = 7;

/// A frame with this many can be heard: 4 dB above the noise.
const AUDIBLE_BANDS: u32 = 2;

/// Bits of one frame's number of sub-bands.
const BAND_BITS: u32 = 4;

/// A medium block with so many active frames is active. A typist's clicks are two of five.
const ACTIVE_FRAMES: u32 = 3;

/// A sound is speech when so many of the newest frames are active: most of a quarter of a second, or
/// of half a second for voices that barely stand out.
///
/// More: begins are told later. Fewer: a slammed door is speech.
const BEGINS: [(u32, u32); 2] = [(10, 14), (14, 25)];

/// It stays speech while so many of the newest frames are active, of those in a second: pauses
/// between words end nothing.
const STAYS: (u32, u32) = (8, 50);

/// Most frames that one packet stands for: after a pause (RFC 7587 section 3.1.3) or a loss nobody
/// knows what was before it. Opus frames of today's clients are 20 ms, at most 60.
const MAX_PACKET_FRAMES: u32 = 3;

/// How much later than its timestamps say a packet may arrive before the time between counts as
/// silence. Higher: a source whose clock stands still while it pauses goes on as if nothing had
/// been. Lower: so much jitter tears a sentence apart.
const MAX_JITTER: Duration = Duration::from_millis(500);

/// How late packets may be before a sound counts as silent: DTX and mutes send nothing.
const GRACE: Duration = Duration::from_millis(100);

/// What one packet said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// It can be heard.
    pub(super) audible: bool,
    /// With it the sound has become speech.
    pub(super) begins: bool,
}

/// How loud one sound is over time. Bits and nibbles stand for frames, the newest lowest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loudness {
    /// The newest packet's, of the present stream.
    timestamp: Option<u32>,
    /// When the newest packet arrived.
    arrived: Option<Instant>,
    /// Milliseconds that are not a whole frame yet.
    rest_ms: u32,
    noise: Noise,
    active: u64,
    audible: u64,
    /// Sub-bands of each of the newest frames, [`BAND_BITS`] each.
    bands: u64,
    /// -dBov of the active packets since the last look, added up, and how many.
    levels: (u32, u32),
    /// -dBov of what was speech, smoothed over the looks.
    pub(super) level: Option<u8>,
    pub(super) speaking: bool,
    /// It is among those that are looked at.
    pub(super) listed: bool,
    /// It is no voice, however loud.
    pub(super) not_a_voice: bool,
    pub(super) place: super::places::Place,
}

impl Loudness {
    /// One packet of that level in -dBov.
    pub(super) fn add(
        &mut self,
        now: Instant,
        level_dbov: u8,
        timestamp: u32,
        clock_rate: u32,
    ) -> Heard {
        // RFC 6464 section 3: 7 bits.
        let level = level_dbov.min(127);
        let Some(frames) = self.frames_until(now, timestamp, clock_rate) else {
            return Heard::default();
        };
        let covered = frames.min(MAX_PACKET_FRAMES);
        let height = self.noise.height_of(level, covered as u8);
        let bands = u32::from(height / BAND_DB).min(BANDS);
        self.pass(frames - covered);
        for _ in 0..covered {
            self.pass(1);
            self.mark(bands);
        }
        if covered == 0 {
            // Packets shorter than a frame: it is what the loudest of them is.
            self.mark(bands.max(self.newest_bands()));
        }
        if bands > ACTIVE_BANDS {
            self.levels.0 += u32::from(level);
            self.levels.1 += 1;
        }
        let begins = !self.speaking && BEGINS.iter().any(|&most| self.has(most));
        self.speaking |= begins;
        let audible = bands >= AUDIBLE_BANDS;
        Heard { audible, begins }
    }

    /// The frames from the newest packet to this one; `None` when this one is late or a repetition:
    /// what came after it has spoken for it. What is late for longer than packets are never was: the
    /// source has set its clock back.
    fn frames_until(&mut self, now: Instant, timestamp: u32, clock_rate: u32) -> Option<u32> {
        let arrived = self.arrived;
        let seen = arrived.map(|arrived| now.saturating_duration_since(arrived));
        let seen = seen.unwrap_or_default();
        let told = match self.timestamp.map(|newest| timestamp.wrapping_sub(newest)) {
            None => FRAME_MS,
            Some(ticks) if ticks == 0 || ticks > u32::MAX / 2 => match seen >= MAX_JITTER {
                true => FRAME_MS,
                false => return None,
            },
            Some(ticks) => ticks / (clock_rate / 1000).max(1),
        };
        (self.timestamp, self.arrived) = (Some(timestamp), Some(now));
        let seen = seen.saturating_sub(MAX_JITTER).as_millis();
        // Longer than the memory is all the same.
        let most = MEMORY * FRAME_MS * 2;
        let told = told.max(u32::try_from(seen).unwrap_or(most)).min(most);
        let ms = self.rest_ms + told;
        self.rest_ms = ms % FRAME_MS;
        Some(ms / FRAME_MS)
    }

    /// Lets silent frames pass.
    fn pass(&mut self, frames: u32) {
        let after = |memory: u64, bits: u32| memory.checked_shl(frames * bits).unwrap_or(0);
        self.active = after(self.active, 1);
        self.audible = after(self.audible, 1);
        self.bands = after(self.bands, BAND_BITS);
    }

    /// Says what the newest frame is.
    fn mark(&mut self, bands: u32) {
        self.active |= u64::from(bands > ACTIVE_BANDS);
        self.audible |= u64::from(bands >= AUDIBLE_BANDS);
        self.bands = self.bands >> BAND_BITS << BAND_BITS | u64::from(bands);
    }

    fn newest_bands(&self) -> u32 {
        (self.bands & ((1 << BAND_BITS) - 1)) as u32
    }

    /// So many of the newest frames are active.
    fn has(&self, (wanted, of): (u32, u32)) -> bool {
        (self.active & ((1 << of) - 1)).count_ones() >= wanted
    }

    /// The sound as it is at `now`, when its packets have stopped coming.
    fn at(&self, now: Instant) -> Self {
        let mut then = *self;
        let since = self.arrived;
        let since = since.map(|arrived| now.saturating_duration_since(arrived));
        let silent = since.unwrap_or_default().saturating_sub(GRACE).as_millis();
        let silent = silent / u128::from(FRAME_MS);
        then.pass(u32::try_from(silent).unwrap_or(MEMORY).min(MEMORY));
        then
    }

    /// The stream begins anew: its timestamps have nothing to do with those before.
    pub fn stream_restarted(&mut self) {
        self.timestamp = None;
        self.place.stream_restarted();
    }

    /// Nothing of what was is true any more, but for what the sound is and where it comes from.
    pub(super) fn silence(&mut self) {
        *self = Self {
            noise: self.noise,
            not_a_voice: self.not_a_voice,
            ..Self::default()
        };
    }

    /// Ends a span of time; false when there is nothing left to look at.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        let then = self.at(now);
        if let Some(mean) = self.levels.0.checked_div(self.levels.1) {
            // An average of levels.
            let mean = u8::try_from(mean).unwrap_or(127);
            self.level = Some(self.level.map_or(mean, |before| u8::midpoint(before, mean)));
        }
        self.levels = (0, 0);
        self.speaking &= then.has(STAYS);
        self.listed = self.speaking || then.audible != 0;
        if !self.listed {
            self.level = None;
        }
        self.listed
    }

    /// The paper's scores, and the number of active medium blocks in the last second.
    ///
    /// The paper takes the newest frame for the immediate score. Decisions here are not made with
    /// each frame, so one frame would be drawn at random: it is the mean of a medium stretch.
    pub(super) fn scores(&self, now: Instant) -> (Scores, u32) {
        let then = self.at(now);
        let block = |n: u32| {
            let frames = then.active >> (n * MEDIUM_FRAMES) & ((1 << MEDIUM_FRAMES) - 1);
            frames.count_ones()
        };
        let blocks = (0..LONG_BLOCKS).filter(|&n| block(n) >= ACTIVE_FRAMES);
        let blocks = u32::try_from(blocks.count()).unwrap_or(LONG_BLOCKS);
        let immediate = then.mean_bands();
        (Scores::of(immediate, block(0), blocks), blocks)
    }

    /// Active sub-bands of the newest frames, on average.
    fn mean_bands(&self) -> u32 {
        let of = |n: u32| (self.bands >> (n * BAND_BITS)) as u32 & ((1 << BAND_BITS) - 1);
        (0..MEDIUM_FRAMES).map(of).sum::<u32>() / MEDIUM_FRAMES
    }

    /// Whether the newest frame can be heard, and whether it is active.
    pub(super) fn newest_frame(&self) -> (bool, bool) {
        (self.audible & 1 == 1, self.active & 1 == 1)
    }

    /// Frames since the last active one, and the sub-bands of the newest: who can best be spared.
    pub(super) fn idle_at(&self, now: Instant) -> (u32, u32) {
        let then = self.at(now);
        (then.active.trailing_zeros(), then.mean_bands())
    }

    /// Whether so many frames before the newest one could not be heard.
    pub(super) fn was_quiet_for(&self, frames: u32) -> bool {
        (self.audible >> 1) & ((1 << frames) - 1) == 0
    }
}

//! How the publisher's wall clock goes with a subscriber's timestamps, over all its stretches.
//!
//! Where both encodings of a seam have reported their clocks, the wall clock says where a timestamp
//! goes on, and sound and pictures keep together. Where one has not, the time of arrival must do;
//! once the clocks are known, the timestamps of the stretch glide to where they belong.

use std::time::Duration;

use crate::media::source_clock::SourceClock;

/// How far a timestamp may be from what the time of arrival suggests at a seam. Raising it trusts
/// publishers' clocks that jump; lowering it throws away clocks that are right while packets queue.
pub(super) const MAX_CLOCK_SKEW: Duration = Duration::from_secs(1);

/// Timestamps glide by a tick in so many. Raising it takes longer until sound and pictures go
/// together again: a tenth of a second takes 1.6 s; lowering it shows as a change of speed.
const GLIDE: i32 = 16;

/// The same for an error of no more than [`FRAME`]: it is gone before a switch could be felt to have
/// moved pictures against sound. Lowering it to 1 would give frames the timestamp of the one before.
const SHORT_GLIDE: i32 = 4;

/// A frame's time, in parts of a second: what a keyframe that came late behind the other encoding's
/// next frame is off by. Raising its length shows as a change of speed; lowering it leaves such
/// switches off for half a second.
const FRAME: u32 = 20;

/// Errors that nobody notices, in parts of a second: 2 ms. Raising it lets them add up over seams;
/// lowering it glides for what a report rounds off.
const NOTICEABLE: u32 = 500;

/// How long a stretch remembers that it has glided, in seconds after the end: packets from before it
/// may still be repaired. Raising it brings it near the wrap of timestamps, at 6.6 hours; lowering
/// it gives repairs the wrong timestamp.
const REMEMBERED: i64 = 10;

/// A correction that grows with the source's timestamps, so that each packet of a frame has the same
/// whenever it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slew {
    /// The source's timestamp that it starts behind.
    from: u32,
    /// What it comes to, in ticks.
    amount: i32,
    /// A tick in so many.
    glide: i32,
}

impl Slew {
    /// The correction at the source's timestamp `source`.
    pub(super) fn at(self, source: u32) -> i32 {
        if self.amount == 0 {
            return 0;
        }
        let since = source.wrapping_sub(self.from).cast_signed().max(0);
        let part = (since / self.glide.max(1)).min(self.amount.abs());
        part * self.amount.signum()
    }

    /// What the correction comes to.
    pub(super) const fn whole(self) -> i32 {
        self.amount
    }

    /// Whether the correction is whole at `source`.
    pub(super) fn is_whole(self, source: u32) -> bool {
        self.at(source) == self.amount
    }

    /// Takes the correction out once no packet of before it is around; it is then to be added to
    /// each timestamp.
    pub(super) fn settle(&mut self, source: u32, clock_rate: u32) -> i32 {
        if self.amount == 0 {
            return 0;
        }
        let since = i64::from(source.wrapping_sub(self.from).cast_signed());
        let whole_after = i64::from(self.amount.abs()) * i64::from(self.glide);
        if since < whole_after + REMEMBERED * i64::from(clock_rate) {
            return 0;
        }
        std::mem::take(self).amount
    }
}

/// The wall clock on a subscription.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// A moment of the wall clock, and the subscriber's timestamp of it.
    line: Option<SourceClock>,
    /// The newest report of the current encoding's.
    heard: Option<SourceClock>,
    /// The current stretch started by arrival.
    is_adrift: bool,
}

impl Timeline {
    /// Where a timestamp of a new stretch belongs, by the clock of its encoding.
    pub(super) fn place(
        &self,
        clock: Option<&SourceClock>,
        timestamp: u32,
        clock_rate: u32,
    ) -> Option<u32> {
        let ntp = clock?.ntp_of(timestamp, clock_rate);
        Some(self.line?.rtp_of(ntp, clock_rate))
    }

    /// A stretch begins, `is_adrift` by arrival. Only one of the same clock rate goes on by what was
    /// known.
    pub(super) fn start(&mut self, is_adrift: bool, keeps_rate: bool) {
        self.heard = None;
        self.is_adrift = is_adrift;
        if !keeps_rate {
            self.line = None;
        }
    }

    /// Whether the current stretch started by arrival, and no clock has corrected it.
    pub(super) const fn is_adrift(&self) -> bool {
        self.is_adrift
    }

    /// Whether this report was taken note of already.
    pub(super) fn knows(&self, clock: &SourceClock) -> bool {
        self.heard
            .is_some_and(|heard| heard.ntp == clock.ntp && heard.rtp == clock.rtp)
    }

    /// Takes note of a report of the current encoding's, whose `clock.rtp` is `here` on the
    /// subscription; `newest` is the source's newest timestamp. Returns the correction to begin.
    pub(super) fn hear(
        &mut self,
        clock: &SourceClock,
        here: u32,
        slew: Slew,
        newest: u32,
        clock_rate: u32,
    ) -> Option<Slew> {
        self.heard = Some(*clock);
        if let Some(line) = self.line.filter(|_| self.is_adrift) {
            self.is_adrift = false;
            let there = line.rtp_of(clock.ntp, clock_rate);
            let amount = there.wrapping_sub(here).cast_signed();
            let size = amount.unsigned_abs();
            // Over that the wall clock was set: it tells nothing of before.
            let is_sound = u64::from(size) <= MAX_CLOCK_SKEW.as_secs() * u64::from(clock_rate);
            if is_sound && size > clock_rate / NOTICEABLE {
                return Some(Slew {
                    from: newest,
                    amount,
                    glide: if size > clock_rate / FRAME {
                        GLIDE
                    } else {
                        SHORT_GLIDE
                    },
                });
            }
        }
        // While timestamps glide, the line is where they glide to.
        if slew.is_whole(clock.rtp) {
            self.line = Some(SourceClock {
                rtp: here,
                ..*clock
            });
        }
        None
    }
}

//! How long to wait until the next probe.

use crate::bandwidth::recording::kept::kept;

/// The time between probes, in microseconds, at first and after many have failed.
///
/// A longer last one: less is spent in vain. A shorter one: a link that has become better is found
/// out sooner; 8 s are promised, with what the allocator takes.
const FIRST_PAUSE: u64 = 1_000_000;
const LAST_PAUSE: u64 = 4_000_000;

/// A queue that grows so soon after a probe came through says that the probe was wrong, in
/// microseconds. The pause then doubles, to as much as after many that failed.
const MISLED: u64 = 8_000_000;

/// When the next probe may be sent, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pauses {
    end: u64,
    /// The last one after a probe that failed.
    failed: u64,
    /// When a probe raised the estimate last, and the pause after those that were wrong.
    raised: Option<u64>,
    misled: u64,
}

impl Pauses {
    /// When it is over.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Whether it is over.
    pub(super) const fn is_over(&self, now: u64) -> bool {
        self.end <= now
    }

    /// A probe has raised what may be sent.
    pub(super) const fn raised(&mut self, now: u64) {
        self.raised = Some(now);
    }

    /// Less may be sent. A fall that no probe led to calls for no more than the shortest: those that were
    /// wrong have had their pause.
    pub(super) fn fell(&mut self, now: u64) {
        let mut pause = FIRST_PAUSE;
        if let Some(raised) = self.raised.take() {
            self.misled = match now - raised < MISLED {
                true => (self.misled * 2).clamp(2 * FIRST_PAUSE, LAST_PAUSE),
                false => 0,
            };
            pause = pause.max(self.misled);
        }
        self.end = self.end.max(now + pause);
        self.failed = self.failed.max(FIRST_PAUSE);
    }

    /// A probe came through whole: the next may go further soon.
    pub(super) const fn came_through(&mut self, now: u64) {
        self.failed = 0;
        self.end = now + FIRST_PAUSE / 2;
    }

    /// A probe found less than it asked for.
    pub(super) fn failed(&mut self, now: u64) {
        self.failed = (self.failed * 2).clamp(FIRST_PAUSE, LAST_PAUSE);
        self.end = now + self.failed;
    }

    /// A probe told nothing of the link.
    pub(super) const fn said_nothing(&mut self, now: u64) {
        self.end = now + FIRST_PAUSE;
    }

    /// Feedback is back after silence: nothing is known of the link.
    pub(super) fn begin_anew(&mut self, now: u64) {
        *self = Self {
            end: now + FIRST_PAUSE / 4,
            ..Self::default()
        };
    }
}

kept!(Pauses {
    end,
    failed,
    raised,
    misled
});

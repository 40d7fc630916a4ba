//! This thread's CPU time.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// CPU time that `work` takes on this thread.
pub(crate) fn cpu_time(work: impl FnOnce()) -> Duration {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let before = now();
    work();
    now() - before
}

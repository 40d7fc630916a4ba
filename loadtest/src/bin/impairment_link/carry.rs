//! One way of the link: what one device gives goes through the line to the other device.
//!
//! A thread reads and a thread writes, each asleep in the kernel until its time: a runtime's timers
//! are a millisecond coarse.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sfu_lab::element::{Line, Packet};
use sfu_lab::log::LinkLog;
use tun_rs::SyncDevice;

use crate::nat::Nat;

/// The largest IP packet.
const LARGEST: usize = 65_535;

/// One way, shared by its two threads and whoever asks for its figures.
pub(crate) struct Way {
    state: Mutex<State>,
    came: Condvar,
    facing: Facing,
    /// Both ways share it.
    nat: Arc<Mutex<Nat>>,
}

/// Which way it is, as a NAT at the far end sees it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Facing {
    Near,
    Far,
}

struct State {
    line: Line<Vec<u8>>,
    figures: Figures,
}

/// What became of the packets of one way.
#[derive(Clone, Copy, Default)]
pub(crate) struct Figures {
    came: u64,
    left: u64,
    /// That the device did not take.
    refused: u64,
    /// That left [`Figures::LATE`] after their time, or more.
    late: u64,
    latest: Duration,
}

impl Figures {
    const LATE: Duration = Duration::from_millis(1);
}

impl fmt::Display for Figures {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            came,
            left,
            refused,
            late,
            latest,
        } = self;
        let latest = latest.as_micros();
        write!(
            to,
            "came={came} left={left} refused={refused} late={late} latest_us={latest}"
        )
    }
}

impl Way {
    /// Carries packets from `from` to `to` for as long as the process lives.
    pub(crate) fn start(
        (from, to): (&Arc<SyncDevice>, &Arc<SyncDevice>),
        facing: Facing,
        nat: &Arc<Mutex<Nat>>,
        line: Line<Vec<u8>>,
    ) -> Arc<Self> {
        let way = Arc::new(Self {
            state: Mutex::new(State {
                line,
                figures: Figures::default(),
            }),
            came: Condvar::new(),
            facing,
            nat: Arc::clone(nat),
        });
        let (reader, from) = (Arc::clone(&way), Arc::clone(from));
        thread::spawn(move || reader.read(&from));
        let (writer, to) = (Arc::clone(&way), Arc::clone(to));
        thread::spawn(move || writer.write(&to));
        way
    }

    pub(crate) fn figures(&self) -> Figures {
        self.state().figures
    }

    /// Carries packets over another line from now on; `line` makes it of the present time. What was on
    /// its way is lost.
    pub(crate) fn change(&self, line: impl FnOnce(Instant) -> Line<Vec<u8>>) {
        let mut state = self.state();
        state.line = line(Instant::now());
        self.came.notify_one();
    }

    /// What the line did until now, if it has a bottleneck.
    pub(crate) fn log(&self) -> Option<LinkLog> {
        self.state().line.log(Instant::now())
    }

    fn read(&self, from: &SyncDevice) {
        let mut buffer = vec![0; LARGEST];
        loop {
            let Ok(length) = from.recv(&mut buffer) else {
                // The device is not up, or on its way to another namespace.
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            let mut bytes = buffer[..length].to_vec();
            self.translate(&mut bytes);
            let mut state = self.state();
            // Under the lock: the line is told of times in their order.
            let at = Instant::now();
            state.line.put(Packet::new(at, bytes.len(), bytes));
            state.figures.came += 1;
            self.came.notify_one();
        }
    }

    fn write(&self, to: &SyncDevice) {
        let mut state = self.state();
        loop {
            if let Some(packet) = state.line.take(Instant::now()) {
                drop(state);
                let taken = to.send(&packet.what).is_ok();
                let late = packet.at.elapsed();
                state = self.state();
                let figures = &mut state.figures;
                figures.left += u64::from(taken);
                figures.refused += u64::from(!taken);
                figures.late += u64::from(late >= Figures::LATE);
                figures.latest = figures.latest.max(late);
                continue;
            }
            let until = state.line.next();
            let wait = until.map(|at| at.saturating_duration_since(Instant::now()));
            state = match wait {
                Some(time) => match self.came.wait_timeout(state, time) {
                    Ok((state, _)) => state,
                    Err(poisoned) => poisoned.into_inner().0,
                },
                None => self
                    .came
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// What the NAT makes of a packet. It is asked when the packet comes to the link, on either way: what
    /// is under way to the far end when it forgets still arrives.
    fn translate(&self, bytes: &mut [u8]) {
        let mut nat = self.nat.lock().unwrap_or_else(PoisonError::into_inner);
        nat.pass(Instant::now());
        match self.facing {
            Facing::Near => nat.outward(bytes),
            Facing::Far => nat.inward(bytes),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A line that panicked has ended its thread; the figures still tell of it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

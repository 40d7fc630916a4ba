//! How the server ends: told once, it says goodbye and goes; told twice, it goes.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long the doors may take to close once everybody was told. Higher: slow clients read their
/// goodbye. Lower: a node is replaced sooner.
pub const DOORS_CLOSE: Duration = Duration::from_secs(3);

/// How long what is still left of the doors may take to be dropped, and the workers to send their
/// last packets. Higher: a busy machine gets those out. Lower: as for [`DOORS_CLOSE`].
pub const LAST_PACKETS: Duration = Duration::from_secs(1);

/// How long the whole end may take; then the process ends as it is. Orchestrators kill after 10 to
/// 30 seconds, without a word in the log: stay well under that, and above the sum
/// of [`DOORS_CLOSE`] and [`LAST_PACKETS`].
pub const END: Duration = Duration::from_secs(5);

/// Something that happens once. Clones are the same.
#[derive(Clone, Debug)]
pub struct Latch(watch::Sender<bool>);

impl Default for Latch {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Latch {
    /// It happens; again changes nothing.
    pub fn set(&self) {
        self.0.send_replace(true);
    }

    /// Whether it happened.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it has happened.
    pub async fn wait(&self) {
        let mut watcher = self.0.subscribe();
        // `self` holds the sender, so the wait ends by the value alone.
        let _ = watcher.wait_for(|set| *set).await;
    }
}

/// SIGTERM and SIGINT, which from now on are read instead of ending the process.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to read them.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one; gives its name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Ends the process after [`END`], whatever still goes on: a stuck thread must not keep it.
pub fn bound_the_end() {
    let watchdog = std::thread::Builder::new()
        .name("end".to_owned())
        .spawn(|| {
            std::thread::sleep(END);
            tracing::error!("the end took longer than {END:?}: ending as it is");
            std::process::exit(1);
        });
    if let Err(error) = watchdog {
        tracing::warn!(%error, "the end is not bounded");
    }
}

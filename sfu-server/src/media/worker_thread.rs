//! One worker's thread, seen from the others: its mailbox, its published counters, its end.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::worker::{Worker, WorkerSettings};
use tokio::sync::mpsc;

use super::corridor::Corridor;
use super::published::Published;
use super::udp_socket::UdpSocket;

/// The process's exit code after a panic outside any room's work: EX_SOFTWARE of sysexits.
const PANIC_EXIT: i32 = 70;

/// A running worker, seen from other threads.
#[derive(Debug)]
pub struct WorkerThread {
    commands: mpsc::UnboundedSender<Command>,
    published: Arc<Mutex<Published>>,
    thread: std::thread::JoinHandle<()>,
}

impl WorkerThread {
    /// Starts a worker on sockets that are already bound. Its events come as `(index, event)`.
    ///
    /// # Errors
    ///
    /// The thread or its readiness watcher cannot be made.
    pub fn start(
        index: usize,
        settings: WorkerSettings,
        seed: [u8; 32],
        sockets: Vec<UdpSocket>,
        events: mpsc::UnboundedSender<(usize, Event)>,
    ) -> io::Result<Self> {
        let (commands, mailbox) = mpsc::unbounded_channel();
        let published = Arc::new(Mutex::new(Published::default()));
        let shown = Arc::clone(&published);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                let work = async move {
                    let worker = Worker::new(settings, seed);
                    match Corridor::new(index, worker, sockets, mailbox, events, shown) {
                        Ok(mut corridor) => corridor.run().await,
                        Err(error) => tracing::error!(index, %error, "sockets not watchable"),
                    }
                };
                if catch_unwind(AssertUnwindSafe(|| runtime.block_on(work))).is_err() {
                    // Outside every room's work, a panic leaves what all rooms share in doubt: a
                    // restart is better than rooms that hang in silence.
                    tracing::error!(index, "a panic outside a room's work ends the process");
                    std::process::exit(PANIC_EXIT);
                }
            })?;
        Ok(Self {
            commands,
            published,
            thread,
        })
    }

    /// Puts a command into the worker's mailbox. Lost when the worker has ended.
    pub fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// The counters as last published.
    #[must_use]
    pub fn published(&self) -> Published {
        self.published
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Lets the worker empty its mailbox, send what that leads to, and end; waits for it.
    pub fn stop(self) {
        let Self {
            commands, thread, ..
        } = self;
        // The mailbox closes with its last sender: that is what the worker ends by.
        drop(commands);
        if thread.join().is_err() {
            tracing::error!("a worker's thread had panicked");
        }
    }
}

//! One worker's thread, seen from the others: its mailbox, its published counters, its end.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::worker::{Worker, WorkerSettings};
use tokio::sync::mpsc;

use super::backlog::{Backlog, Held};
use super::corridor::Corridor;
use super::published::Published;
use super::udp_socket::UdpSocket;

/// The process's exit code after a panic outside any room's work: EX_SOFTWARE of sysexits.
const PANIC_EXIT: i32 = 70;

/// One fact of a worker. A data message keeps its place in the line until this is dropped.
#[derive(Debug)]
pub struct Heard {
    /// Whose.
    pub worker: usize,
    /// The fact.
    pub event: Event,
    #[expect(dead_code, reason = "held, not read")]
    pub(super) held: Option<Held>,
}

/// One instruction on its way to a worker.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) command: Command,
    #[expect(dead_code, reason = "held, not read")]
    held: Option<Held>,
}

/// A running worker, seen from other threads.
#[derive(Debug)]
pub struct WorkerThread {
    commands: mpsc::UnboundedSender<Told>,
    backlog: Backlog,
    published: Arc<Mutex<Published>>,
    thread: std::thread::JoinHandle<()>,
}

impl WorkerThread {
    /// Starts a worker on sockets that are already bound. Its events come with `index`.
    ///
    /// # Errors
    ///
    /// The thread or its readiness watcher cannot be made.
    pub fn start(
        index: usize,
        settings: WorkerSettings,
        seed: [u8; 32],
        sockets: Vec<UdpSocket>,
        events: mpsc::UnboundedSender<Heard>,
    ) -> io::Result<Self> {
        let (commands, mailbox) = mpsc::unbounded_channel();
        let backlog = Backlog::default();
        let mailbox = (mailbox, backlog.clone());
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
            backlog,
            published,
            thread,
        })
    }

    /// Puts a command into the worker's mailbox. Lost when the worker has ended, and a data message
    /// also when too many wait.
    pub fn send(&self, command: Command) {
        let held = match &command {
            Command::SendData {
                recipients,
                payload,
                ..
            } => {
                let bytes = payload.len() + size_of_val(recipients.as_slice());
                match self.backlog.hold(bytes) {
                    None => return,
                    held => held,
                }
            }
            _ => None,
        };
        let _ = self.commands.send(Told { command, held });
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

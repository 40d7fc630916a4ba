//! One worker's thread, seen from the others: its mailbox, its published counters, its end.

use std::io;
use std::sync::{Arc, Mutex};

use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::worker::{Worker, WorkerSettings};
use tokio::sync::mpsc;

use super::corridor::Corridor;
use super::published::Published;
use super::udp_socket::UdpSocket;

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
                runtime.block_on(async move {
                    let worker = Worker::new(settings, seed);
                    match Corridor::new(index, worker, sockets, mailbox, events, shown) {
                        Ok(mut corridor) => corridor.run().await,
                        Err(error) => tracing::error!(index, %error, "sockets not watchable"),
                    }
                });
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

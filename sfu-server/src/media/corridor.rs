//! The only I/O around a `Worker`: its sockets, its mailbox, its clock.
//!
//! The thread waits for readiness by tokio and does everything else itself: it drains the sockets
//! into the engine, drains the engine into runs, and sends them. Packets never meet a task or a
//! channel; commands and events, which are rare, come and go by one.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::media::send_batch::SendBatch;
use sfu_core::worker::Worker;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::backlog::Backlog;
use super::published::Published;
use super::send_queue::SendQueue;
use super::udp_socket::{RECV_MESSAGES, RecvBatch, UdpSocket};
use super::worker_thread::{Heard, Told};

/// Receive calls in a row before the engine's output is sent.
///
/// Higher: fewer, longer runs under load. Lower: a packet waits less behind others' packets. At 32
/// messages a call, 8 calls are about a millisecond of work.
const RECV_CALLS: usize = 8;

/// Commands taken in a row before packets have their turn.
///
/// Higher: a burst of joins is answered sooner. Lower: it delays media less.
const COMMANDS: usize = 16;

/// Bytes of one send batch.
///
/// Higher: fewer system calls in a burst. Lower: less memory for each worker.
const BATCH_BYTES: usize = 1 << 20;

/// How often the counters are published to the exporter's side.
const PUBLISH: Duration = Duration::from_millis(500);

/// One socket, its readiness, and what it did not take yet.
struct Outgoing {
    socket: AsyncFd<UdpSocket>,
    kept: SendQueue,
}

/// What the thread woke up for.
enum Wake {
    Readable,
    Writable(usize),
    Command(Command),
    Timer,
    MailboxClosed,
}

/// The worker's thread, walking between the sockets, the engine and the mailbox.
pub(super) struct Corridor {
    index: usize,
    worker: Worker,
    sockets: Vec<Outgoing>,
    mailbox: mpsc::UnboundedReceiver<Told>,
    told: Backlog,
    events: mpsc::UnboundedSender<Heard>,
    heard: Backlog,
    published: Arc<Mutex<Published>>,
    next_publish: Instant,
    busy: Duration,
    wakeups: u64,
    received: RecvBatch,
    batch: SendBatch,
}

impl Corridor {
    pub(super) fn new(
        index: usize,
        worker: Worker,
        sockets: Vec<UdpSocket>,
        (mailbox, told): (mpsc::UnboundedReceiver<Told>, Backlog),
        events: mpsc::UnboundedSender<Heard>,
        published: Arc<Mutex<Published>>,
    ) -> io::Result<Self> {
        let watch = |socket: UdpSocket| {
            Ok(Outgoing {
                socket: socket.watch()?,
                kept: SendQueue::default(),
            })
        };
        Ok(Self {
            index,
            worker,
            sockets: sockets.into_iter().map(watch).collect::<io::Result<_>>()?,
            mailbox,
            told,
            events,
            heard: Backlog::default(),
            published,
            next_publish: Instant::now(),
            busy: Duration::ZERO,
            wakeups: 0,
            received: RecvBatch::new(),
            batch: SendBatch::with_capacity(BATCH_BYTES),
        })
    }

    /// Works until the mailbox closes.
    pub(super) async fn run(&mut self) {
        let sleep = tokio::time::sleep(PUBLISH);
        tokio::pin!(sleep);
        loop {
            let deadline = self.worker.poll_timeout().unwrap_or(self.next_publish);
            sleep.as_mut().reset(deadline.min(self.next_publish).into());
            let wake = poll_fn(|context| self.poll_wake(context, sleep.as_mut())).await;
            let woken = Instant::now();
            self.wakeups += 1;
            let ended = matches!(wake, Wake::MailboxClosed);
            self.work(woken, wake);
            self.send(Instant::now());
            self.busy += woken.elapsed();
            if woken >= self.next_publish || ended {
                self.publish(woken);
            }
            if ended {
                return;
            }
        }
    }

    /// The first thing there is to do. Timers come first, so that no flood delays them; then what
    /// a full socket still holds, the mailbox, and the sockets in turn.
    fn poll_wake(&mut self, context: &mut Context<'_>, sleep: Pin<&mut Sleep>) -> Poll<Wake> {
        if sleep.poll(context).is_ready() {
            return Poll::Ready(Wake::Timer);
        }
        for (at, outgoing) in self.sockets.iter_mut().enumerate() {
            if !outgoing.kept.is_empty() && outgoing.socket.poll_write_ready(context).is_ready() {
                return Poll::Ready(Wake::Writable(at));
            }
        }
        if let Poll::Ready(command) = self.mailbox.poll_recv(context) {
            return Poll::Ready(
                command.map_or(Wake::MailboxClosed, |told| Wake::Command(told.command)),
            );
        }
        // Each is asked, so that each wakes the thread.
        let ready = |outgoing: &Outgoing, context: &mut Context<'_>| {
            outgoing.socket.poll_read_ready(context).is_ready()
        };
        let sockets = self.sockets.iter();
        match sockets.filter(|outgoing| ready(outgoing, context)).count() {
            0 => Poll::Pending,
            _ => Poll::Ready(Wake::Readable),
        }
    }

    fn work(&mut self, now: Instant, wake: Wake) {
        match wake {
            // All of them: one that is always readable must not keep the others waiting.
            Wake::Readable => self.receive(now),
            Wake::Writable(at) => {
                let outgoing = &mut self.sockets[at];
                flush(outgoing);
            }
            Wake::Command(first) => {
                self.worker.handle_command(now, first);
                for _ in 1..COMMANDS {
                    let Ok(told) = self.mailbox.try_recv() else {
                        break;
                    };
                    self.worker.handle_command(now, told.command);
                }
                // Packets have their turn after every handful of commands.
                self.receive(now);
            }
            Wake::Timer | Wake::MailboxClosed => {}
        }
        self.worker.handle_timeout(now);
    }

    /// Drains the sockets that are readable into the engine, each up to a bound.
    fn receive(&mut self, now: Instant) {
        for at in 0..self.sockets.len() {
            self.receive_from(now, at);
        }
    }

    fn receive_from(&mut self, now: Instant, at: usize) {
        for _ in 0..RECV_CALLS {
            let mut messages = 0;
            // A short receive has emptied the socket: saying so here clears the readiness that was
            // seen before the call, and none that came after it.
            let drained = self.sockets[at]
                .socket
                .try_io(Interest::READABLE, |socket| {
                    messages = socket.recv(&mut self.received)?;
                    if messages < RECV_MESSAGES {
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                    Ok(())
                });
            if messages > 0 {
                for (path, arrived, datagram) in self.received.datagrams() {
                    self.worker.handle_arrived(now, arrived, path, datagram);
                }
            }
            match drained {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    tracing::error!(index = self.index, %error, "receive failed");
                    return;
                }
            }
        }
    }

    /// Sends all that the engine has, and hands its events out.
    fn send(&mut self, now: Instant) {
        loop {
            let more = self.worker.poll_transmit(now, &mut self.batch);
            for outgoing in &mut self.sockets {
                if !outgoing.kept.send(outgoing.socket.get_ref(), &self.batch) {
                    flush(outgoing);
                }
            }
            self.batch.clear();
            if !more {
                break;
            }
        }
        while let Some(event) = self.worker.poll_event() {
            let held = match &event {
                Event::DataReceived { payload, .. } => match self.heard.hold(payload.len()) {
                    None => continue,
                    held => held,
                },
                _ => None,
            };
            // The application may be gone at the very end.
            let _ = self.events.send(Heard {
                worker: self.index,
                event,
                held,
            });
        }
    }

    fn publish(&mut self, now: Instant) {
        use sfu_core::drop_reason::DropReason::SocketFull;
        self.next_publish = now + PUBLISH;
        let snapshot = Published {
            engine: self.worker.stats().clone(),
            sockets: self
                .sockets
                .iter()
                .map(|o| o.socket.get_ref().counters())
                .collect(),
            socket_full: self
                .sockets
                .iter()
                .map(|o| o.kept.drops().get(SocketFull))
                .sum(),
            data_refused: self.heard.refused() + self.told.refused(),
            busy: self.busy,
            wakeups: self.wakeups,
            population: self.worker.population(),
            census: self.worker.census(),
            pool_free: self.worker.pool_free(),
        };
        *self
            .published
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = snapshot;
    }
}

/// Sends what a full socket did not take; while it stays full, its readiness is awaited.
fn flush(outgoing: &mut Outgoing) {
    let kept = &mut outgoing.kept;
    // Blocked or not, what is kept is flushed again with the next batch.
    let _ = outgoing
        .socket
        .try_io(Interest::WRITABLE, |socket| match kept.flush(socket) {
            true => Ok(()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        });
}

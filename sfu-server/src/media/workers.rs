//! All workers of the process: one thread and one media port each.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::{Instant, SystemTime};

use sfu_core::command::Command;
use sfu_core::id::WorkerId;
use sfu_core::transport::DtlsIdentity;
use sfu_core::transport::TransportSettings;
use sfu_core::worker::WorkerSettings;
use tokio::sync::mpsc;

use super::published::Published;
use super::udp_socket::UdpSocket;
use super::worker_thread::{Heard, WorkerThread};

/// Packets that each worker's pool holds, about 1.6 kB each: 52 MB. An encoding's packets are kept
/// for 2 s: that is 16,000 packets a second, 40 publishers of 720p in three encodings.
///
/// Higher: more of them on one worker. Lower: less memory for each worker.
const POOL_PACKETS: u32 = 32 * 1024;

/// Ports tried for a worker when any free one will do and IPv6 must get the same.
const PORT_ATTEMPTS: usize = 16;

/// Settings of the media side.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    /// How many workers; at least 1.
    pub workers: usize,
    /// The first worker's UDP port; each further worker has the next. 0: any free ones.
    pub first_port: u16,
    /// Addresses that answers advertise as host candidates, best first.
    pub advertised: Vec<IpAddr>,
    /// DTLS and ICE settings of every transport.
    pub transport: TransportSettings,
    /// Voices of one room that are forwarded at a time; `None`: all.
    pub forwarded_voices: Option<NonZeroUsize>,
}

/// The running workers.
#[derive(Debug)]
pub struct Workers {
    threads: Vec<WorkerThread>,
    ports: Vec<u16>,
}

impl Workers {
    /// Binds the media ports and starts the workers.
    ///
    /// # Errors
    ///
    /// A port is taken (the error's text names it), the certificate cannot be made, or the
    /// operating system gives no randomness or thread.
    pub fn start(settings: &MediaSettings) -> io::Result<(Self, mpsc::UnboundedReceiver<Heard>)> {
        let (events, received) = mpsc::unbounded_channel();
        let identity = DtlsIdentity::generate().map_err(io::Error::other)?;
        let now_since_1970 = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(io::Error::other)?;
        let epoch = (Instant::now(), now_since_1970);
        let mut threads = Vec::new();
        let mut ports = Vec::new();
        for index in 0..settings.workers {
            let worker = u16::try_from(index).map_err(io::Error::other)?;
            let wanted = match settings.first_port {
                0 => 0,
                first => first
                    .checked_add(worker)
                    .ok_or_else(|| io::Error::other("media ports run past 65535"))?,
            };
            let (port, sockets) = bind_port(wanted)?;
            let candidates = settings
                .advertised
                .iter()
                .map(|ip| SocketAddr::new(*ip, port))
                .collect();
            let worker_settings = WorkerSettings {
                worker: WorkerId(worker),
                identity: identity.clone(),
                transport: settings.transport.clone(),
                candidates,
                pool_packets: POOL_PACKETS,
                forwarded_voices: settings.forwarded_voices,
                adaptation: true,
                epoch,
            };
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(io::Error::other)?;
            let events = events.clone();
            threads.push(WorkerThread::start(
                index,
                worker_settings,
                seed,
                sockets,
                events,
            )?);
            ports.push(port);
        }
        Ok((Self { threads, ports }, received))
    }

    /// The media ports, by worker.
    #[must_use]
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// How many workers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.threads.len()
    }

    /// Never true: there is at least one worker.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }

    /// Hands a command to a worker; commands to one worker keep their order.
    pub fn send(&self, worker: usize, command: Command) {
        if let Some(thread) = self.threads.get(worker) {
            thread.send(command);
        }
    }

    /// Each worker's counters as last published.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.threads.iter().map(WorkerThread::published).collect()
    }
}

impl Drop for Workers {
    /// Waits until every worker has obeyed its mailbox and sent what that led to.
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            thread.stop();
        }
    }
}

/// Binds one media port on every address of the host: IPv4, and IPv6 where the host has it.
fn bind_port(wanted: u16) -> io::Result<(u16, Vec<UdpSocket>)> {
    let any_v4 = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let any_v6 = |port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let mut attempts = if wanted == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        let v4 = UdpSocket::bind(any_v4(wanted)).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("UDP port {wanted} (--udp-port): {error}"),
            )
        })?;
        let port = v4.local_addr().port();
        match UdpSocket::bind(any_v6(port)) {
            Ok(v6) => return Ok((port, vec![v4, v6])),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                attempts -= 1;
                if attempts == 0 {
                    let text = format!("UDP port {port} over IPv6 (--udp-port): {error}");
                    return Err(io::Error::new(error.kind(), text));
                }
            }
            Err(error) => {
                tracing::info!(%error, "no IPv6 here: media goes over IPv4 only");
                return Ok((port, vec![v4]));
            }
        }
    }
}

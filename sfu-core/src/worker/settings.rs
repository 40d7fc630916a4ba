//! What one worker is told at its start.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use crate::id::WorkerId;
use crate::transport::DtlsIdentity;
use crate::transport::TransportSettings;

/// Settings of one worker.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Which worker this is: part of every local ufrag.
    pub worker: WorkerId,
    /// The certificate that every transport shows.
    pub identity: DtlsIdentity,
    /// Settings of every transport.
    pub transport: TransportSettings,
    /// Host candidates of every answer, best first.
    pub candidates: Vec<SocketAddr>,
    /// Packets that the pool holds, about 1.6 kB each.
    ///
    /// Higher: longer NACK histories for more encodings at once. Lower: less memory, and publishers
    /// lose packets (`pool_exhausted`) when more encodings are live than it holds.
    pub pool_packets: u32,
    /// Voices of one room that are forwarded at a time, those that speak; `None`: all.
    ///
    /// Higher: subscribers of a large room get, and pay for, more sounds that say nothing. Lower:
    /// where more people than this speak at once, some are cut off in mid-speech.
    pub forwarded_voices: Option<NonZeroUsize>,
    /// What each participant is sent is paced by what its network is estimated to carry. Without it
    /// everything leaves at once, whatever becomes of it: for measuring, and for networks that are
    /// known to carry all.
    pub adaptation: bool,
    /// An instant and the wall clock then, since 1970: the NTP time of what has no sender report.
    pub epoch: (Instant, Duration),
}

//! Where the media workers are plugged in.

use std::io;
use std::sync::Arc;

use sfu_core::command::Command;
use sfu_core::transport::{DtlsVersion, TransportSettings};
use tokio::sync::mpsc;

use crate::config::{Config, Dtls};
use crate::media::worker_thread::Heard;
use crate::media::workers::{MediaSettings, Workers};
use crate::rooms::MediaWorkers;

impl MediaWorkers for Workers {
    fn workers(&self) -> usize {
        self.len()
    }

    fn send(&self, worker: usize, command: Command) {
        Workers::send(self, worker, command);
    }
}

/// What the workers have to tell.
pub(super) type Events = mpsc::UnboundedReceiver<Heard>;

/// Binds the media ports and starts a worker on each.
pub(super) fn start(config: &Config) -> io::Result<(Arc<Workers>, Events)> {
    let dtls = match config.dtls {
        Dtls::V1_2 => DtlsVersion::V12,
        Dtls::V1_3 => DtlsVersion::V13,
    };
    let (workers, events) = Workers::start(&MediaSettings {
        workers: usize::from(config.workers),
        first_port: config.udp_port,
        advertised: config.advertise.clone(),
        transport: TransportSettings::new(dtls),
        forwarded_voices: config.forwarded_voices,
    })?;
    Ok((Arc::new(workers), events))
}

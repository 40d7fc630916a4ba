//! The transport's leg for data: SCTP packets in DTLS records, both ways (RFC 8261).

use std::sync::Arc;
use std::time::Instant;

use super::Transport;
use super::data_channel::{DataChannels, DataEvent};
use crate::drop_reason::DropReason;
use crate::id::DataLabel;
use crate::media::path::Path;
use crate::media::session::SctpParameters;

/// Data as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Data {
    seed: u64,
    /// What the last offer says; `None` without a data section.
    peer: Option<SctpParameters>,
    channels: Option<Box<DataChannels>>,
}

impl Data {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }
}

impl Transport {
    /// Takes the data section of an offer: `None` when there is none (any more). The association is
    /// opened as soon as DTLS is up.
    pub fn set_data(&mut self, now: Instant, peer: Option<SctpParameters>) {
        self.data.peer = peer;
        match (&mut self.data.channels, peer) {
            (Some(channels), Some(peer)) => channels.set_peer(peer),
            (Some(channels), None) => channels.close(now),
            (None, _) => {}
        }
        self.open_data(now);
    }

    /// Queues a message for the peer.
    ///
    /// # Errors
    /// [`DropReason::DataChannelUnknown`] while no such channel is open,
    /// [`DropReason::DataTooLarge`] for the peer, [`DropReason::DataQueueFull`].
    pub fn send_data(&mut self, label: &DataLabel, payload: &Arc<[u8]>) -> Result<(), DropReason> {
        let channels = self.data.channels.as_mut();
        let channels = channels.ok_or(DropReason::DataChannelUnknown)?;
        channels.send(label, payload)
    }

    /// The next thing that there is to tell of data.
    pub fn poll_data_event(&mut self) -> Option<DataEvent> {
        self.data.channels.as_mut()?.poll_event()
    }

    /// Writes the next datagram of data into `out` ([`crate::media::send_batch::MAX_DATAGRAM`]
    /// bytes). Returns where it goes, and its length. To be asked when [`Self::poll_datagram`] has
    /// given all.
    pub fn poll_data(&mut self, now: Instant, out: &mut [u8]) -> Option<(Path, usize)> {
        let path = self.selected_path()?;
        let dtls = self.dtls.as_mut().filter(|dtls| dtls.is_connected())?;
        let packet = self.data.channels.as_mut()?.poll_packet(now)?;
        dtls.send(&packet);
        self.dtls_speaks = true;
        let len = dtls.poll_datagram(out)?;
        Some((path, len))
    }

    /// Whether [`Self::poll_data`] may have something to give. Costs next to nothing.
    #[must_use]
    pub fn has_data(&self) -> bool {
        let channels = self.data.channels.as_ref();
        channels.is_some_and(|channels| channels.has_something())
    }

    /// Opens the association once there is DTLS under it and a section for it.
    pub(super) fn open_data(&mut self, now: Instant) {
        let connected = self
            .dtls
            .as_deref()
            .is_some_and(super::dtls::Dtls::is_connected);
        let Some(peer) = self.data.peer.filter(|_| connected) else {
            return;
        };
        if self.data.channels.is_none() {
            let channels = DataChannels::open(now, peer, self.data.seed);
            self.data.channels = Some(Box::new(channels));
        }
    }

    /// Hands what DTLS has decrypted to the association.
    pub(super) fn take_data(&mut self, now: Instant) -> Result<(), DropReason> {
        let mut outcome = Ok(());
        while let Some(packet) = self
            .dtls
            .as_deref_mut()
            .and_then(super::dtls::Dtls::poll_received)
        {
            let channels = self.data.channels.as_mut();
            let taken = match channels {
                Some(channels) => channels.receive(now, &packet),
                None => Err(DropReason::DataFailed),
            };
            outcome = outcome.and(taken);
        }
        outcome
    }

    pub(super) fn data_timeout(&self) -> Option<Instant> {
        self.data.channels.as_ref()?.poll_timeout()
    }

    pub(super) fn handle_data_timeout(&mut self, now: Instant) {
        if let Some(channels) = &mut self.data.channels
            && channels.poll_timeout().is_some_and(|at| at <= now)
        {
            channels.handle_timeout(now);
        }
    }

    /// Lets go of the channels: DTLS is gone from under them.
    pub(super) fn end_data(&mut self) {
        self.data = Data::default();
    }
}

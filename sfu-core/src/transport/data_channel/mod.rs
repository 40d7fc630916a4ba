//! Data channels (RFC 8831) of one peer connection: opened by the peer (RFC 8832), used by both.

mod channel;
mod rate;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use arrayvec::ArrayVec;

use self::channel::Channel;
use self::rate::Rate;
use super::sctp::{Association, SctpFact, work_of};
use crate::config::{
    MAX_DATA_CHANNELS, MAX_DATA_IN_FLIGHT, MAX_DATA_MESSAGE_LEN, MAX_DATA_QUEUED,
    MAX_DATA_QUEUED_MESSAGES, MAX_LOSSY_DATA_QUEUED,
};
use crate::drop_reason::DropReason;
use crate::id::DataLabel;
use crate::media::session::SctpParameters;
use crate::wire::dcep::{self, Message, Open, Reliability};

/// What the data channels have to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataEvent {
    /// The peer has opened a channel.
    Opened(DataLabel),
    /// The peer has sent a message.
    Received {
        /// Over which channel.
        label: DataLabel,
        /// The message.
        payload: Vec<u8>,
    },
    /// A message or a channel was given up.
    Dropped(DropReason),
    /// Reliable messages were given up for the first time since the queue was last half empty.
    Overflowed,
}

/// The channels, the association under them, and what waits for it.
#[derive(Debug)]
pub(super) struct DataChannels {
    association: Association,
    peer: SctpParameters,
    channels: ArrayVec<Channel, MAX_DATA_CHANNELS>,
    rate: Rate,
    /// Bytes that wait on all channels.
    queued: usize,
    /// Messages that wait on all channels.
    messages: usize,
    overflowing: bool,
    /// The channel that has the next turn.
    turn: usize,
    events: VecDeque<DataEvent>,
}

impl DataChannels {
    pub(super) fn open(now: Instant, peer: SctpParameters, seed: u64) -> Self {
        Self {
            association: Association::open(now, peer, seed),
            peer,
            channels: ArrayVec::new(),
            rate: Rate::new(now),
            queued: 0,
            messages: 0,
            overflowing: false,
            turn: 0,
            events: VecDeque::new(),
        }
    }

    /// Takes an SCTP packet.
    ///
    /// # Errors
    /// [`DropReason::DataRateExceeded`], or as [`work_of`] and [`Association::receive`].
    pub(super) fn receive(&mut self, now: Instant, packet: &[u8]) -> Result<(), DropReason> {
        let work = work_of(packet)?;
        if !self.rate.admits(now, work) {
            return Err(DropReason::DataRateExceeded);
        }
        let taken = self.association.receive(now, packet);
        self.take_facts(now);
        taken
    }

    /// Queues a message for the peer.
    ///
    /// # Errors
    /// [`DropReason::DataChannelUnknown`], [`DropReason::DataTooLarge`] for the peer,
    /// [`DropReason::DataQueueFull`].
    pub(super) fn send(
        &mut self,
        label: &DataLabel,
        payload: &Arc<[u8]>,
    ) -> Result<(), DropReason> {
        // A client that opens a channel anew under its old name listens to the new one.
        let channel = self.channels.iter_mut().rev().find(|c| c.label == *label);
        let channel = channel.ok_or(DropReason::DataChannelUnknown)?;
        if payload.len() as u64 > u64::from(self.peer.max_message_size) {
            return Err(DropReason::DataTooLarge);
        }
        if channel.reliability != Reliability::Reliable {
            let waiting = channel.queued() + self.association.unsent(channel.stream);
            if waiting > 0 && waiting + payload.len() > MAX_LOSSY_DATA_QUEUED {
                return Err(DropReason::DataQueueFull);
            }
        }
        let full = self.queued + payload.len() > MAX_DATA_QUEUED
            || self.messages >= MAX_DATA_QUEUED_MESSAGES;
        if full {
            if channel.reliability == Reliability::Reliable && !self.overflowing {
                self.overflowing = true;
                self.events.push_back(DataEvent::Overflowed);
            }
            return Err(DropReason::DataQueueFull);
        }
        self.queued += payload.len();
        self.messages += 1;
        channel.push(payload);
        Ok(())
    }

    /// The next packet to send; what waits in the queues becomes packets here, and not before, so
    /// that whoever paces the packets paces that work too.
    pub(super) fn poll_packet(&mut self, now: Instant) -> Option<Vec<u8>> {
        if !self.association.has_packets() {
            self.feed(now);
        }
        self.association.poll_packet()
    }

    /// Whether a packet is ready, or a message waits to become one.
    pub(super) fn has_something(&self) -> bool {
        self.messages > 0 || self.association.has_packets()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
        self.take_facts(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    pub(super) fn poll_event(&mut self) -> Option<DataEvent> {
        self.events.pop_front()
    }

    /// Takes over what a later offer says of the peer.
    pub(super) fn set_peer(&mut self, peer: SctpParameters) {
        self.peer = peer;
    }

    /// Tells the peer that all channels are closed.
    pub(super) fn close(&mut self, now: Instant) {
        self.association.close(now);
        self.forget();
    }

    /// Gives the association one message, of the channel that has its turn. A channel's next message
    /// follows when its last one has left, and none while too much is under way: what waits, waits
    /// here, where it is shared and bounded.
    fn feed(&mut self, now: Instant) {
        let in_flight = self.association.in_flight();
        if self.messages == 0 || in_flight.is_none_or(|chunks| chunks >= MAX_DATA_IN_FLIGHT) {
            return;
        }
        for _ in 0..self.channels.len() {
            self.turn = (self.turn + 1) % self.channels.len();
            let channel = &mut self.channels[self.turn];
            if self.association.unsent(channel.stream) > 0 {
                continue;
            }
            let Some(payload) = channel.pop() else {
                continue;
            };
            self.queued -= payload.len();
            self.messages -= 1;
            self.overflowing &=
                self.queued > MAX_DATA_QUEUED / 2 || self.messages > MAX_DATA_QUEUED_MESSAGES / 2;
            let terms = (channel.ordered, channel.reliability);
            let stream = channel.stream;
            // SCTP carries no empty message (RFC 8831 section 6.6).
            let (ppid, bytes) = match payload.is_empty() {
                true => (dcep::PPID_BINARY_EMPTY, vec![0]),
                false => (dcep::PPID_BINARY, payload.to_vec()),
            };
            if let Err(reason) = self.association.send(now, stream, ppid, bytes, terms) {
                self.events.push_back(DataEvent::Dropped(reason));
            }
            return;
        }
    }

    fn take_facts(&mut self, now: Instant) {
        while let Some(fact) = self.association.poll_fact() {
            match fact {
                SctpFact::Message {
                    stream,
                    ppid,
                    payload,
                } => {
                    if let Err(reason) = self.hear(now, stream, ppid, payload) {
                        self.events.push_back(DataEvent::Dropped(reason));
                    }
                }
                SctpFact::Reset(streams) => self.closed(now, &streams),
                SctpFact::Gone => self.forget(),
            }
        }
    }

    fn hear(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        payload: Vec<u8>,
    ) -> Result<(), DropReason> {
        if ppid == dcep::PPID_DCEP {
            return match dcep::read(&payload) {
                Some(Message::Open(open)) => self.opened(now, stream, &open),
                // Of a channel that we opened: there is none.
                Some(Message::Ack) => Err(DropReason::DataChannelUnknown),
                None => Err(DropReason::DataMalformed),
            };
        }
        let channel = self.channels.iter().find(|c| c.stream == stream);
        let label = channel.ok_or(DropReason::DataChannelUnknown)?.label;
        let payload = match ppid {
            dcep::PPID_STRING | dcep::PPID_BINARY => payload,
            dcep::PPID_STRING_EMPTY | dcep::PPID_BINARY_EMPTY => Vec::new(),
            _ => return Err(DropReason::DataMalformed),
        };
        if payload.len() > MAX_DATA_MESSAGE_LEN {
            return Err(DropReason::DataTooLarge);
        }
        self.events
            .push_back(DataEvent::Received { label, payload });
        Ok(())
    }

    fn opened(&mut self, now: Instant, stream: u16, open: &Open<'_>) -> Result<(), DropReason> {
        // What still waits there is the answer to a channel before: the peer has not let our half of
        // it end, and would have one answer after the other wait.
        let is_taken = self.channels.iter().any(|c| c.stream == stream);
        if is_taken || self.association.unsent(stream) > 0 {
            return Err(DropReason::DataChannelRefused);
        }
        let label = std::str::from_utf8(open.label).ok();
        let label = label.and_then(|label| DataLabel::from(label).ok());
        let Some(label) = label.filter(|_| !self.channels.is_full()) else {
            // RFC 8832 section 6: an error closes the channel.
            self.association.reset(now, stream);
            return Err(DropReason::DataChannelRefused);
        };
        self.channels
            .push(Channel::new(stream, label, open.ordered, open.reliability));
        let terms = (true, Reliability::Reliable);
        let ack = dcep::ACK.to_vec();
        self.association
            .send(now, stream, dcep::PPID_DCEP, ack, terms)?;
        self.events.push_back(DataEvent::Opened(label));
        Ok(())
    }

    /// RFC 8831 section 6.7: who sees the peer's half of a channel end ends its own.
    fn closed(&mut self, now: Instant, streams: &[u16]) {
        for at in (0..self.channels.len()).rev() {
            let stream = self.channels[at].stream;
            if streams.is_empty() || streams.contains(&stream) {
                let channel = self.channels.remove(at);
                self.queued -= channel.queued();
                self.messages -= channel.messages();
                self.association.reset(now, stream);
            }
        }
    }

    fn forget(&mut self) {
        self.channels.clear();
        self.queued = 0;
        self.messages = 0;
        self.overflowing = false;
    }
}

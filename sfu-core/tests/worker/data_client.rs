//! The data channels of a client of another make: dcSCTP by hand, DCEP byte by byte.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketTime, StreamId,
};
use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::media::codec::MediaKind;

use crate::client::MS;
use crate::meeting::{Meeting, participant};

pub(crate) const DCEP: u32 = 50;
pub(crate) const STRING: u32 = 51;
pub(crate) const BINARY: u32 = 53;

/// A message that a client got: stream, payload protocol, bytes.
pub(crate) type Got = (u16, u32, Vec<u8>);

pub(crate) struct DataClient {
    pub(crate) client: usize,
    pub(crate) sctp: Box<dyn DcSctpSocket>,
    start: Instant,
    pub(crate) messages: Vec<Got>,
    /// Streams that the engine has ended.
    pub(crate) reset: Vec<u16>,
    pub(crate) aborted: bool,
    /// Packets on their way to the engine, before they are sent.
    pub(crate) sent: Vec<Vec<u8>>,
}

impl DataClient {
    /// A participant with a data section, whose DTLS is up and whose SCTP has said nothing yet.
    pub(crate) fn join(meeting: &mut Meeting) -> Self {
        Self::join_taking(meeting, 262_144)
    }

    /// A participant with a channel `label`, who is sent the pictures of `track` too.
    pub(crate) fn watching(meeting: &mut Meeting, track: u64, label: &str) -> Self {
        let client = meeting.join();
        meeting.clients[client].section(MediaKind::Video, None, &[]);
        meeting.subscribe(client, track);
        let mut this = Self::with(meeting, client, 262_144);
        this.sctp.connect();
        this.settle(meeting);
        this.open(meeting, 1, (0, 0), label);
        this.got();
        this
    }

    /// As [`Self::join`]; takes messages of at most so many bytes.
    pub(crate) fn join_taking(meeting: &mut Meeting, max_message_size: u32) -> Self {
        let client = meeting.join();
        Self::with(meeting, client, max_message_size)
    }

    fn with(meeting: &mut Meeting, client: usize, max_message_size: u32) -> Self {
        meeting.clients[client].data_section(max_message_size);
        meeting.connect(client);
        Self {
            client,
            sctp: dcsctp::new_socket("", &Options::default()),
            start: meeting.now,
            messages: Vec::new(),
            reset: Vec::new(),
            aborted: false,
            sent: Vec::new(),
        }
    }

    /// A participant whose association is up.
    pub(crate) fn connected(meeting: &mut Meeting) -> Self {
        let mut this = Self::join(meeting);
        this.sctp.connect();
        this.settle(meeting);
        this
    }

    /// A participant with an ordered and reliable channel `label` on stream 1.
    pub(crate) fn talking(meeting: &mut Meeting, label: &str) -> Self {
        let mut this = Self::connected(meeting);
        this.open(meeting, 1, (0, 0), label);
        this
    }

    /// Another SCTP of the same client, as after a reload of nothing but it.
    pub(crate) fn restart(&mut self) {
        self.sctp = dcsctp::new_socket("", &Options::default());
        self.sctp.connect();
    }

    /// Carries packets both ways for as long as round trips take.
    pub(crate) fn settle(&mut self, meeting: &mut Meeting) {
        for _ in 0..50 {
            self.carry(meeting);
            meeting.pass(MS);
        }
    }

    /// Carries packets both ways until nobody has anything to say at this instant.
    pub(crate) fn carry(&mut self, meeting: &mut Meeting) {
        loop {
            let elapsed: Duration = meeting.now - self.start;
            self.sctp.advance_time(SocketTime::zero() + elapsed);
            meeting.drain();
            let arrived = std::mem::take(&mut meeting.clients[self.client].sctp);
            for packet in &arrived {
                self.sctp.handle_input(packet);
            }
            let sent = self.take();
            for packet in &sent {
                meeting.clients[self.client].send_sctp(packet);
                meeting.drain();
            }
            if arrived.is_empty() && sent.is_empty() {
                return;
            }
            self.sent.extend(sent);
        }
    }

    fn take(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        while let Some(event) = self.sctp.poll_event() {
            match event {
                SocketEvent::SendPacket(packet) => packets.push(packet),
                SocketEvent::OnIncomingStreamReset(streams) => {
                    self.reset.extend(streams.iter().map(|stream| stream.0));
                }
                SocketEvent::OnAborted(..) => self.aborted = true,
                _ => {}
            }
        }
        while let Some(message) = self.sctp.get_next_message() {
            let got = (message.stream_id.0, message.ppid.0, message.payload);
            self.messages.push(got);
        }
        packets
    }

    /// Sends DATA_CHANNEL_OPEN of a type with its parameter.
    pub(crate) fn open(
        &mut self,
        meeting: &mut Meeting,
        stream: u16,
        (kind, parameter): (u8, u32),
        label: &str,
    ) {
        let mut message = vec![3, kind, 0, 0];
        message.extend(parameter.to_be_bytes());
        message.extend((label.len() as u16).to_be_bytes());
        message.extend([0, 0]);
        message.extend(label.as_bytes());
        self.send(meeting, stream, DCEP, &message);
    }

    pub(crate) fn send(&mut self, meeting: &mut Meeting, stream: u16, ppid: u32, bytes: &[u8]) {
        let message = Message::new(StreamId(stream), PpId(ppid), bytes.to_vec());
        self.sctp.send(message, &SendOptions::default()).unwrap();
        self.settle(meeting);
    }

    /// What it got since it was last asked.
    pub(crate) fn got(&mut self) -> Vec<Got> {
        std::mem::take(&mut self.messages)
    }
}

/// The control plane sends a message to these clients.
pub(crate) fn tell(meeting: &mut Meeting, clients: &[usize], label: &str, payload: &[u8]) {
    let payload: Arc<[u8]> = payload.into();
    meeting.command(Command::SendData {
        recipients: clients.iter().map(|client| participant(*client)).collect(),
        label: label.try_into().unwrap(),
        payload,
    });
}

/// Labels of the channels that the engine has seen open.
pub(crate) fn opened(meeting: &Meeting) -> Vec<String> {
    let label = |event: &Event| match event {
        Event::DataChannelOpened { label, .. } => Some(label.to_string()),
        _ => None,
    };
    meeting.events.iter().filter_map(label).collect()
}

/// What the control plane heard: the client, the label, the bytes.
pub(crate) fn heard(meeting: &Meeting) -> Vec<(usize, String, Vec<u8>)> {
    let message = |event: &Event| match event {
        Event::DataReceived {
            participant,
            label,
            payload,
        } => Some((
            participant.0 as usize - 1,
            label.to_string(),
            payload.clone(),
        )),
        _ => None,
    };
    meeting.events.iter().filter_map(message).collect()
}

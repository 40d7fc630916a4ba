//! What a test asks of a meeting, and what it lets happen in it.

use std::net::SocketAddr;
use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::id::TrackId;
use sfu_core::worker::Worker;

use super::{Arrival, Meeting, SIGNALLING, base};
use crate::client::Client;
use crate::network::{Filter, Link};
use crate::publisher::Source;
use crate::server::{ClientId, Upward};

impl Meeting {
    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    pub(crate) fn client(&self, id: ClientId) -> &Client {
        &self.places[id].client
    }

    pub(crate) fn source(&self, id: ClientId, at: usize) -> &Source {
        &self.places[id].client.sources[at]
    }

    pub(crate) fn source_mut(&mut self, id: ClientId, at: usize) -> &mut Source {
        &mut self.places[id].client.sources[at]
    }

    /// A client sends a data message. False: its own stack has no room for it.
    pub(crate) fn send_data(&mut self, id: ClientId, label: &str, message: &[u8]) -> bool {
        let mut taken = false;
        self.with_client(id, |client, now, outbox| {
            taken = client.send_data(now, label, message, outbox);
        });
        taken
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now - base()
    }

    /// Datagrams that the network lost.
    pub(crate) fn lost(&self) -> u64 {
        self.network.lost()
    }

    pub(crate) fn was_told_of_failure(&self, id: ClientId) -> bool {
        self.places[id].told_of_failure
    }

    /// Loses what `filter` says of what the engine sends to a client.
    pub(crate) fn filter_down(&mut self, id: ClientId, filter: Filter) {
        self.network.set_filter(self.places[id].down, filter);
    }

    /// As [`Meeting::filter_down`], of what a client sends.
    pub(crate) fn filter_up(&mut self, id: ClientId, filter: Filter) {
        self.network.set_filter(self.places[id].up, filter);
    }

    /// Changes a client's links.
    pub(crate) fn set_links(&mut self, id: ClientId, up: Link, down: Link) {
        self.network.set(self.places[id].up, up);
        self.network.set(self.places[id].down, down);
    }

    /// Gives a client another address in the world's eyes, as a NAT does that forgot its mapping:
    /// what comes to the old one reaches nobody.
    pub(crate) fn rebind(&mut self, id: ClientId, public: SocketAddr) {
        self.places[id].public = public;
    }

    /// A datagram from somewhere else reaches the engine now.
    pub(crate) fn inject(&mut self, remote: SocketAddr, datagram: Vec<u8>) {
        self.network
            .deliver(self.now, Arrival::AtEngine { remote, datagram });
    }

    /// Says something to the engine past the server.
    pub(crate) fn command(&mut self, command: Command) {
        self.worker.handle_command(self.now, command);
        self.drain_engine();
    }

    /// A participant leaves: the app says so and closes.
    pub(crate) fn leave(&mut self, id: ClientId) {
        self.places[id].left = true;
        let at = self.now + SIGNALLING;
        self.network.deliver(at, Arrival::Up(id, Upward::Leave));
    }

    /// A client looks away from the pictures of a track, or back to them.
    pub(crate) fn look(&mut self, id: ClientId, track: u32, wanted: bool) {
        if let Some(viewer) = &mut self.places[id].client.viewer {
            viewer.told(self.now, track, !wanted);
        }
        self.command(Command::SetSubscriptionEnabled {
            participant: crate::server::participant(id),
            track: TrackId(track.into()),
            enabled: wanted,
        });
    }

    /// A client's address in the world's eyes.
    pub(crate) fn public(&self, id: ClientId) -> SocketAddr {
        self.places[id].public
    }
}

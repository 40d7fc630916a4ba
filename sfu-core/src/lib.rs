//! The media engine of a selective forwarding unit: one CPU core's state, sans-IO.
//!
//! # The life of a packet
//!
//! A datagram reaches [`worker::Worker::handle_datagram`]. [`wire::demux`] says what it is.
//!
//! *STUN* is read without looking at any state, finds its [`transport`] by the ufrag it names, and
//! is answered only if its integrity holds; then its path is known to belong to that transport.
//! *DTLS* and *media* are taken from known paths only.
//!
//! *RTP* is opened in place ([`transport::srtp`]), its stream is told apart by SSRC, rid or mid, and
//! the encoding's [`ingress`] receives it: statistics, missing numbers, codec facts. It is written
//! once into the worker's packet pool ([`media::packet`]); the encoding's cache keeps it for
//! repairs. The track's routes ([`room::tracks`]) lead to its subscriptions, and each one's
//! [`egress`] decides: this encoding or another, under which sequence number, timestamp and picture
//! id. The decision, a few words, waits in the subscriber's pacer ([`bandwidth`]).
//!
//! [`worker::Worker::poll_transmit`] then walks subscribers outside and packets inside: a new header
//! is written and the shared payload sealed behind it, straight into the
//! [`media::send_batch::SendBatch`], where one subscriber's packets lie side by side and leave as
//! runs.
//!
//! *RTCP* walks backwards as values: a subscriber's NACK becomes an RTX from the cache, its PLI a
//! request to the publisher, spaced and joined with those of others.
//!
//! *Data* comes and goes inside DTLS: SCTP packets reach the transport's association, whole
//! messages become [`event`]s, and messages of the control plane wait as shared bytes in front of
//! each receiver's association. They leave after media, by turns.
//!
//! # Deliberately absent
//!
//! No socket, task, channel, lock, clock or source of randomness: time and a seed come in as
//! arguments, so that a whole meeting runs in virtual time and twice the same way. No error type on
//! the packet path: what is not forwarded has a counted [`drop_reason::DropReason`]. No knowledge
//! of any signalling protocol: [`command`]s come in, [`event`]s go out.
#![forbid(unsafe_code)]

pub mod bandwidth;
pub mod command;
pub mod config;
pub mod drop_reason;
pub mod egress;
pub mod event;
pub mod id;
pub mod ingress;
pub mod media;
pub mod room;
pub mod sdp;
pub mod transport;
pub mod unit;
pub mod wire;
pub mod worker;

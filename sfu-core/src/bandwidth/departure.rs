//! What the pacer, the estimator and the allocator of one transport say to each other.

use std::time::Duration;

use crate::unit::Bitrate;

/// What a packet is to its subscriber: what leaves first when not all can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Sound: never waits for the pacer, and counts.
    Audio,
    /// What was lost and is asked for.
    Repair,
    /// Pictures.
    Video,
    /// Nothing but bytes, to try what the link carries.
    Padding,
}

/// A packet that has left, for the estimator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentPacket {
    /// Its transport-wide number, as counted before the wire takes the low 16 bits.
    pub sequence: u64,
    /// Its size in bytes on the wire: UDP payload, UDP and IP header.
    pub size: u16,
    /// What it is.
    pub class: Class,
    /// The probe that it is part of.
    pub probe: Option<ProbeId>,
}

/// What a receiver says of one packet, in whichever way it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldPacket {
    /// The low 16 bits of its transport-wide number.
    pub number: u16,
    /// When it arrived, in microseconds on a clock of the receiver's; `None`: it has not.
    pub arrival: Option<i64>,
}

/// Names a probe of one transport: the next one has the next number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub u32);

/// Some packets to be sent at a higher rate than all others, to see whether they come through: real
/// ones where there are any, then repairs of what was sent, then padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its name.
    pub id: ProbeId,
    /// How fast.
    pub rate: Bitrate,
    /// How many bytes at least.
    pub bytes: u32,
    /// How many packets at least.
    pub packets: u8,
}

/// What the allocator would do with more: what the estimator probes for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// What is to be sent at present.
    pub allotted: Bitrate,
    /// What it would take to send the next layer too; `None`: nothing more is wanted.
    pub next: Option<Bitrate>,
    /// What everything wanted takes.
    pub most: Bitrate,
}

/// How the adaptation towards one subscriber stands: what logs and plots are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adaptation {
    /// What its link is thought to carry; zero: not known yet.
    pub estimate: Bitrate,
    /// What its layers are to cost together.
    pub allotted: Bitrate,
    /// Bytes that have left for it since it joined, with UDP and IP headers.
    pub sent: u64,
    /// The part of them that is repairs.
    pub repairs: u64,
    /// The part of them that is padding.
    pub padding: u64,
    /// The longest that a packet waited in the pacer since this was last asked.
    pub longest_wait: Duration,
}

//! What the parts of an estimator say, for logs, plots and explanations.

use std::time::Duration;

use crate::unit::Bitrate;

/// What the delay of packets says of the link (draft-ietf-rmcat-gcc-02 section 5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// A queue grows.
    Over,
    /// The queue is as it was.
    #[default]
    Normal,
    /// A queue runs empty.
    Under,
}

/// What holds the estimate where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// Nothing is known yet but the first guess.
    #[default]
    Start,
    /// Packets came late: a queue grew at this rate.
    Delay,
    /// Packets were lost, more of them at higher rates.
    Loss,
    /// The receiver said so (REMB).
    Remb,
    /// Nothing was heard from the receiver for too long.
    Silence,
    /// The link carried all that there was to send; more has not been tried or is not wanted.
    Application,
}

/// What each part of an estimator says at present.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EstimatorReport {
    /// The estimate: the least of what the parts allow.
    pub estimate: Bitrate,
    /// How fast packets may leave.
    pub pacing_rate: Bitrate,
    /// What holds the estimate.
    pub limit: Limit,
    /// What came through lately; `None` until enough did.
    pub acknowledged: Option<Bitrate>,
    /// What the delay allows.
    pub delay: Bitrate,
    /// What the losses allow; `None`: anything.
    pub loss: Option<Bitrate>,
    /// What the receiver allows; `None`: it has not said, or too long ago.
    pub remb: Option<Bitrate>,
    /// What the link carried when a queue grew last; `None`: none has, or the link has changed since.
    pub link_capacity: Option<Bitrate>,
    /// What the delay says.
    pub usage: Usage,
    /// How fast the delay grows, in the unit of `threshold`.
    pub trend: f32,
    /// What `trend` is held against.
    pub threshold: f32,
    /// How long packets wait on the way beyond the least that they have lately.
    pub queueing_delay: Duration,
    /// From a packet's departure to the feedback that tells of it.
    pub rtt: Option<Duration>,
    /// Of a thousand packets, those lost lately.
    pub lost_per_mille: u16,
    /// Of a thousand packets, those that the link loses whatever is sent.
    pub inherent_loss_per_mille: u16,
    /// Bytes sent of which nothing was heard yet.
    pub in_flight: u64,
    /// Less is sent than the estimate allows.
    pub is_application_limited: bool,
    /// Probes asked for.
    pub probes: u32,
    /// Probes that raised the estimate.
    pub probes_fruitful: u32,
    /// Packets that feedback told of and that were never sent, are long forgotten or were told of
    /// before.
    pub told_in_vain: u64,
    /// Feedbacks heard.
    pub feedbacks: u64,
}

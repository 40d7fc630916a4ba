//! What records are of, and the values inside that only allotments have.

use super::kept::kept;
use crate::bandwidth::allocator::{Budget, Limit, Priority, Rung};
use crate::bandwidth::estimator::{EstimatorReport, Limit as Held, Usage};

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sent,
    TransportFeedback,
    Remb,
    ReceiverReport,
    Demand,
    Timeout,
    Probe,
    /// What the estimator says from now on.
    Outputs,
    Allocation,
}

/// What a request says was allotted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Former {
    None,
    /// What the last record of the track came to.
    Last,
    /// What follows.
    Told,
}

kept!(
    enum Kind {
        Sent,
        TransportFeedback,
        Remb,
        ReceiverReport,
        Demand,
        Timeout,
        Probe,
        Outputs,
        Allocation,
    }
);
kept!(
    enum Former {
        None,
        Last,
        Told,
    }
);
kept!(
    enum Limit {
        Nothing,
        Bandwidth,
        Trial,
    }
);
kept!(
    enum Priority {
        Ordinary,
        Speaker,
        Screen,
        Pinned,
    }
);
kept!(
    enum Held {
        Start,
        Delay,
        Loss,
        Remb,
        Silence,
        Application,
    }
);
kept!(
    enum Usage {
        Over,
        Normal,
        Under,
    }
);
kept!(Budget { estimate, reserved });
kept!(Rung {
    layers,
    bitrate,
    value
});
kept!(EstimatorReport {
    estimate,
    pacing_rate,
    limit,
    acknowledged,
    delay,
    loss,
    remb,
    link_capacity,
    usage,
    trend,
    threshold,
    queueing_delay,
    rtt,
    lost_per_mille,
    inherent_loss_per_mille,
    in_flight,
    is_application_limited,
    probes,
    probes_fruitful,
    told_in_vain,
    feedbacks,
});

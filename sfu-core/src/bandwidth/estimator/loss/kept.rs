//! All that loss control remembers, for recordings.

use super::observation::Observation;
use super::{LossControl, State};
use crate::bandwidth::recording::kept::kept;

kept!(Observation {
    first_sent,
    last_sent,
    bytes,
    packets,
    lost,
    queue
});
kept!(LossControl {
    open,
    closed,
    counts_from,
    sustained,
    lost_lately,
    inherent,
    limit,
    state
});
kept!(State:
    0 => Clear {},
    1 => Trial { since, rate, loss, seen },
    2 => Limited { rate },
);

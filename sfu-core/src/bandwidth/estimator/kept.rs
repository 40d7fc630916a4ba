//! All that an estimator remembers, for recordings: its parts say the same of themselves.

use super::Estimator;
use crate::bandwidth::recording::kept::kept;

kept!(Estimator {
    epoch,
    history,
    expected,
    has_pictures,
    sent_rate,
    silence,
    clock,
    acknowledged,
    delay,
    control,
    loss,
    reported,
    results,
    probes,
    demand,
    remb,
    rtt,
    least_rtt,
    settles,
    estimate,
    budget,
    share,
    facts,
    proven,
    limit,
    told_in_vain,
    feedbacks
});

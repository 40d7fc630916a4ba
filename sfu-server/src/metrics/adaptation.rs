//! What subscribers' networks carry and what limits their subscriptions, over all workers.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use sfu_core::media::explanation::Limit;
use sfu_core::worker::{Census, ESTIMATE_BOUNDS};

use super::write::gauges;
use crate::media::published::Published;

/// Some seconds old: participants are counted one after the other.
pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, workers: &[Published]) -> fmt::Result {
    let mut all = Census::default();
    for worker in workers {
        all.add(&worker.census);
    }
    let samples = Limit::ALL.into_iter().zip(all.limits);
    let samples = samples.map(|(limit, count)| ([("limit", limit.name())], count as usize));
    let help =
        "Subscriptions now by what keeps them from the best that their publishers could offer";
    gauges(encoder, "subscriptions_by_limit", help, samples)?;
    // Each holds those before it, as a histogram has them.
    let mut upto = 0;
    let counts = all.estimates.map(|count| {
        upto += count as usize;
        upto
    });
    let bounds = ESTIMATE_BOUNDS
        .into_iter()
        .map(|bound| bound.bps().to_string());
    let bounds = bounds.chain(["+Inf".to_owned()]);
    let samples = bounds
        .zip(counts)
        .map(|(bound, count)| ([("le", bound)], count));
    let help = "Subscribers now whose network is thought to carry at most so many bits a second";
    gauges(encoder, "subscribers_by_estimate", help, samples)?;
    let sum = usize::try_from(all.estimated.bps()).unwrap_or(usize::MAX);
    let help = "What all subscribers' networks are thought to carry together, in bits a second";
    super::write::gauge(encoder, "subscriber_estimates_bps", help, sum)
}

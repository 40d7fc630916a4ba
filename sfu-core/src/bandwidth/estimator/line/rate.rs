//! The line's rate, by what all its members say.

use super::super::MIN_ESTIMATE;
use super::super::facts::Facts;
use super::super::report::Usage;
use super::member::lately;
use super::{Heard, Line};

impl Line {
    /// What comes through of all but one while the line is full. Of what others claim to get in such a
    /// moment no more counts than they may send.
    fn carried_of_others(&self, now: u64, but: u64, fair: f64) -> f64 {
        let others = self.coupled_members().filter(|one| one.id != but);
        let fresh = others.filter(|one| one.is_fresh(now));
        let carried = fresh.map(|one| {
            let Some((_, facts)) = one.heard else {
                return 0.0;
            };
            match facts.busy {
                Some(busy) => busy.min(facts.sent.max(fair)),
                None => lately(&facts),
            }
        });
        carried.sum()
    }

    /// Lets the line's rate follow a member's feedback.
    pub(super) fn obey(&mut self, now: u64, at: usize, heard: &Heard) {
        let id = self.members[at].id;
        let fresh = || {
            let fresh = self.coupled_members().filter(|one| one.is_fresh(now));
            fresh.filter_map(|one| Some((one.id, one.heard?.1)))
        };
        let (Some((_, own)), Some(share)) = (self.members[at].heard, self.share(id)) else {
            return;
        };
        if own.usage != Usage::Over && fresh().any(|(_, facts)| facts.usage == Usage::Over) {
            return;
        }
        let sum = |of: fn(&Facts) -> f64| fresh().map(|(_, facts)| of(&facts)).sum::<f64>();
        let facts = Facts {
            now,
            acknowledged: sum(|facts| facts.acknowledged),
            acknowledged_now: sum(|facts| facts.acknowledged_now),
            sent: sum(|facts| facts.sent),
            busy: own
                .busy
                .map(|busy| busy.min(share.most) + self.carried_of_others(now, id, share.fair)),
            queueing: fresh()
                .map(|(_, facts)| facts.queueing)
                .max()
                .unwrap_or(own.queueing),
            // What is on its way beyond what the way itself holds, for ways of different lengths.
            in_flight: sum(|facts| {
                let way = facts.acknowledged * facts.least_rtt as f64 / 1e6;
                (facts.in_flight - way).max(0.0)
            }),
            rtt: fresh().map(|(_, facts)| facts.rtt).max().unwrap_or(own.rtt),
            least_rtt: 0,
            ..own
        };
        let least = MIN_ESTIMATE.bps() as f64 * self.coupled_members().count() as f64;
        self.control.update(&facts);
        if let Some(proven) = heard.proven
            && let Some(times) = self.probes.times(id, proven.id)
        {
            let before = self.control.rate();
            self.control.prove(proven.rate * times, proven.is_full);
            self.members[at].has_raised = self.control.rate() > before;
        }
        self.control.keep_within(least, f64::INFINITY);
    }
}

//! How a publisher's formats reach a subscriber.
//!
//! Nothing is transcoded, so a publisher's format must be one that the subscriber decodes. Where
//! several are, the subscriber gets the same one, else the nearest.

use arrayvec::ArrayVec;

use super::codec::Codec;
use super::format::{FormatParameters, MAX_PAYLOADS, PayloadMapping};
use crate::id::PayloadType;

/// What becomes of a RED packet on its way to one subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedTreatment {
    /// It goes as it is: both know Opus by the same payload type. So does what is no RED.
    Kept,
    /// Its blocks get the payload type that the subscriber knows Opus by.
    Renamed(PayloadType),
    /// Only its own sound goes, as plain Opus.
    Stripped,
}

/// How one of a publisher's formats reaches a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The publisher's payload type.
    pub source: PayloadType,
    /// The codec that the subscriber gets.
    pub codec: Codec,
    /// The subscriber's payload type.
    pub payload_type: PayloadType,
    /// The subscriber's payload type of repairs, where agreed on.
    pub rtx: Option<PayloadType>,
    /// What becomes of RED.
    pub red: RedTreatment,
}

/// How a publisher's formats reach a subscriber, those that do.
pub type Deliveries = ArrayVec<Delivery, MAX_PAYLOADS>;

/// How the formats that a publisher may send reach a subscriber who offered `taken`. Those that it
/// cannot decode are left out.
#[must_use]
pub fn deliveries(sent: &[PayloadMapping], taken: &[PayloadMapping]) -> Deliveries {
    sent.iter().filter_map(|one| delivery(one, taken)).collect()
}

fn delivery(sent: &PayloadMapping, taken: &[PayloadMapping]) -> Option<Delivery> {
    let best = |sent: &PayloadMapping| {
        let fits = taken.iter().filter_map(|one| Some((one.fit(sent)?, one)));
        // The first of the best: the subscriber's own preference.
        fits.min_by_key(|(fit, _)| *fit).map(|(_, one)| one)
    };
    let to = |taken: &PayloadMapping, red| Delivery {
        source: sent.payload_type,
        codec: taken.codec,
        payload_type: taken.payload_type,
        rtx: taken.rtx,
        red,
    };
    let FormatParameters::Red { blocks } = sent.parameters else {
        return best(sent).map(|taken| to(taken, RedTreatment::Kept));
    };
    let Some(red) = best(sent) else {
        let opus = taken.iter().find(|one| one.codec == Codec::Opus)?;
        return Some(to(opus, RedTreatment::Stripped));
    };
    let treatment = match red.parameters {
        FormatParameters::Red { blocks: known } if known != blocks => RedTreatment::Renamed(known),
        _ => RedTreatment::Kept,
    };
    Some(to(red, treatment))
}

#[cfg(test)]
mod tests;

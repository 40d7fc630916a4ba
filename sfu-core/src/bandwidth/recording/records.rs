//! What records are of, and the values inside that only allotments have.

use std::collections::BTreeMap;

use super::kept::{In, Kept, Out, kept};
use crate::bandwidth::allocator::{
    Allotment, Budget, Ladder, Limit, MAX_RUNGS, Priority, Request, Rung,
};
use crate::bandwidth::departure::{Class, Demand, Probe, ProbeId, ToldPacket};
use crate::bandwidth::estimator::{EstimatorReport, Limit as Held, Usage};
use crate::id::TrackId;
use crate::media::layer::{Layer, Layers};
use crate::unit::Bitrate;
use crate::wire::rtcp::TransportFeedback;

kept!(
    /// What a record is of.
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
        ToldPackets,
        PathChanged,
        /// What its line gives it.
        Share,
    }
);
kept!(
    /// What a request says was allotted before.
    pub(super) enum Former {
        None,
        /// What the last record of the track came to.
        Last,
        /// What follows.
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
kept!(Budget {
    estimate,
    reserved,
    granted
});
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

impl Kept for Bitrate {
    fn keep(&self, out: &mut Out) {
        out.number(self.bps());
    }
    fn restore(from: &mut In<'_>) -> Option<Self> {
        from.number().map(Self::from_bps)
    }
}

kept!(
    enum Class {
        Audio,
        Repair,
        Video,
        Padding,
    }
);
kept!(ToldPacket { number, arrival });
kept!(ProbeId(0));
kept!(TrackId(0));
kept!(Probe {
    id,
    rate,
    bytes,
    packets
});
kept!(Demand {
    allotted,
    next,
    most
});
kept!(Layer { spatial, temporal });
kept!(Layers { encoding, top });

impl Out {
    /// A feedback, as [`TransportFeedback::parse`] reads it.
    pub(super) fn feedback(&mut self, feedback: &TransportFeedback<'_>) {
        let header = &feedback.header;
        let [chunks, deltas] = feedback.list();
        self.number((16 + chunks.len() + deltas.len()) as u64);
        let streams = [header.sender.0, header.media.0].map(u32::to_be_bytes);
        self.bytes.extend_from_slice(streams.as_flattened());
        let list = [header.base_sequence, feedback.status_count].map(u16::to_be_bytes);
        self.bytes.extend_from_slice(list.as_flattened());
        let times = header.reference_time << 8 | u32::from(header.feedback_count);
        self.bytes.extend_from_slice(&times.to_be_bytes());
        self.bytes.extend_from_slice(chunks);
        self.bytes.extend_from_slice(deltas);
    }
}

/// What is asked for of one track, with what the last records of `tracks` say of it.
pub(super) fn request(
    from: &mut In<'_>,
    tracks: &BTreeMap<TrackId, (Ladder, Allotment)>,
) -> Option<Request> {
    let track = TrackId::restore(from)?;
    let (has_ladder, former) = <(bool, Former)>::restore(from)?;
    let priority = Priority::restore(from)?;
    let rank = from.number()?.try_into().ok()?;
    let last = tracks.get(&track);
    let ladder = match has_ladder {
        true => {
            let count = usize::try_from(from.number()?).ok()?;
            if count > MAX_RUNGS {
                return None;
            }
            let rungs = (0..count).map(|_| Rung::restore(from));
            Ladder::new(rungs.collect::<Option<Vec<_>>>()?)
        }
        false => last?.0.clone(),
    };
    let former = match former {
        Former::None => None,
        Former::Last => Some(last?.1),
        Former::Told => Option::restore(from)?,
    };
    Some(Request {
        track,
        priority,
        rank,
        ladder,
        former,
    })
}

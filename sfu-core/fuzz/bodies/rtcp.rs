//! Any bytes as a compound RTCP packet.

use sfu_core::id::Ssrc;
use sfu_core::wire::rtcp::congestion_feedback::PacketArrival;
use sfu_core::wire::rtcp::{self, CongestionFeedback, RtcpItem};

/// Most bytes that an item of a readable compound takes to write. Only a feedback can grow: at the
/// worst, each of its vectors of one-bit symbols becomes two of two-bit ones.
const ROOM: usize = 2 * rtcp::MAX_COMPOUND_LEN;

/// Reads `data`, and checks that every list in it is bounded and survives being written.
pub(crate) fn check(data: &[u8]) {
    let mut items = 0;
    let (mut statuses, mut reports) = (0, 0);
    let outcome = rtcp::read(data, |item| {
        items += 1;
        if let RtcpItem::TransportFeedback(feedback) = &item {
            statuses += usize::from(feedback.status_count);
        }
        if let RtcpItem::CongestionFeedback(feedback) = &item {
            reports += congestion(feedback)
                .iter()
                .map(|(.., list)| list.len())
                .sum::<usize>();
        }
        rewrite(&item);
    });
    // A BYE names a stream in 4 bytes: no item takes less.
    assert!(items <= data.len() / 4);
    assert!(statuses <= usize::from(rtcp::transport_feedback::MAX_STATUSES));
    assert!(reports <= usize::from(rtcp::congestion_feedback::MAX_REPORTS));
    if data.is_empty() || data.len() > rtcp::MAX_COMPOUND_LEN {
        assert!(outcome.is_err());
    }
}

/// An item written is the same item read again.
fn rewrite(item: &RtcpItem<'_>) {
    let mut out = [0; ROOM];
    let written = match item {
        RtcpItem::SenderReport { sender, reports } => {
            let blocks: Vec<_> = reports.clone().collect();
            rtcp::sender_report(&mut out, *sender, &blocks, None)
        }
        RtcpItem::ReceiverReport { ssrc, reports } => {
            let blocks: Vec<_> = reports.clone().collect();
            rtcp::receiver_report(&mut out, *ssrc, &blocks)
        }
        RtcpItem::Nack {
            sender,
            media,
            sequences,
        } => {
            let sequences: Vec<_> = sequences.clone().collect();
            assert!(sequences.len() <= 17 * rtcp::MAX_COMPOUND_LEN / 4);
            let len = rtcp::nack(&mut out, *sender, *media, &sequences);
            same_numbers(&out[..len.expect("a NACK has room")], &sequences);
            return;
        }
        RtcpItem::KeyframeRequest {
            sender,
            media,
            fir_sequence,
        } => match fir_sequence {
            Some(sequence) => rtcp::fir(&mut out, *sender, *media, *sequence),
            None => rtcp::pli(&mut out, *sender, *media),
        },
        RtcpItem::TransportFeedback(feedback) => {
            let arrivals: Vec<_> = feedback.arrivals().collect();
            assert_eq!(arrivals.len(), usize::from(feedback.status_count));
            let deltas: Vec<_> = arrivals.iter().map(|arrival| arrival.delta).collect();
            let len = rtcp::transport_feedback(&mut out, feedback.header, &deltas);
            let written = &out[..len.expect("a feedback has room")];
            if written.len() > rtcp::MAX_COMPOUND_LEN {
                return;
            }
            // Other chunks may say the same: the arrivals are compared, not the bytes.
            let again = read_one(written, |again| match again {
                RtcpItem::TransportFeedback(again) => {
                    (again.header, again.arrivals().collect::<Vec<_>>())
                }
                other => panic!("{other:?}"),
            });
            assert_eq!(again, (feedback.header, arrivals));
            return;
        }
        RtcpItem::CongestionFeedback(feedback) => return rewrite_congestion(&mut out, feedback),
        RtcpItem::Remb { ssrcs, .. } => {
            assert!(ssrcs.clone().count() <= 255);
            return;
        }
        RtcpItem::Bye { ssrc } => rtcp::bye(&mut out, &[*ssrc]),
    };
    let written = &out[..written.expect("an item has room")];
    read_one(written, |again| assert_eq!(again, *item));
}

/// Each stream of a feedback with its first number, and what became of its packets.
type Streams = Vec<(Ssrc, u16, Vec<Option<PacketArrival>>)>;

fn congestion(feedback: &CongestionFeedback<'_>) -> Streams {
    let streams = feedback.streams().map(|stream| {
        let arrivals = stream.packets().map(|packet| packet.arrival);
        (stream.ssrc, stream.first, arrivals.collect())
    });
    streams.collect()
}

/// A feedback written says the same. Zeros and reserved bits are not kept.
fn rewrite_congestion(out: &mut [u8], feedback: &CongestionFeedback<'_>) {
    let told = (feedback.sender, feedback.timestamp);
    let streams = congestion(feedback);
    let lists = streams
        .iter()
        .map(|(ssrc, first, list)| (*ssrc, *first, &list[..]));
    let len = rtcp::congestion_feedback(out, told, lists);
    let again = read_one(
        &out[..len.expect("a feedback has room")],
        |again| match again {
            RtcpItem::CongestionFeedback(again) => {
                ((again.sender, again.timestamp), congestion(&again))
            }
            other => panic!("{other:?}"),
        },
    );
    assert_eq!(again, (told, streams));
}

/// The numbers of the NACK in `packet` are `want`; one named twice in a row may be named once.
fn same_numbers(packet: &[u8], want: &[u16]) {
    let mut again = read_one(packet, |item| match item {
        RtcpItem::Nack { sequences, .. } => sequences.collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    });
    let mut want = want.to_vec();
    for list in [&mut again, &mut want] {
        list.sort_unstable();
        list.dedup();
    }
    assert_eq!(again, want);
}

/// What `f` makes of the single item in `packet`.
fn read_one<T>(packet: &[u8], mut f: impl FnMut(RtcpItem<'_>) -> T) -> T {
    let mut made = Vec::new();
    rtcp::read(packet, |item| made.push(f(item))).expect("what was written reads back");
    assert_eq!(made.len(), 1);
    made.remove(0)
}

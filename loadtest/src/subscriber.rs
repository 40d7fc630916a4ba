//! A participant that receives all of its room.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use crate::participant::{Draft, Failure, JOIN_PATIENCE, Setting, receive};
use crate::phase::Phase;
use crate::record::Record;

/// Joins, receives until the run is over, and leaves.
pub(crate) async fn attend(
    setting: &Setting,
    record: &Arc<Record>,
    settled: oneshot::Sender<()>,
    mut phase: watch::Receiver<Phase>,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let deadline = tokio::time::sleep(JOIN_PATIENCE);
    tokio::pin!(deadline);
    let mut settled = Some(settled);
    let join = async {
        let draft = Draft::open(setting, record).await?;
        // One of each, as clients begin; for more the server asks.
        receive(draft.peer(), 1, 1).await?;
        draft.join(setting, record, Vec::new()).await
    };
    let mut participant = tokio::select! {
        joined = join => joined?,
        () = &mut deadline => return Err(Failure::Late("the server did not let in")),
    };
    loop {
        tokio::select! {
            happened = participant.next() => {
                participant.obey(happened?).await?;
            }
            () = record.intake.first_media(), if settled.is_some() => {
                record.joined(begun.elapsed());
                settled.take().map(|settled| settled.send(()));
            }
            () = &mut deadline, if settled.is_some() => {
                return Err(Failure::Late(if participant.is_connected() {
                    "no media came"
                } else {
                    "the media did not connect"
                }));
            }
            () = Phase::Leave.begins(&mut phase) => {
                participant.leave().await;
                return Ok(());
            }
        }
    }
}

//! How far the run has come, as participants see it.

use tokio::sync::watch;

/// What participants do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Join, and send or receive.
    Call,
    /// Publishers stop; what is under way arrives.
    Quiet,
    /// All leave.
    Leave,
}

impl Phase {
    /// Waits until this phase or a later one; may be given up and called again.
    pub(crate) async fn begins(self, phase: &mut watch::Receiver<Self>) {
        // An error says that the run is gone: every phase has passed.
        let _ = phase.wait_for(|phase| *phase >= self).await;
    }
}

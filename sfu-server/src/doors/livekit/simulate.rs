//! Faults on request, in development mode: so that an application can see what its pages do.

use livekit_protocol::SimulateScenario;
use livekit_protocol::simulate_scenario::Scenario;

use super::requests::Outcome;
use crate::rooms::{LeaveReason, SessionHandle};

/// Does to the session what the client asks for; what is not built is ignored.
pub(super) fn perform(session: &SessionHandle, asked: &SimulateScenario) -> Outcome {
    tracing::info!(
        room = session.room(),
        identity = session.identity(),
        scenario = ?asked.scenario,
        "simulation"
    );
    match asked.scenario {
        // The session is gone without a word: the client finds out when it tries to resume it.
        Some(Scenario::NodeFailure(true) | Scenario::Migration(true)) => {
            session.end(LeaveReason::StateMismatch);
            Outcome::Left
        }
        Some(Scenario::LeaveRequestFullReconnect(true)) => {
            session.end(LeaveReason::StateMismatch);
            Outcome::Nothing
        }
        Some(Scenario::ServerLeave(true)) => {
            session.end(LeaveReason::ServerShutdown);
            Outcome::Nothing
        }
        _ => Outcome::Nothing,
    }
}

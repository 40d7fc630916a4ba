//! Asking for a fault, to show that it is contained. Only the demo door does, and only under fault
//! injection.

use sfu_core::command::Command;

use super::{Rooms, ids, no_room};
use crate::error::ApiError;

impl Rooms {
    /// Makes the engine's work for that room panic. The room ends; its participants are told.
    ///
    /// # Errors
    /// `NotFound` if there is no such room.
    pub fn inject_panic(&self, name: &str) -> Result<(), ApiError> {
        let room = self.0.registry.named(name).ok_or_else(no_room)?;
        room.with(|state| {
            state.engine.send(Command::InjectPanic {
                room: ids::room_id(state.number),
            });
        });
        Ok(())
    }
}

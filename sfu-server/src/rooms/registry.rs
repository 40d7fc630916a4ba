//! Which rooms there are. Its lock is never held together with a room's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::MAX_ROOMS;
use super::room::Room;
use crate::error::{ApiError, ErrorKind};

#[derive(Default)]
pub(super) struct Registry(Mutex<Table>);

#[derive(Default)]
struct Table {
    by_name: HashMap<Arc<str>, Arc<Room>>,
    by_number: HashMap<u32, Arc<Room>>,
    last_number: u32,
    closed: bool,
}

impl Registry {
    fn table(&self) -> MutexGuard<'_, Table> {
        // No code under this lock panics half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn named(&self, name: &str) -> Option<Arc<Room>> {
        self.table().by_name.get(name).cloned()
    }

    pub(super) fn numbered(&self, number: u32) -> Option<Arc<Room>> {
        self.table().by_number.get(&number).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Room>> {
        self.table().by_name.values().cloned().collect()
    }

    /// The room of that name, or what `make` makes of a new number.
    pub(super) fn named_or(
        &self,
        name: &str,
        make: impl FnOnce(u32) -> Room,
    ) -> Result<Arc<Room>, ApiError> {
        let mut table = self.table();
        if table.closed {
            return Err(ApiError::new(
                ErrorKind::Unavailable,
                "the server is shutting down",
            ));
        }
        if let Some(room) = table.by_name.get(name) {
            return Ok(Arc::clone(room));
        }
        if table.by_name.len() >= MAX_ROOMS {
            return Err(ApiError::new(
                ErrorKind::ResourceExhausted,
                format!("the server holds {MAX_ROOMS} rooms and no more"),
            ));
        }
        let mut number = table.last_number.wrapping_add(1);
        while table.by_number.contains_key(&number) {
            number = number.wrapping_add(1);
        }
        table.last_number = number;
        let room = Arc::new(make(number));
        table.by_name.insert(Arc::from(name), Arc::clone(&room));
        table.by_number.insert(number, Arc::clone(&room));
        Ok(room)
    }

    /// Forgets this life of a room; true if it was known.
    pub(super) fn forget(&self, room: &Room) -> bool {
        let mut table = self.table();
        if table.by_number.remove(&room.number).is_none() {
            return false;
        }
        table.by_name.remove(room.name.as_str());
        true
    }

    /// Lets no further room in, and gives back those there are.
    pub(super) fn close(&self) -> Vec<Arc<Room>> {
        let mut table = self.table();
        table.closed = true;
        table.by_name.values().cloned().collect()
    }
}

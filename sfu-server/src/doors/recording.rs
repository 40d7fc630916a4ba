//! Workers that only remember what they are told, so that real rooms can be tested without media.

use std::sync::{Arc, Mutex};

use sfu_core::command::Command;

use crate::auth::{ApiKeys, NewToken, VideoGrants};
use crate::rooms::{JoinParams, Joined, MediaWorkers, Permissions, Rooms, Settings};

#[derive(Debug, Default)]
pub(crate) struct Recording(Mutex<Vec<Command>>);

impl Recording {
    /// What the workers were told so far.
    pub(crate) fn commands(&self) -> Vec<Command> {
        self.0.lock().unwrap().clone()
    }
}

impl MediaWorkers for Recording {
    fn workers(&self) -> usize {
        1
    }

    fn send(&self, _worker: usize, command: Command) {
        self.0.lock().unwrap().push(command);
    }
}

pub(crate) fn rooms() -> (Rooms, Arc<Recording>) {
    let workers = Arc::new(Recording::default());
    (
        Rooms::new(Settings::default(), Arc::clone(&workers) as _),
        workers,
    )
}

pub(crate) const KEY: &str = "key";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn keys() -> ApiKeys {
    ApiKeys::new([(KEY.to_owned(), SECRET.to_owned())], false).unwrap()
}

pub(crate) fn token(video: VideoGrants) -> String {
    keys()
        .mint(NewToken {
            video,
            ..NewToken::default()
        })
        .unwrap()
        .token
}

pub(crate) fn params(room: &str, identity: &str) -> JoinParams {
    JoinParams {
        room: room.to_owned(),
        identity: identity.to_owned(),
        name: identity.to_uppercase(),
        metadata: format!("about {identity}"),
        attributes: [("colour".to_owned(), "blue".to_owned())].into(),
        permissions: Permissions::default(),
        auto_subscribe: true,
        may_create: true,
        address: [127, 0, 0, 1].into(),
        client: "test".to_owned(),
    }
}

pub(crate) fn join(rooms: &Rooms, room: &str, identity: &str) -> Joined {
    rooms.join(&params(room, identity)).unwrap()
}

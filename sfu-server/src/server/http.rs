//! What each HTTP port answers.

use std::sync::Arc;

use axum::Router;

use crate::config::Config;
use crate::doors::livekit::Door;
use crate::doors::{demo, health};
use crate::metrics::{self, Metrics};
use crate::rooms::Rooms;
use crate::shutdown::Latch;

/// The port for pages and signalling.
pub(super) fn router(config: &Config, rooms: &Rooms, door: &Door, draining: &Latch) -> Router {
    let pages = match config.development {
        Some(development) => demo::router(development, config.keys.clone(), rooms.clone()),
        None => demo::closed_router(),
    };
    health::router(draining.clone())
        .merge(door.router())
        .merge(pages)
}

/// The port for metrics.
pub(super) fn metrics_router(draining: &Latch, exported: Arc<Metrics>) -> Router {
    health::router(draining.clone()).merge(metrics::router(exported))
}

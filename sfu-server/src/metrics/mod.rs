//! What operators watch: counters and gauges in Prometheus' words, on the metrics port.
//!
//! Everything is counted where it happens and read when somebody asks; nothing is counted here. No
//! label grows with rooms, tracks or people: labels are directions, kinds, reasons, results, the
//! methods of a contract, and the number of a worker.

mod adaptation;
mod application;
mod data;
mod doors;
mod process;
mod workers;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::doors::grpc::Calls;
use crate::doors::livekit::Door;
use crate::media::published::Published;
use crate::rooms::Rooms;
use application::Application;
use data::DataMessages;
use doors::{ControlDoor, SignallingDoor};
use process::Process;
use workers::WorkerCounters;

/// OpenMetrics 1.0, which Prometheus reads as its own.
const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is exported.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    process: Registry,
}

impl Metrics {
    /// Metrics of these rooms, of the doors to them and of the workers; `workers` gives
    /// each worker's counters, in their order.
    pub fn new(
        rooms: Rooms,
        door: Door,
        calls: Calls,
        workers: impl Fn() -> Vec<Published> + Send + Sync + 'static,
    ) -> Self {
        let mut registry = Registry::with_prefix("sfu");
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "What runs here", Info::new(version));
        let workers: workers::Read = Arc::new(workers);
        let data = DataMessages::new(rooms.clone(), Arc::clone(&workers));
        registry.register_collector(Box::new(data));
        registry.register_collector(Box::new(Application::new(rooms)));
        registry.register_collector(Box::new(SignallingDoor::new(door)));
        registry.register_collector(Box::new(ControlDoor::new(calls)));
        registry.register_collector(Box::new(WorkerCounters::new(workers)));
        let mut process = Registry::default();
        process.register_collector(Box::new(Process::new()));
        Self { registry, process }
    }

    /// The whole of it as OpenMetrics text.
    ///
    /// # Errors
    /// A value could not be written.
    pub fn exposition(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &self.process)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// `GET /metrics`.
pub fn router(metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/metrics", get(export))
        .with_state(metrics)
}

async fn export(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.exposition() {
        Ok(text) => ([(CONTENT_TYPE, CONTENT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

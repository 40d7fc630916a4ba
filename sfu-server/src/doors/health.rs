//! `/healthz` and `/readyz`: whether the process lives, and whether it takes new calls.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::watch;

/// Whether the server takes new calls. Clones are the same; it only ever turns from yes to no.
#[derive(Clone, Debug)]
pub struct Readiness(watch::Sender<bool>);

impl Default for Readiness {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Readiness {
    /// From now on no new calls: the server shuts down.
    pub fn drain(&self) {
        self.0.send_replace(false);
    }

    /// Whether new calls are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves once [`Readiness::drain`] was called.
    pub async fn drained(&self) {
        let mut watcher = self.0.subscribe();
        // The sender lives in `self`, so the wait ends by the value alone.
        let _ = watcher.wait_for(|ready| !ready).await;
    }
}

/// `GET /healthz`: 200 while the process answers at all. `GET /readyz`: 200, or 503 while it shuts
/// down.
pub fn router(readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(readiness)
}

async fn readyz(State(readiness): State<Readiness>) -> (StatusCode, &'static str) {
    if readiness.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn get_status(router: &Router, path: &str) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_draining_server_lives_but_is_not_ready() {
        let readiness = Readiness::default();
        let router = router(readiness.clone());
        assert_eq!(get_status(&router, "/healthz").await, StatusCode::OK);
        assert_eq!(get_status(&router, "/readyz").await, StatusCode::OK);
        readiness.drain();
        readiness.drained().await;
        assert_eq!(get_status(&router, "/healthz").await, StatusCode::OK);
        assert_eq!(get_status(&router, "/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    }
}

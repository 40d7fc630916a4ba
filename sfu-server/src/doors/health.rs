//! `/healthz` and `/readyz`: whether the process lives, and whether it takes new calls.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::shutdown::Latch;

/// `GET /healthz`: 200 while the process answers at all. `GET /readyz`: 200, or 503 once `draining`
/// is set.
pub fn router(draining: Latch) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(draining)
}

async fn readyz(State(draining): State<Latch>) -> (StatusCode, &'static str) {
    if draining.is_set() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn status(router: &Router, path: &str) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_draining_server_lives_but_is_not_ready() {
        let draining = Latch::default();
        let router = router(draining.clone());
        assert_eq!(status(&router, "/healthz").await, StatusCode::OK);
        assert_eq!(status(&router, "/readyz").await, StatusCode::OK);
        draining.set();
        draining.wait().await;
        assert_eq!(status(&router, "/healthz").await, StatusCode::OK);
        assert_eq!(
            status(&router, "/readyz").await,
            StatusCode::SERVICE_UNAVAILABLE
        );
    }
}

//! The demo call page, and the tokens it joins with. Open only in development: whoever asks gets a
//! token for any room.

mod page;
mod why;

#[cfg(test)]
mod tests;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::auth::{ApiKeys, NewToken, VideoGrants};
use crate::config::Development;
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{Rooms, limits};

/// Largest request body, in bytes: three names of 256 bytes and their JSON. Raising it lets
/// strangers have more of it parsed; lowering it refuses legal names.
const MAX_BODY: usize = 8 * 1024;

#[derive(Clone)]
struct Demo {
    keys: ApiKeys,
    rooms: Rooms,
}

/// The page at `/`, `POST /demo/token`, `GET /demo/why`, and where it is asked for `POST /demo/fault/panic`.
pub fn router(development: Development, keys: ApiKeys, rooms: Rooms) -> Router {
    let mut router = Router::new()
        .route("/demo/token", post(token))
        .route("/demo/why", get(why::why));
    if development.fault_injection {
        router = router.route("/demo/fault/panic", post(panic_in_room));
    }
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .route("/", get(page::index))
        .fallback(page::file)
        .with_state(Demo { keys, rooms })
}

/// What stands at `/` outside development.
pub fn closed_router() -> Router {
    Router::new().route(
        "/",
        get(|| async { "sfu-server: signalling is at /rtc/v1\n" }),
    )
}

#[derive(Deserialize)]
struct TokenRequest {
    #[serde(default)]
    room: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    identity: Option<String>,
}

#[derive(Serialize)]
struct TokenAnswer {
    token: String,
}

/// A refusal as the page reads it: `{"error":{"code","message"}}`.
struct Refusal(StatusCode, ApiError);

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(error.http_status(), error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: Error,
        }
        #[derive(Serialize)]
        struct Error {
            code: String,
            message: String,
        }
        let Self(status, error) = self;
        let code = match error.kind() {
            ErrorKind::InvalidArgument => "invalid_argument",
            ErrorKind::Unauthenticated => "unauthenticated",
            ErrorKind::PermissionDenied => "permission_denied",
            ErrorKind::NotFound => "not_found",
            ErrorKind::RateLimited => "rate_limited",
            ErrorKind::ResourceExhausted => "resource_exhausted",
            ErrorKind::Unavailable => "unavailable",
            _ => "internal",
        };
        let error = Error {
            code: code.to_owned(),
            message: error.to_string(),
        };
        (status, Json(Body { error })).into_response()
    }
}

async fn token(
    State(demo): State<Demo>,
    request: Result<Json<TokenRequest>, JsonRejection>,
) -> Result<Json<TokenAnswer>, Refusal> {
    let Json(request) = request.map_err(|rejection| {
        Refusal(
            rejection.status(),
            ApiError::invalid("body", rejection.body_text()),
        )
    })?;
    let identity = match request.identity {
        Some(identity) => identity,
        None => random_identity()?,
    };
    required("room", &request.room, limits::MAX_ROOM_NAME)?;
    required("name", &request.name, limits::MAX_NAME)?;
    required("identity", &identity, limits::MAX_IDENTITY)?;
    let minted = demo.keys.mint(NewToken {
        identity,
        name: request.name,
        video: VideoGrants::join(request.room),
        ..NewToken::default()
    })?;
    Ok(Json(TokenAnswer {
        token: minted.token,
    }))
}

fn required(field: &'static str, value: &str, most: usize) -> Result<(), ApiError> {
    let message = if value.trim().is_empty() {
        "required".to_owned()
    } else if value.len() > most {
        format!("{} bytes, at most {most}", value.len())
    } else if value.chars().any(char::is_control) {
        "must not hold control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(field, message))
}

fn random_identity() -> Result<String, ApiError> {
    let random = getrandom::u64()
        .map_err(|_| ApiError::new(ErrorKind::Internal, "no randomness for an identity"))?;
    Ok(format!("guest-{random:016x}"))
}

#[derive(Deserialize)]
struct PanicRequest {
    #[serde(default)]
    room: String,
}

/// Makes the media work of one room panic, to show that nothing else is felt.
async fn panic_in_room(
    State(demo): State<Demo>,
    Query(request): Query<PanicRequest>,
) -> Result<StatusCode, Refusal> {
    required("room", &request.room, limits::MAX_ROOM_NAME)?;
    demo.rooms.inject_panic(&request.room)?;
    tracing::warn!(room = %request.room, "a panic was asked for");
    Ok(StatusCode::ACCEPTED)
}

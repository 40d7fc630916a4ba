//! The one table of refusals: what a caller did wrong, and how each door says so.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// What kind of refusal it is. [`ErrorKind::row`] is the whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A field's value is not acceptable, whatever the state of the server.
    InvalidArgument,
    /// No credentials, or ones that prove nothing.
    Unauthenticated,
    /// Known, but without the right.
    PermissionDenied,
    /// No such room, participant or track.
    NotFound,
    /// A bound of the room or the server is reached; it may free itself.
    ResourceExhausted,
    /// Too often; try again later.
    RateLimited,
    /// Shutting down, or not ready.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// One row of the table.
struct Row {
    http: StatusCode,
    grpc: tonic::Code,
    /// WebSocket close code (RFC 6455 section 7.4.1).
    close: u16,
}

impl ErrorKind {
    const fn row(self) -> Row {
        const fn row(http: StatusCode, grpc: tonic::Code, close: u16) -> Row {
            Row { http, grpc, close }
        }
        match self {
            Self::InvalidArgument => {
                row(StatusCode::BAD_REQUEST, tonic::Code::InvalidArgument, 1007)
            }
            Self::Unauthenticated => {
                row(StatusCode::UNAUTHORIZED, tonic::Code::Unauthenticated, 1008)
            }
            Self::PermissionDenied => {
                row(StatusCode::FORBIDDEN, tonic::Code::PermissionDenied, 1008)
            }
            Self::NotFound => row(StatusCode::NOT_FOUND, tonic::Code::NotFound, 1008),
            Self::ResourceExhausted => row(
                StatusCode::SERVICE_UNAVAILABLE,
                tonic::Code::ResourceExhausted,
                1013,
            ),
            Self::RateLimited => row(
                StatusCode::TOO_MANY_REQUESTS,
                tonic::Code::ResourceExhausted,
                1013,
            ),
            Self::Unavailable => row(
                StatusCode::SERVICE_UNAVAILABLE,
                tonic::Code::Unavailable,
                1012,
            ),
            Self::Internal => row(
                StatusCode::INTERNAL_SERVER_ERROR,
                tonic::Code::Internal,
                1011,
            ),
        }
    }

    /// The WebSocket close code (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> u16 {
        self.row().close
    }
}

/// A refusal: its kind, the field it is about, and a sentence for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .field.map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct ApiError {
    kind: ErrorKind,
    field: Option<&'static str>,
    message: String,
}

impl ApiError {
    /// A refusal about no one field.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            field: None,
            message: message.into(),
        }
    }

    /// A refusal about one field, named as the caller wrote it.
    #[must_use]
    pub fn field(kind: ErrorKind, field: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            field: Some(field),
            message: message.into(),
        }
    }

    /// A field whose value is not acceptable.
    #[must_use]
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::field(ErrorKind::InvalidArgument, field, message)
    }

    /// What kind of refusal it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The field it is about, where there is one.
    #[must_use]
    pub const fn about(&self) -> Option<&'static str> {
        self.field
    }

    /// The sentence without the field's name.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status.
    #[must_use]
    pub const fn http_status(&self) -> StatusCode {
        self.kind.row().http
    }

    /// The gRPC code.
    #[must_use]
    pub const fn grpc_code(&self) -> tonic::Code {
        self.kind.row().grpc
    }

    /// The WebSocket close code (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        self.kind.row().close
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.http_status(), self.to_string()).into_response()
    }
}

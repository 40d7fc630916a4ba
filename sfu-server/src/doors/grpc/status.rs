//! A refusal in gRPC's words: the code, a sentence, and details for programs.

use std::collections::HashMap;

use axum::http::Response;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::MAX_REQUEST;
use crate::error::{ApiError, ErrorKind};

/// Whose reasons they are, in `google.rpc.ErrorInfo`.
pub(super) const DOMAIN: &str = "sfu.control.v1";

/// The refusal as a status with `ErrorInfo`, and with `BadRequest` where a field is to blame.
pub(super) fn refuse(error: &ApiError) -> Status {
    let mut about = HashMap::new();
    if let Some(field) = error.about() {
        about.insert("field".to_owned(), field.to_owned());
    }
    let mut details = ErrorDetails::with_error_info(reason(error), DOMAIN, about);
    if let (ErrorKind::InvalidArgument, Some(field)) = (error.kind(), error.about()) {
        details.add_bad_request_violation(field, error.message());
    }
    Status::with_error_details(error.grpc_code(), error.to_string(), details)
}

/// The refusal with a reason of its own where the table has only a wider one.
pub(super) fn refuse_as(reason: &str, error: &ApiError) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(error.grpc_code(), error.to_string(), details)
}

/// A deadline passed: of the call, or of the server.
pub(super) fn deadline_passed() -> Status {
    let details = ErrorDetails::with_error_info("DEADLINE_PASSED", DOMAIN, HashMap::new());
    let message = "the call's deadline passed";
    Status::with_error_details(Code::DeadlineExceeded, message, details)
}

/// A message beyond its bound, which the transport calls OUT_OF_RANGE.
pub(super) fn too_large<A: Default>(answer: Response<A>) -> Response<A> {
    let status = answer.headers().get("grpc-status");
    if status.is_none_or(|status| status != "11") {
        return answer;
    }
    let details = ErrorDetails::with_error_info("MESSAGE_TOO_LARGE", DOMAIN, HashMap::new());
    let message = format!("the message is larger than {MAX_REQUEST} bytes");
    Status::with_error_details(Code::ResourceExhausted, message, details).into_http()
}

/// A word for programs; part of the contract.
fn reason(error: &ApiError) -> &'static str {
    match (error.kind(), error.about()) {
        (ErrorKind::NotFound, Some("room")) => "ROOM_NOT_FOUND",
        (ErrorKind::NotFound, Some("identity")) => "PARTICIPANT_NOT_FOUND",
        (ErrorKind::NotFound, Some("track_sid")) => "TRACK_NOT_FOUND",
        (ErrorKind::NotFound, _) => "NOT_FOUND",
        (ErrorKind::InvalidArgument, _) => "FIELD_INVALID",
        (ErrorKind::Unauthenticated, _) => "TOKEN_INVALID",
        (ErrorKind::PermissionDenied, Some("muted")) => "REMOTE_UNMUTE_OFF",
        (ErrorKind::PermissionDenied, _) => "GRANT_MISSING",
        (ErrorKind::ResourceExhausted, _) => "LIMIT_REACHED",
        (ErrorKind::RateLimited, _) => "RATE_LIMITED",
        (ErrorKind::Unavailable, _) => "SHUTTING_DOWN",
        (ErrorKind::Internal, _) => "INTERNAL",
    }
}

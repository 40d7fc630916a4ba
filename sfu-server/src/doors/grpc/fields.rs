//! Whether a request's fields are within the bounds that the contract states.

use std::collections::BTreeMap;
use std::time::Duration;

use sfu_control_proto::v1;

use crate::error::ApiError;
use crate::rooms::limits;

/// Most names in a filter. Higher: each is compared with every room. Lower: callers need more
/// calls.
const MAX_NAMES: usize = 100;

/// A text that must be there, within its bound.
pub(super) fn required(field: &'static str, value: &str, most: usize) -> Result<(), ApiError> {
    if value.is_empty() {
        return Err(ApiError::invalid(field, "required"));
    }
    if value.chars().any(char::is_control) {
        return Err(ApiError::invalid(field, "must not hold control characters"));
    }
    bounded(field, value.len(), most)
}

fn bounded(field: &'static str, got: usize, most: usize) -> Result<(), ApiError> {
    if got > most {
        return Err(ApiError::invalid(
            field,
            format!("{got} bytes, at most {most}"),
        ));
    }
    Ok(())
}

/// A room's name.
pub(super) fn room(value: &str) -> Result<(), ApiError> {
    required("room", value, limits::MAX_ROOM_NAME)
}

/// A participant's identity.
pub(super) fn identity(value: &str) -> Result<(), ApiError> {
    required("identity", value, limits::MAX_IDENTITY)
}

/// A track's sid.
pub(super) fn track_sid(value: &str) -> Result<(), ApiError> {
    required("track_sid", value, limits::MAX_IDENTITY)
}

/// A data message; its bounds are the rooms' own, looked at there.
pub(super) fn data(request: &v1::SendDataRequest) -> Result<(), ApiError> {
    room(&request.room)?;
    if request.payload.is_empty() {
        return Err(ApiError::invalid("payload", "required"));
    }
    let identities = request.destination_identities.iter();
    for identity in identities {
        let most = limits::MAX_IDENTITY;
        bounded("destination_identities", identity.len(), most)?;
    }
    match request.delivery() {
        v1::DataDelivery::Unspecified => Err(ApiError::invalid("delivery", "required")),
        v1::DataDelivery::Reliable | v1::DataDelivery::Lossy => Ok(()),
    }
}

/// A filter of names.
pub(super) fn names(values: &[String]) -> Result<(), ApiError> {
    if values.len() > MAX_NAMES {
        let got = values.len();
        return Err(ApiError::invalid(
            "names",
            format!("{got} names, at most {MAX_NAMES}"),
        ));
    }
    values
        .iter()
        .try_for_each(|name| bounded("names", name.len(), limits::MAX_ROOM_NAME))
}

/// A length of time, which may be absent but not negative.
pub(super) fn duration(
    field: &'static str,
    value: Option<prost_types::Duration>,
) -> Result<Option<Duration>, ApiError> {
    value
        .map(Duration::try_from)
        .transpose()
        .map_err(|_| ApiError::invalid(field, "must not be negative or out of range"))
}

/// All of a join token's fields but its time and its permission, which are read where they are
/// converted.
pub(super) fn join_token(request: &v1::CreateJoinTokenRequest) -> Result<(), ApiError> {
    room(&request.room)?;
    identity(&request.identity)?;
    bounded("name", request.name.len(), limits::MAX_NAME)?;
    bounded("metadata", request.metadata.len(), limits::MAX_METADATA)?;
    let attributes: usize = request
        .attributes
        .iter()
        .map(|(k, v)| k.len() + v.len())
        .sum();
    bounded("attributes", attributes, limits::MAX_ATTRIBUTES)
}

/// The pairs in an order that two equal requests share.
pub(super) fn ordered(
    pairs: std::collections::HashMap<String, String>,
) -> BTreeMap<String, String> {
    pairs.into_iter().collect()
}

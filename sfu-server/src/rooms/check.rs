//! Whether what a caller wrote is within the bounds, field by field.

use std::collections::BTreeMap;
use std::time::Duration;

use super::info::RoomOptions;
use super::limits;
use crate::error::ApiError;

/// A name that must be there: not empty, bounded, and without control characters, which would
/// forge lines of the log.
pub(super) fn name(field: &'static str, value: &str, most: usize) -> Result<(), ApiError> {
    if value.is_empty() {
        return Err(ApiError::invalid(field, "must not be empty"));
    }
    if value.chars().any(char::is_control) {
        return Err(ApiError::invalid(field, "must not hold control characters"));
    }
    text(field, value, most)
}

/// A bounded text.
pub(super) fn text(field: &'static str, value: &str, most: usize) -> Result<(), ApiError> {
    if value.len() > most {
        let got = value.len();
        return Err(ApiError::invalid(
            field,
            format!("{got} bytes, at most {most}"),
        ));
    }
    Ok(())
}

/// The application's pairs: bounded in sum.
pub(super) fn attributes(pairs: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let got: usize = pairs
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    let most = limits::MAX_ATTRIBUTES;
    if got > most {
        return Err(ApiError::invalid(
            "attributes",
            format!("{got} bytes in all, at most {most}"),
        ));
    }
    Ok(())
}

/// A room's options; returns its timeouts where it has its own.
pub(super) fn room_options(
    options: &RoomOptions,
) -> Result<(Option<Duration>, Option<Duration>), ApiError> {
    name("name", &options.name, limits::MAX_ROOM_NAME)?;
    text("metadata", &options.metadata, limits::MAX_METADATA)?;
    let timeout = |field, value: Option<Duration>| match value {
        Some(value) if value > limits::MAX_ROOM_TIMEOUT => {
            let most = limits::MAX_ROOM_TIMEOUT.as_secs();
            Err(ApiError::invalid(field, format!("at most {most} seconds")))
        }
        value => Ok(value),
    };
    Ok((
        timeout("empty_timeout", options.empty_timeout)?,
        timeout("departure_timeout", options.departure_timeout)?,
    ))
}

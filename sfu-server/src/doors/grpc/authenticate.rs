//! Whose call it is.

use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::status::refuse;
use crate::auth::{ApiKeys, AuthError, Claims};

/// The scheme's name in front of the token (RFC 6750 section 2.1); its case does not count
/// (RFC 9110 section 11.1).
const SCHEME: &str = "bearer";

/// Proves the token of every call and leaves its claims in the request's extensions.
#[derive(Clone, Debug)]
pub(super) struct Authenticate {
    keys: ApiKeys,
}

impl Authenticate {
    pub(super) fn new(keys: ApiKeys) -> Self {
        Self { keys }
    }
}

impl Interceptor for Authenticate {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let claims = token(request.metadata())
            .and_then(|token| self.keys.verify(token))
            .map_err(|error| refuse(&error.into()))?;
        request.extensions_mut().insert(claims);
        Ok(request)
    }
}

fn token(metadata: &MetadataMap) -> Result<&str, AuthError> {
    let value = metadata.get("authorization").ok_or(AuthError::Missing)?;
    let value = value.to_str().map_err(|_| AuthError::Malformed)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => Ok(token.trim()),
        _ => Err(AuthError::Missing),
    }
}

/// The claims that [`Authenticate`] left.
pub(super) fn claims<T>(request: &Request<T>) -> Result<&Claims, Status> {
    request
        .extensions()
        .get()
        .ok_or_else(|| refuse(&AuthError::Missing.into()))
}

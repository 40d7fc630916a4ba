//! Verifying and minting tokens.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Header, Validation};

use super::grants::{Claims, VideoGrants};
use super::keys::ApiKeys;
use crate::error::{ApiError, ErrorKind};

/// Longest token that is read, in bytes. Raising: each costs a decode and a hash before its bearer
/// is known. Lowering: tokens that carry metadata or attributes are refused.
pub const MAX_TOKEN_LEN: usize = 32 * 1024;

/// How far clocks may differ. Raising: expired tokens live longer. Lowering: fresh tokens from a
/// service whose clock is ahead are refused.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// How long a minted token is valid, unless the caller says otherwise: a token is needed to join
/// and to come back, not to stay.
pub const DEFAULT_TTL: Duration = Duration::from_secs(6 * 3600);

/// Longest validity that is minted. Raising: a leaked token is of use for longer.
pub const MAX_TTL: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why a token proves nothing. Never holds the token or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// No token.
    #[error("a token is needed")]
    Missing,
    /// Longer than [`MAX_TOKEN_LEN`].
    #[error("longer than {MAX_TOKEN_LEN} bytes")]
    TooLong,
    /// Not three parts of base64url, or not JSON with claims of the right types.
    #[error("not a JSON Web Token with the expected claims")]
    Malformed,
    /// Another algorithm than HS256.
    #[error("signed with another algorithm than HS256")]
    WrongAlgorithm,
    /// `iss` is no API key of this server.
    #[error("iss: not an API key of this server")]
    UnknownKey,
    /// Signed with another secret.
    #[error("the signature does not match the API key's secret")]
    BadSignature,
    /// Without `exp`.
    #[error("exp: required")]
    NoExpiry,
    /// `exp` has passed.
    #[error("exp: the token has expired")]
    Expired,
    /// `nbf` is still to come.
    #[error("nbf: the token is not valid yet")]
    NotYetValid,
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        Self::field(ErrorKind::Unauthenticated, "token", error.to_string())
    }
}

/// What a new token says.
#[derive(Clone, Debug, Default)]
pub struct NewToken {
    /// The identity; may be empty for services.
    pub identity: String,
    /// A name for people.
    pub name: String,
    /// The application's own text.
    pub metadata: String,
    /// The application's own pairs.
    pub attributes: BTreeMap<String, String>,
    /// What the bearer may do.
    pub video: VideoGrants,
    /// How long it is valid; `None`: [`DEFAULT_TTL`].
    pub ttl: Option<Duration>,
}

/// A minted token. `Debug` does not show it.
#[derive(Clone)]
pub struct Minted {
    /// The token.
    pub token: String,
    /// When it expires.
    pub expires_at: SystemTime,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl ApiKeys {
    /// Reads a token and proves it, against the system's clock.
    ///
    /// # Errors
    /// What is wrong with it; one error for each cause.
    pub fn verify(&self, token: &str) -> Result<Claims, AuthError> {
        self.verify_at(token, SystemTime::now())
    }

    /// As [`ApiKeys::verify`], at a given time.
    ///
    /// # Errors
    /// As for [`ApiKeys::verify`].
    pub fn verify_at(&self, token: &str, now: SystemTime) -> Result<Claims, AuthError> {
        if token.is_empty() {
            return Err(AuthError::Missing);
        }
        if token.len() > MAX_TOKEN_LEN {
            return Err(AuthError::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| AuthError::Malformed)?;
        if header.alg != Algorithm::HS256 {
            return Err(AuthError::WrongAlgorithm);
        }
        // `iss` says which secret to try; it is believed only once the signature is proven.
        let unproven: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token)
            .map_err(|_| AuthError::Malformed)?;
        let secret = self.get(&unproven.iss).ok_or(AuthError::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::HS256);
        // The times are checked below, with an error for each and against the given clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(token, &secret.verifies, &validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => AuthError::BadSignature,
                _ => AuthError::Malformed,
            })?
            .claims;
        check_times(&claims, now)?;
        Ok(claims)
    }

    /// Signs a new token with the first key.
    ///
    /// # Errors
    /// `InvalidArgument` if the validity is zero or longer than [`MAX_TTL`], or the token would be
    /// longer than [`MAX_TOKEN_LEN`].
    pub fn mint(&self, new: NewToken) -> Result<Minted, ApiError> {
        let ttl = new.ttl.unwrap_or(DEFAULT_TTL);
        if ttl < Duration::from_secs(1) || ttl > MAX_TTL {
            let most = MAX_TTL.as_secs();
            return Err(ApiError::invalid(
                "ttl",
                format!("from 1 to {most} seconds"),
            ));
        }
        let now = seconds(SystemTime::now());
        let exp = now + ttl.as_secs();
        let (key, secret) = self.first();
        let claims = Claims {
            iss: key.to_owned(),
            sub: new.identity,
            nbf: Some(now),
            exp: Some(exp),
            name: new.name,
            metadata: new.metadata,
            attributes: new.attributes,
            video: new.video,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret.signs)
            .map_err(|_| ApiError::new(ErrorKind::Internal, "the token could not be signed"))?;
        if token.len() > MAX_TOKEN_LEN {
            let got = token.len();
            let message = format!("the token would have {got} bytes, at most {MAX_TOKEN_LEN}");
            return Err(ApiError::invalid("metadata", message));
        }
        Ok(Minted {
            token,
            expires_at: UNIX_EPOCH + Duration::from_secs(exp),
        })
    }
}

/// RFC 7519 sections 4.1.4 and 4.1.5, with the leeway that they allow.
fn check_times(claims: &Claims, now: SystemTime) -> Result<(), AuthError> {
    let now = seconds(now);
    let exp = claims.exp.ok_or(AuthError::NoExpiry)?;
    if now >= exp.saturating_add(LEEWAY.as_secs()) {
        return Err(AuthError::Expired);
    }
    if claims
        .nbf
        .is_some_and(|nbf| nbf > now.saturating_add(LEEWAY.as_secs()))
    {
        return Err(AuthError::NotYetValid);
    }
    Ok(())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

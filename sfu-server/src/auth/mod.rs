//! Who is calling and what they may do: HS256 tokens (RFC 7519) signed with an API key's secret.
//!
//! The claims have the shape that the LiveKit server SDKs already mint: `iss` is the API key, `sub`
//! the identity, and `video` the grants. Nothing in here logs or returns a secret or a token.

mod grants;
mod keys;
mod token;

pub use grants::{Claims, Right, VideoGrants};
pub use keys::{ApiKeys, KeyError, MIN_SECRET_LEN};
pub use token::{AuthError, DEFAULT_TTL, LEEWAY, MAX_TOKEN_LEN, MAX_TTL, Minted, NewToken};

#[cfg(test)]
mod tests;

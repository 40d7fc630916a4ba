//! The tokens that the participants join with, minted from the API key as a service would.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

/// How far the server's clock may be behind. Raising: nothing is lost by it. Lowering: fresh tokens
/// are refused as not valid yet.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// How long a token is valid: a participant joins once, soon after its token is minted.
const VALID: Duration = Duration::from_secs(600);

/// An API key and its secret. `Debug` does not show the secret.
#[derive(Clone)]
pub(crate) struct ApiKey {
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    name: &'a str,
    nbf: u64,
    exp: u64,
    video: Grants<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Grants<'a> {
    room_join: bool,
    room: &'a str,
    can_publish: bool,
    can_subscribe: bool,
}

impl ApiKey {
    /// A token that admits `identity` to `room`, with no more rights than it needs.
    ///
    /// # Errors
    /// The library's words; with HS256 there is no known cause.
    pub(crate) fn mint(
        &self,
        room: &str,
        identity: &str,
        publishes: bool,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let claims = Claims {
            iss: &self.key,
            sub: identity,
            name: identity,
            nbf: now.saturating_sub(CLOCK_SKEW).as_secs(),
            exp: (now + VALID).as_secs(),
            video: Grants {
                room_join: true,
                room,
                can_publish: publishes,
                can_subscribe: !publishes,
            },
        };
        let secret = EncodingKey::from_secret(self.secret.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_token_says_who_may_do_what_where() {
        let key = ApiKey {
            key: "devkey".into(),
            secret: "secret".into(),
        };
        let token = key.mint("room-1", "publisher-2", true).unwrap();
        let secret = DecodingKey::from_secret(b"secret");
        let claims: Value =
            jsonwebtoken::decode(&token, &secret, &Validation::new(Algorithm::HS256))
                .unwrap()
                .claims;
        assert_eq!(claims["iss"], "devkey");
        assert_eq!(claims["sub"], "publisher-2");
        assert_eq!(claims["video"]["room"], "room-1");
        assert_eq!(claims["video"]["roomJoin"], true);
        assert_eq!(claims["video"]["canPublish"], true);
        assert_eq!(claims["video"]["canSubscribe"], false);
        assert!(!format!("{key:?}").contains("secret\""));
    }
}

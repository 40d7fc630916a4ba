//! The API keys and their secrets.

use std::collections::BTreeMap;
use std::fmt;

use jsonwebtoken::{DecodingKey, EncodingKey};

/// Shortest secret outside development, in bytes: RFC 7518 section 3.2 asks for as many as the
/// hash has. Lowering it lets a captured token be searched for its secret.
pub const MIN_SECRET_LEN: usize = 32;

/// A pair that cannot be used. Never holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no key at all.
    #[error("keys: at least one API key is needed")]
    None,
    /// A key without a name.
    #[error("keys: an API key must not be empty")]
    EmptyKey,
    /// The secret is too short.
    #[error("key {key}: the secret has {got} bytes, at least {MIN_SECRET_LEN} are needed")]
    ShortSecret {
        /// The key's name.
        key: String,
        /// Bytes given.
        got: usize,
    },
}

/// API keys, each with its secret. `Debug` shows the keys only.
#[derive(Clone)]
pub struct ApiKeys(BTreeMap<String, Secret>);

#[derive(Clone)]
pub(super) struct Secret {
    pub(super) signs: EncodingKey,
    pub(super) verifies: DecodingKey,
}

impl ApiKeys {
    /// Keys with secrets. In development any secret that is not empty will do.
    ///
    /// # Errors
    /// Which key cannot be used and why.
    pub fn new(
        pairs: impl IntoIterator<Item = (String, String)>,
        development: bool,
    ) -> Result<Self, KeyError> {
        let least = if development { 1 } else { MIN_SECRET_LEN };
        let mut keys = BTreeMap::new();
        for (key, secret) in pairs {
            if key.is_empty() {
                return Err(KeyError::EmptyKey);
            }
            if secret.len() < least {
                let got = secret.len();
                return Err(KeyError::ShortSecret { key, got });
            }
            let secret = Secret {
                signs: EncodingKey::from_secret(secret.as_bytes()),
                verifies: DecodingKey::from_secret(secret.as_bytes()),
            };
            keys.insert(key, secret);
        }
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        Ok(Self(keys))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Secret> {
        self.0.get(key)
    }

    /// The key that new tokens are signed with: the first by name.
    pub(super) fn first(&self) -> (&str, &Secret) {
        let first = self.0.first_key_value();
        let (key, secret) = first.expect("`new` refuses an empty table");
        (key, secret)
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

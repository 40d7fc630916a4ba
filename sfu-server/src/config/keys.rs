//! Where the API key's secret comes from. It is never a flag: everybody on the machine can read
//! the command lines of running programs.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use super::ConfigError;

/// The key of `--dev`, known to everybody.
pub const DEVELOPMENT_KEY: &str = "devkey";

/// Its secret, known to everybody.
pub const DEVELOPMENT_SECRET: &str = "secret";

/// The environment variable that may hold the secret.
pub const SECRET_VARIABLE: &str = "SFU_API_SECRET";

/// Longest secret read from a file, in bytes: a wrong file (a log, a device) is told from a secret
/// before it is in memory. Lowering it under 32 refuses every secret.
const MAX_SECRET: u64 = 4096;

/// The key and its secret; a file wins over the environment.
pub(super) fn pair(
    development: bool,
    key: Option<String>,
    file: Option<PathBuf>,
    variable: Option<String>,
) -> Result<(String, String), ConfigError> {
    // An empty variable is how deployments write "not set".
    let variable = variable.filter(|secret| !secret.is_empty());
    let secret = match file {
        Some(file) => Some(read(&file).map_err(|reason| ConfigError::SecretFile { file, reason })?),
        None => variable,
    };
    match (key.filter(|key| !key.is_empty()), secret) {
        (Some(key), Some(secret)) => Ok((key, secret)),
        (Some(_), None) => Err(ConfigError::NoSecret),
        (None, Some(_)) => Err(ConfigError::SecretWithoutKey),
        (None, None) if development => {
            Ok((DEVELOPMENT_KEY.to_owned(), DEVELOPMENT_SECRET.to_owned()))
        }
        (None, None) => Err(ConfigError::NoKey),
    }
}

fn read(file: &PathBuf) -> Result<String, String> {
    let mut secret = String::new();
    let bounded = File::open(file).map(|file| file.take(MAX_SECRET + 1));
    bounded
        .and_then(|mut file| file.read_to_string(&mut secret))
        .map_err(|error| error.to_string())?;
    if secret.len() as u64 > MAX_SECRET {
        return Err(format!("longer than {MAX_SECRET} bytes"));
    }
    let kept = secret.trim_end_matches(['\r', '\n']).len();
    secret.truncate(kept);
    Ok(secret)
}

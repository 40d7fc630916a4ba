//! The `join_request` parameter: base64 of a wrapped, possibly gzipped message, inflated within a
//! bound.

use std::io::Read;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use livekit_protocol::wrapped_join_request::Compression;
use livekit_protocol::{JoinRequest, WrappedJoinRequest};
use prost::Message;

use super::limits::{MAX_JOIN_REQUEST, MAX_WRAPPED};
use crate::error::ApiError;

const FIELD: &str = "join_request";

/// URL-safe base64 (RFC 4648 section 5); clients differ on the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the parameter.
pub(super) fn read(text: &str) -> Result<JoinRequest, ApiError> {
    if text.len() > MAX_WRAPPED {
        return Err(too_long(MAX_WRAPPED));
    }
    let bytes = BASE64
        .decode(text)
        .map_err(|_| ApiError::invalid(FIELD, "not URL-safe base64"))?;
    let wrapped = WrappedJoinRequest::decode(bytes.as_slice())
        .map_err(|_| ApiError::invalid(FIELD, "not a WrappedJoinRequest"))?;
    let bytes = match wrapped.compression() {
        Compression::None => wrapped.join_request,
        Compression::Gzip => inflate(&wrapped.join_request)?,
    };
    JoinRequest::decode(bytes.as_slice())
        .map_err(|_| ApiError::invalid(FIELD, "not a JoinRequest in it"))
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, ApiError> {
    let most = MAX_JOIN_REQUEST as u64;
    let mut inflated = Vec::new();
    // One byte more than allowed tells "too long" from "just fits".
    flate2::read::GzDecoder::new(bytes)
        .take(most + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| ApiError::invalid(FIELD, "not gzip"))?;
    if inflated.len() > MAX_JOIN_REQUEST {
        return Err(too_long(MAX_JOIN_REQUEST));
    }
    Ok(inflated)
}

fn too_long(most: usize) -> ApiError {
    ApiError::invalid(FIELD, format!("at most {most} bytes"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn wrap(compression: Compression, join_request: Vec<u8>) -> String {
        let wrapped = WrappedJoinRequest {
            compression: compression.into(),
            join_request,
        };
        base64::engine::general_purpose::URL_SAFE.encode(wrapped.encode_to_vec())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn refusal(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn plain_and_gzipped_padded_or_not() {
        let request = JoinRequest {
            participant_sid: "PA_1".into(),
            ..JoinRequest::default()
        };
        let bytes = request.encode_to_vec();
        for text in [
            wrap(Compression::None, bytes.clone()),
            wrap(Compression::Gzip, gzip(&bytes)),
        ] {
            assert_eq!(read(&text).unwrap(), request);
            assert_eq!(read(text.trim_end_matches('=')).unwrap(), request);
        }
        assert_eq!(read("").unwrap(), JoinRequest::default());
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let bomb = gzip(&vec![0; 20 << 20]);
        assert!(bomb.len() < 32 * 1024, "it fits the parameter");
        let refused = refusal(&wrap(Compression::Gzip, bomb));
        assert_eq!(
            refused,
            format!("join_request: at most {MAX_JOIN_REQUEST} bytes")
        );
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(refusal("!"), "join_request: not URL-safe base64");
        assert_eq!(refusal("_w=="), "join_request: not a WrappedJoinRequest");
        let cut = wrap(Compression::Gzip, gzip(b"abc")[..12].to_vec());
        assert_eq!(refusal(&cut), "join_request: not gzip");
        let junk = wrap(Compression::None, vec![0xff; 9]);
        assert_eq!(refusal(&junk), "join_request: not a JoinRequest in it");
        let long = "A".repeat(MAX_WRAPPED + 1);
        assert_eq!(refusal(&long), "join_request: at most 65536 bytes");
    }
}

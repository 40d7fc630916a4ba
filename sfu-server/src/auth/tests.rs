use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::error::ErrorKind;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn keys() -> ApiKeys {
    ApiKeys::new([("key".to_owned(), SECRET.to_owned())], false).unwrap()
}

fn ann() -> NewToken {
    NewToken {
        identity: "ann".into(),
        name: "Ann".into(),
        metadata: "m".into(),
        attributes: [("a".to_owned(), "b".to_owned())].into(),
        video: VideoGrants::join("kitchen"),
        ttl: Some(Duration::from_secs(600)),
    }
}

#[test]
fn a_minted_token_verifies_to_what_it_was_minted_from() {
    let minted = keys().mint(ann()).unwrap();
    let claims = keys().verify(&minted.token).unwrap();
    assert_eq!((claims.iss.as_str(), claims.sub.as_str()), ("key", "ann"));
    assert_eq!(
        (claims.name.as_str(), claims.metadata.as_str()),
        ("Ann", "m")
    );
    assert_eq!(claims.attributes["a"], "b");
    assert_eq!(claims.video, VideoGrants::join("kitchen"));
    assert_eq!(
        UNIX_EPOCH + Duration::from_secs(claims.exp.unwrap()),
        minted.expires_at
    );
}

/// RFC 7515 appendix A.1: a foreign HS256 token, signed with a key of 64 bytes.
#[test]
fn the_rfc_s_example_is_read_as_a_token_of_an_unknown_key() {
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4\
                 MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU\
                 1p1r_wW1gFWFOEjXk";
    assert_eq!(keys().verify(token), Err(AuthError::UnknownKey));
}

#[test]
fn each_fault_has_its_own_error() {
    let minted = keys().mint(ann()).unwrap();
    let token = minted.token.as_str();
    assert_eq!(keys().verify(""), Err(AuthError::Missing));
    assert_eq!(keys().verify("a.b"), Err(AuthError::Malformed));
    assert_eq!(keys().verify("a.b.c"), Err(AuthError::Malformed));
    assert_eq!(
        keys().verify(&"a".repeat(MAX_TOKEN_LEN + 1)),
        Err(AuthError::TooLong)
    );

    let other = ApiKeys::new([("other".into(), SECRET.into())], false).unwrap();
    assert_eq!(other.verify(token), Err(AuthError::UnknownKey));
    let same = ApiKeys::new([("key".into(), SECRET.to_uppercase())], false).unwrap();
    assert_eq!(same.verify(token), Err(AuthError::BadSignature));

    let at = |offset: i64| {
        let expiry = minted.expires_at.duration_since(UNIX_EPOCH).unwrap();
        let seconds = i64::try_from(expiry.as_secs()).unwrap() + offset;
        UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
    };
    let leeway = i64::try_from(LEEWAY.as_secs()).unwrap();
    assert!(keys().verify_at(token, at(leeway - 1)).is_ok());
    assert_eq!(keys().verify_at(token, at(leeway)), Err(AuthError::Expired));
    assert!(keys().verify_at(token, at(-600 - leeway)).is_ok());
    assert_eq!(
        keys().verify_at(token, at(-601 - leeway)),
        Err(AuthError::NotYetValid)
    );
}

fn signed(header: &jsonwebtoken::Header, claims: &serde_json::Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(header, claims, &key).unwrap()
}

#[test]
fn only_hs256_and_only_with_an_expiry() {
    let claims = serde_json::json!({ "iss": "key", "sub": "ann", "exp": u32::MAX });
    let other = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS384);
    let token = signed(&other, &claims);
    assert_eq!(keys().verify(&token), Err(AuthError::WrongAlgorithm));
    // RFC 8725 section 3.1: `none` is no algorithm.
    let none = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJrZXkiLCJleHAiOjQyOTQ5NjcyOTV9.";
    assert_eq!(keys().verify(none), Err(AuthError::Malformed));
    let endless = signed(
        &jsonwebtoken::Header::default(),
        &serde_json::json!({ "iss": "key" }),
    );
    assert_eq!(keys().verify(&endless), Err(AuthError::NoExpiry));
}

#[test]
fn grants_are_read_as_the_server_sdks_write_them() {
    let token = signed(
        &jsonwebtoken::Header::default(),
        &serde_json::json!({
            "iss": "key", "sub": "ann", "exp": u32::MAX, "nbf": 0, "jti": "ann", "sha256": "",
            "video": {
                "roomJoin": true, "room": "kitchen", "canPublish": false, "canPublishData": true,
                "canPublishSources": ["camera", "screen_share"], "canUpdateOwnMetadata": true,
                "hidden": true, "agent": false, "destinationRoom": "x"
            }
        }),
    );
    let grants = keys().verify(&token).unwrap().video;
    assert_eq!(grants.can_publish, Some(false));
    assert_eq!(grants.can_subscribe, None);
    assert_eq!(grants.can_publish_sources, ["camera", "screen_share"]);
    assert!(grants.room_join && grants.hidden && grants.can_update_own_metadata == Some(true));
}

#[test]
fn rights_are_granted_one_by_one() {
    let mut claims = Claims::default();
    let denied = |result: Result<(), crate::error::ApiError>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        error.about().unwrap()
    };
    assert_eq!(denied(claims.allow(Right::CreateRoom)), "video.roomCreate");
    assert_eq!(denied(claims.allow(Right::ListRooms)), "video.roomList");
    assert_eq!(
        denied(claims.allow(Right::AdminRoom("a"))),
        "video.roomAdmin"
    );
    claims.video.room_admin = true;
    claims.video.room = "b".into();
    assert_eq!(denied(claims.allow(Right::AdminRoom("a"))), "video.room");
    assert_eq!(claims.allow(Right::AdminRoom("b")), Ok(()));
    claims.video.room_create = true;
    assert_eq!(claims.allow(Right::CreateRoom), Ok(()));
    assert_eq!(denied(claims.allow(Right::ListRooms)), "video.roomList");
}

#[test]
fn a_join_needs_the_grant_an_identity_and_the_room() {
    let mut claims = Claims::default();
    assert_eq!(
        claims.join_room(None).unwrap_err().about(),
        Some("video.roomJoin")
    );
    claims.video.room_join = true;
    assert_eq!(claims.join_room(None).unwrap_err().about(), Some("sub"));
    claims.sub = "ann".into();
    assert_eq!(
        claims.join_room(None).unwrap_err().about(),
        Some("video.room")
    );
    assert_eq!(claims.join_room(Some("a")), Ok("a"));
    claims.video.room = "b".into();
    assert_eq!(claims.join_room(None), Ok("b"));
    assert_eq!(
        claims.join_room(Some("a")).unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
}

#[test]
fn secrets_and_tokens_are_not_shown() {
    let minted = keys().mint(ann()).unwrap();
    let shown = format!("{:?} {minted:?}", keys());
    assert!(shown.contains("key") && !shown.contains(SECRET) && !shown.contains(&minted.token));
    let short = ApiKeys::new([("key".into(), "hunter2".into())], false).unwrap_err();
    assert_eq!(
        short,
        KeyError::ShortSecret {
            key: "key".into(),
            got: 7
        }
    );
    assert!(!short.to_string().contains("hunter2"));
    assert!(ApiKeys::new([("key".into(), "hunter2".into())], true).is_ok());
    assert_eq!(ApiKeys::new([], false).unwrap_err(), KeyError::None);
}

#[test]
fn a_validity_out_of_bounds_is_refused() {
    for ttl in [Duration::ZERO, MAX_TTL + Duration::from_secs(1)] {
        let refused = keys().mint(NewToken {
            ttl: Some(ttl),
            ..ann()
        });
        assert_eq!(refused.unwrap_err().about(), Some("ttl"));
    }
    let long = NewToken {
        metadata: "m".repeat(MAX_TOKEN_LEN),
        ..ann()
    };
    assert_eq!(keys().mint(long).unwrap_err().about(), Some("metadata"));
    assert!(SystemTime::now() < keys().mint(ann()).unwrap().expires_at);
}

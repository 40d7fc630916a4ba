use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use sfu_core::command::Command;
use tower::ServiceExt;

use super::*;
use crate::doors::recording::{self, keys};

mod why;

const DEVELOPMENT: Development = Development {
    fault_injection: false,
    published_key: true,
};

async fn call(router: &Router, method: Method, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn open() -> Router {
    router(DEVELOPMENT, keys(), recording::rooms().0)
}

#[tokio::test]
async fn a_token_admits_its_bearer_to_its_room() {
    let asked = r#"{"room":"kitchen","name":"Ann","identity":"ann","more":1}"#;
    let (status, body) = call(&open(), Method::POST, "/demo/token", asked).await;
    assert_eq!(status, StatusCode::OK);
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    let claims = keys().verify(answer["token"].as_str().unwrap()).unwrap();
    assert_eq!((claims.sub.as_str(), claims.name.as_str()), ("ann", "Ann"));
    assert_eq!(claims.join_room(None).unwrap(), "kitchen");
    assert!(!claims.video.room_admin);

    let identity = |body: &str| {
        let answer: serde_json::Value = serde_json::from_str(body).unwrap();
        keys()
            .verify(answer["token"].as_str().unwrap())
            .unwrap()
            .sub
    };
    let asked = r#"{"room":"kitchen","name":"Ann"}"#;
    let (_, one) = call(&open(), Method::POST, "/demo/token", asked).await;
    let (_, two) = call(&open(), Method::POST, "/demo/token", asked).await;
    assert_ne!(identity(&one), identity(&two), "guests are told apart");
}

#[tokio::test]
async fn a_bad_request_names_its_field() {
    let long = format!(r#"{{"room":"{}","name":"Ann"}}"#, "x".repeat(257));
    for (body, field) in [
        (r#"{"name":"Ann"}"#, "room"),
        (r#"{"room":" ","name":"Ann"}"#, "room"),
        (r#"{"room":"a\nb","name":"Ann"}"#, "room"),
        (long.as_str(), "room"),
        (r#"{"room":"a"}"#, "name"),
        (r#"{"room":"a","name":"Ann","identity":""}"#, "identity"),
        (r#"{"room":7,"name":"Ann"}"#, "room"),
        ("{", "body"),
    ] {
        let (status, text) = call(&open(), Method::POST, "/demo/token", body).await;
        assert!(status.is_client_error(), "{body}: {status}");
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        let error = &answer["error"];
        assert_eq!(error["code"], "invalid_argument", "{body}");
        assert!(
            error["message"].as_str().unwrap().contains(field),
            "{body}: {text}"
        );
    }
    let huge = format!(r#"{{"room":"{}"}}"#, "x".repeat(MAX_BODY));
    let (status, _) = call(&open(), Method::POST, "/demo/token", &huge).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_fault_is_only_injected_where_that_is_opened() {
    let path = "/demo/fault/panic?room=kitchen";
    let (status, _) = call(&open(), Method::POST, path, "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let (rooms, workers) = recording::rooms();
    let development = Development {
        fault_injection: true,
        ..DEVELOPMENT
    };
    let router = router(development, keys(), rooms.clone());
    let (status, text) = call(&router, Method::POST, path, "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        text.contains("not_found") && text.contains("room"),
        "{text}"
    );
    let (status, text) = call(&router, Method::POST, "/demo/fault/panic", "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(text.contains("room: required"), "{text}");

    let _ann = recording::join(&rooms, "kitchen", "ann");
    let (status, _) = call(&router, Method::POST, path, "").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let last = workers.commands().pop();
    assert!(
        matches!(last, Some(Command::InjectPanic { .. })),
        "{last:?}"
    );
}

/// The page is there or its absence is explained, depending on what was built before this test.
#[tokio::test]
async fn the_page_or_the_way_to_it() {
    let request = Request::get("/").body(Body::empty()).unwrap();
    let answer = open().oneshot(request).await.unwrap();
    if answer.status() == StatusCode::NOT_FOUND {
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("cargo xtask run"));
        return;
    }
    let headers = answer.headers();
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("connect-src 'self' ws: wss:") && !policy.contains("unsafe"));
    let tag = headers[header::ETAG].clone();
    let again = Request::get("/")
        .header(header::IF_NONE_MATCH, tag)
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        open().oneshot(again).await.unwrap().status(),
        StatusCode::NOT_MODIFIED
    );
}

#[tokio::test]
async fn paths_outside_the_page_are_not_found() {
    for path in [
        "/nothing.js",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/dist/../index.html",
    ] {
        let (status, _) = call(&open(), Method::GET, path, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(
        page::content_type("a.b.js"),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(page::content_type("unknown"), "application/octet-stream");
}

#[tokio::test]
async fn outside_development_no_token_is_given() {
    let router = closed_router();
    let asked = r#"{"room":"kitchen","name":"Ann"}"#;
    let (status, _) = call(&router, Method::POST, "/demo/token", asked).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, text) = call(&router, Method::GET, "/", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("/rtc/v1"));
}

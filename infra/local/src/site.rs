//! The built site, served as `CloudFront` and its bucket do: the staff's pages, and the portal's at
//! the host `portal.localhost`; every address that is no file is a page of the application.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tower_http::compression::CompressionLayer;

use crate::headers::host;
use crate::page::page;

/// A practice, as the sign-in pages offer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Practice {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Serves the folder `dist`, and what a page must know before it asks the API: a file of each practice,
/// and `/config.json` with those that are listed, which here are all.
pub fn routes(dist: PathBuf, practices: &[Practice]) -> Router {
    let told = |value| get(move || async move { ([(CACHE_CONTROL, "no-cache")], Json(value)) });
    let all = Router::new().route("/config.json", told(json!({"practices": practices})));
    practices
        .iter()
        .fold(all, |all, one| all.route(&format!("/practices/{}.json", one.id), told(json!(one))))
        .fallback(serve)
        .layer(CompressionLayer::new())
        .with_state(Arc::from(dist))
}

async fn serve(State(dist): State<Arc<Path>>, request: Request) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    let path = request.uri().path();
    let headers = request.headers();
    match read(&dist, path).await {
        Ok(Some(content)) => return answer(path, content, headers),
        Ok(None) if looks_like_a_file(path) && !is_a_mailed_link(path) => return not_found(),
        Ok(None) => {}
        Err(error) => return unreadable(&error),
    }
    let entry = match host(headers) {
        Some(host) if host.starts_with("portal.") => "/portal.html",
        _ => "/index.html",
    };
    match read(&dist, entry).await {
        Ok(Some(content)) => answer(entry, content, headers),
        Ok(None) => not_built(),
        Err(error) => unreadable(&error),
    }
}

/// The content of the file that a path names, if it names one. A path names a file only when each
/// of its parts is a plain name, so there is no way out of the folder, and no link leads out.
async fn read(dist: &Path, path: &str) -> io::Result<Option<Vec<u8>>> {
    let mut file = dist.to_owned();
    for part in path.trim_start_matches('/').split('/') {
        let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if part.is_empty() || part.starts_with('.') || !plain {
            return Ok(None);
        }
        file.push(part);
    }
    let missing = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
        )
    };
    let read = async {
        let (file, dist) =
            (tokio::fs::canonicalize(&file).await?, tokio::fs::canonicalize(dist).await?);
        if !file.starts_with(dist) || !tokio::fs::metadata(&file).await?.is_file() {
            return Ok(None);
        }
        tokio::fs::read(&file).await.map(Some)
    };
    match read.await {
        Err(error) if missing(&error) => Ok(None),
        other => other,
    }
}

/// Whether a path that names no file was meant to, rather than a page of the application.
fn looks_like_a_file(path: &str) -> bool {
    path.starts_with("/assets/") || path.rsplit('/').next().is_some_and(|last| last.contains('.'))
}

/// Whether a path is that of a link in a mail, whatever became of it on its way. The token stands
/// behind a `#`, which some mail programs escape (`/harbor/enroll%23…`), and what surrounds a link in
/// a text comes along (`/harbor/enroll%23….`, `/harbor/enroll%3E`). The page takes the token out of
/// its address, so it must be reached.
fn is_a_mailed_link(path: &str) -> bool {
    !path.starts_with("/assets/")
        && path.split('/').any(|part| {
            ["confirm-email", "enroll", "password"].iter().any(|page| {
                part.get(..page.len()).is_some_and(|start| start.eq_ignore_ascii_case(page))
                    && !part[page.len()..].starts_with(|next: char| next.is_ascii_alphanumeric())
            })
        })
}

fn answer(path: &str, content: Vec<u8>, request: &HeaderMap) -> Response {
    // Vite puts a hash of the content into the names below /assets/.
    let cache = if path.starts_with("/assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    // Weak, as what is compared is the content before it was compressed.
    let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&content)));
    let known = request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim() == tag);
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, content).into_response()
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "There is no such file.\n").into_response()
}

fn unreadable(error: &io::Error) -> Response {
    tracing::error!(%error, "a file of the site cannot be read");
    (StatusCode::INTERNAL_SERVER_ERROR, "The site cannot be read.\n").into_response()
}

fn not_built() -> Response {
    let main = "<h1>The site is not built yet</h1>\n<p>Run <code>make run</code>, which builds the site and starts Latchkey, then load this page again.</p>";
    (StatusCode::SERVICE_UNAVAILABLE, page("The site is not built yet", main)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::state::TestFolder;

    fn site() -> (TestFolder, Router) {
        let folder = TestFolder::new();
        let dist = folder.0.join("dist");
        std::fs::create_dir_all(dist.join("assets")).unwrap();
        for (name, content) in [
            ("dist/index.html", "staff"),
            ("dist/portal.html", "portal"),
            ("dist/assets/app-B3f_x1-9.js", "console.log(1)"),
            ("dist/.env", "secret"),
            ("secret.txt", "secret"),
        ] {
            std::fs::write(folder.0.join(name), content).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.0.join("secret.txt"), dist.join("link.txt")).unwrap();
        let practices = [Practice { id: "harbor".into(), name: "Harbor Practice".into() }];
        (folder, routes(dist, &practices))
    }

    async fn fetch(
        site: &Router,
        host: &str,
        path: &str,
        tag: Option<&str>,
    ) -> (StatusCode, HeaderMap, String) {
        let mut request = http::Request::get(path).header("host", host);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = site.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn each_host_has_its_entry_at_every_address() {
        let (_folder, site) = site();
        for (host, path, expected) in [
            ("localhost:8600", "/", "staff"),
            ("localhost:8600", "/clients/01J/portal", "staff"),
            ("portal.localhost:8600", "/", "portal"),
            ("portal.localhost:8600", "/enroll", "portal"),
        ] {
            let (status, headers, body) = fetch(&site, host, path, None).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, expected), "{host}{path}");
            assert_eq!(headers[CACHE_CONTROL], "no-cache");
            assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
        }
    }

    #[tokio::test]
    async fn a_mailed_link_reaches_its_page_whatever_a_mail_program_made_of_it() {
        let (_folder, site) = site();
        for path in [
            "/harbor/enroll%23bm9ib2R5",
            "/harbor/enroll%23bm9ib2R5.",
            "/harbor/enroll%23bm9ib2R5%3E",
            "/harbor/enroll%23token=bm9ib2R5%20.",
            "/harbor/confirm-email%23bm9ib2R5",
            "/harbor/enroll%2523bm9ib2R5.",
            "/harbor/enroll=23bm9ib2R5.",
            "/harbor/enroll.",
            "/harbor/enroll/.",
            "/harbor/password%23bm9ib2R5.",
            "/harbor/password.",
            "/harbor/Password%23bm9ib2R5).",
            "/enroll%23bm9ib2R5.",
        ] {
            let (status, headers, body) = fetch(&site, "portal.localhost:8600", path, None).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, "portal"), "{path}");
            assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
        }
        for path in ["/harbor/enrolled.js", "/assets/enroll.js", "/passwords.txt", "/gone.js"] {
            let (status, _, _) = fetch(&site, "portal.localhost:8600", path, None).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn assets_are_kept_for_good_and_known_content_is_not_sent_again() {
        let (_folder, site) = site();
        let (_, headers, body) = fetch(&site, "localhost", "/assets/app-B3f_x1-9.js", None).await;
        assert_eq!(body, "console.log(1)");
        assert!(headers[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
        let tag = headers[ETAG].to_str().unwrap();
        let (status, _, body) =
            fetch(&site, "localhost", "/assets/app-B3f_x1-9.js", Some(tag)).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""));
        let (status, _, _) = fetch(&site, "localhost", "/assets/gone-123.js", None).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn nothing_outside_the_folder_can_be_had() {
        let (_folder, site) = site();
        for path in [
            "/../secret.txt",
            "/assets/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/assets/..%5c..%5csecret.txt",
            "//etc/passwd",
            "/.env",
            "/link.txt",
        ] {
            let (_, _, body) = fetch(&site, "localhost", path, None).await;
            assert!(!body.contains("secret") && !body.contains("root:"), "{path}: {body}");
        }
    }

    #[tokio::test]
    async fn the_practices_are_told_and_a_missing_site_says_what_to_do() {
        let (folder, site) = site();
        let (_, _, body) = fetch(&site, "portal.localhost", "/config.json", None).await;
        assert_eq!(body, r#"{"practices":[{"id":"harbor","name":"Harbor Practice"}]}"#);
        let (_, headers, body) =
            fetch(&site, "portal.localhost", "/practices/harbor.json", None).await;
        assert_eq!(body, r#"{"id":"harbor","name":"Harbor Practice"}"#);
        assert_eq!(headers[CACHE_CONTROL], "no-cache");
        let (status, _, _) = fetch(&site, "portal.localhost", "/practices/cove.json", None).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        std::fs::remove_dir_all(folder.0.join("dist")).unwrap();
        let (status, _, body) = fetch(&site, "localhost", "/", None).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("make run"), "{body}");
    }
}

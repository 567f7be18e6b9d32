//! Where the mail of the local home is read: a page for people and a list for programs.

use std::fmt::{Display, Write};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::BoxError;
use crate::headers::content_policy;
use crate::mail::{Mail, MailStore};
use crate::page::{Escaped, page, with_links};

/// A mail's own HTML: inline styles as mails have them, pictures only from within, and links that
/// leave the frame. It runs no scripts and sends no forms.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; sandbox allow-top-navigation-by-user-activation allow-popups allow-popups-to-escape-sandbox";

/// How many mails are listed.
const LISTED: u32 = 500;

/// `/mailbox`, `/mailbox/messages` and the mails below.
pub fn routes(store: MailStore) -> Router {
    Router::new()
        .route("/mailbox", get(list))
        .route("/mailbox/messages", get(messages))
        .route("/mailbox/{id}", get(show))
        .route("/mailbox/{id}/html", get(html))
        .with_state(store)
}

/// What a reader of the mailbox is told when the store fails or has no such mail.
enum Unreadable {
    Failed(BoxError),
    NoSuchMail,
}

impl From<BoxError> for Unreadable {
    fn from(error: BoxError) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Failed(error) => {
                tracing::error!(%error, "the mailbox cannot be read");
                (StatusCode::INTERNAL_SERVER_ERROR, "The mailbox cannot be read.")
            }
            Self::NoSuchMail => (StatusCode::NOT_FOUND, "There is no such mail."),
        };
        (status, page(text, &format!("<h1>{text}</h1><p><a href=\"/mailbox\">Mailbox</a></p>")))
            .into_response()
    }
}

#[derive(Deserialize)]
struct Limit {
    limit: Option<u32>,
}

async fn messages(
    State(store): State<MailStore>,
    Query(query): Query<Limit>,
) -> Result<Response, Unreadable> {
    let limit = query.limit.unwrap_or(LISTED).min(10_000);
    let messages = store.with(move |store| store.newest(limit)).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(json!({"messages": messages}))).into_response())
}

async fn list(State(store): State<MailStore>) -> Result<Response, Unreadable> {
    let mails = store.with(|store| store.newest(LISTED)).await?;
    let mut content = String::from(
        "<h1>Mailbox</h1>\n<p class=\"quiet\">Every mail that was sent here, whoever it is to; nothing leaves this machine. <a href=\"/mailbox\">Look again</a></p>\n",
    );
    if mails.is_empty() {
        content.push_str("<p>No mail yet. Invite somebody to the portal, and it arrives here.</p>");
    } else {
        content.push_str("<ul class=\"cards\">\n");
        for mail in &mails {
            let _ = writeln!(
                content,
                "<li><a href=\"/mailbox/{}\"><span><strong>{}</strong><br>{}</span><time class=\"quiet\" datetime=\"{at}\">{when}</time></a></li>",
                Escaped(&mail.id),
                Escaped(&mail.subject),
                Escaped(&mail.to),
                at = mail.at,
                when = when(mail.at),
            );
        }
        content.push_str("</ul>");
    }
    Ok(([(CACHE_CONTROL, "no-store")], page("Mailbox", &content)).into_response())
}

/// A moment for a person to read.
fn when(at: Timestamp) -> impl Display {
    at.strftime("%Y-%m-%d %H:%M:%S UTC")
}

async fn find(store: &MailStore, id: String) -> Result<Mail, Unreadable> {
    store.with(move |store| store.find(&id)).await?.ok_or(Unreadable::NoSuchMail)
}

async fn show(
    State(store): State<MailStore>,
    Path(id): Path<String>,
) -> Result<Response, Unreadable> {
    let mail = find(&store, id).await?;
    let mut content = format!(
        "<p><a href=\"/mailbox\">Mailbox</a></p>\n<h1>{}</h1>\n<dl><dt>To</dt><dd>{}</dd><dt>Sent</dt><dd>{}</dd></dl>\n",
        Escaped(&mail.subject),
        Escaped(&mail.to),
        when(mail.at),
    );
    let text = format!("<pre>{}</pre>", with_links(&mail.text));
    if mail.html.is_empty() {
        content.push_str(&text);
    } else {
        let _ = writeln!(
            content,
            "<iframe src=\"/mailbox/{}/html\" title=\"The mail\" sandbox=\"allow-top-navigation-by-user-activation allow-popups allow-popups-to-escape-sandbox\"></iframe>",
            Escaped(&mail.id),
        );
        let _ = writeln!(content, "<details><summary>As plain text</summary>{text}</details>");
    }
    let policy = format!("{}; frame-src 'self'", content_policy());
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, policy.as_str())];
    Ok((headers, page(&mail.subject, &content)).into_response())
}

async fn html(
    State(store): State<MailStore>,
    Path(id): Path<String>,
) -> Result<Response, Unreadable> {
    let mail = find(&store, id).await?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, MAIL_POLICY),
    ];
    Ok((headers, leaving_the_frame(&mail.html)).into_response())
}

/// The mail with its links opening in the window rather than in the frame.
fn leaving_the_frame(html: &str) -> String {
    const TARGET: &str = "<base target=\"_top\">";
    let head = html.find("<head").and_then(|start| Some(start + html[start..].find('>')? + 1));
    match head {
        Some(inside) => format!("{}{TARGET}{}", &html[..inside], &html[inside..]),
        None => format!("<!doctype html>{TARGET}{html}"),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::state::TestFolder;

    async fn get(store: &MailStore, path: &str) -> (StatusCode, String, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = routes(store.clone()).oneshot(request).await.unwrap();
        let policy = response
            .headers()
            .get(CONTENT_SECURITY_POLICY)
            .map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, policy, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn shows_mail_newest_first_and_runs_nothing_of_it() {
        let folder = TestFolder::new();
        let store = MailStore::open(&folder.0.join("mail.db")).unwrap();
        for (id, subject) in [("a", "First"), ("b", "<script>Second</script>")] {
            let mail = Mail {
                id: id.into(),
                to: "amara@example.com".into(),
                subject: subject.into(),
                text: "Go to http://portal.localhost:8600/enroll#t".into(),
                html: "<html><head><title>x</title></head><a href=\"http://portal.localhost:8600/enroll#t\">Go</a></html>".into(),
                at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            };
            store.accept(&mail, &[]).unwrap();
        }
        let (_, _, body) = get(&store, "/mailbox/messages").await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let ids: Vec<&str> = body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mail| mail["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["b", "a"]);
        assert_eq!(body["messages"][1]["at"], "2026-01-02T03:04:05.678Z");

        let (_, _, list) = get(&store, "/mailbox").await;
        assert!(!list.contains("<script>") && list.contains("&lt;script&gt;Second"), "{list}");

        let (_, policy, mail) = get(&store, "/mailbox/b").await;
        assert!(policy.starts_with(content_policy()) && policy.contains("frame-src 'self'"));
        assert!(mail.contains("<iframe src=\"/mailbox/b/html\""), "{mail}");
        assert!(mail.contains("<a href=\"http://portal.localhost:8600/enroll#t\">"), "{mail}");

        let (_, policy, html) = get(&store, "/mailbox/b/html").await;
        assert_eq!(policy, MAIL_POLICY);
        assert!(html.contains("<head><base target=\"_top\">"), "{html}");

        assert_eq!(get(&store, "/mailbox/c").await.0, StatusCode::NOT_FOUND);
    }
}

//! The pages of the room.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::{
    Place,
    provider::{Chart, Person},
};
use crate::page::{Escaped, page};

/// The messages of every chart: subject and text.
const MESSAGES: [(&str, &str); 2] = [
    (
        "Welcome to your messages",
        "Write to us here about appointments, forms and bills. For anything urgent, call the practice.",
    ),
    (
        "Before your next visit",
        "Please come ten minutes early and bring your insurance card. The entrance is on the harbor side.",
    ),
];

/// Whether there is a message of this number.
pub fn has(number: usize) -> bool {
    (1..=MESSAGES.len()).contains(&number)
}

/// A page that shows no chart.
#[derive(Debug, Clone, Copy)]
pub enum Word {
    Ended,
    SignedOut,
    NotHere,
    NoAccess,
    NotSignedIn,
    NotBegunHere,
    AnotherIssuer,
    Twice,
    NoAnswer,
    NoSuchPage,
}

impl Word {
    /// The page.
    pub fn say(self) -> Response {
        let (status, title, text, link) = match self {
            Self::Ended => (
                StatusCode::FORBIDDEN,
                "Your access has ended",
                "You signed out, or the practice ended your access. This room shows you nothing more.",
                "Sign in again",
            ),
            Self::SignedOut => (
                StatusCode::OK,
                "You are signed out",
                "You are signed out here and in the portal.",
                "Sign in again",
            ),
            Self::NotHere => (
                StatusCode::OK,
                "You are not signed in here",
                "In the portal you may be. If others use this device, sign out there too.",
                "Sign in again",
            ),
            Self::NoAccess => (
                StatusCode::FORBIDDEN,
                "You have no messages here",
                "Nobody’s messages are open to you. Ask the practice if you think they should be.",
                "Try again",
            ),
            Self::NotSignedIn => (
                StatusCode::FORBIDDEN,
                "You are not signed in",
                "The portal did not let you in. You can try once more.",
                "Try again",
            ),
            Self::NotBegunHere => (
                StatusCode::BAD_REQUEST,
                "This sign-in cannot go on",
                "It was not begun in this browser, was finished before, or took too long.",
                "Start again",
            ),
            Self::AnotherIssuer => (
                StatusCode::BAD_REQUEST,
                "This link does not come from your portal",
                "The room opens from one portal only, and this link names another one.",
                "Open the room from your portal",
            ),
            Self::Twice => (
                StatusCode::BAD_REQUEST,
                "This link is not right",
                "It says something twice.",
                "Open your messages",
            ),
            Self::NoAnswer => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The portal does not answer",
                "So the room cannot ask whether you may see this, and shows nothing.",
                "Try again",
            ),
            Self::NoSuchPage => (
                StatusCode::NOT_FOUND,
                "There is no such page",
                "The link may be old or mistyped.",
                "Open your messages",
            ),
        };
        let main = format!(
            "<h1>{title}</h1>\n<p>{text}</p>\n<p><a class=\"button\" href=\"/\">{link}</a></p>"
        );
        (status, page(title, &main)).into_response()
    }
}

/// Says that the portal did not answer when the person signed out.
pub fn signed_out_here_alone() -> Response {
    let title = "You are signed out of this room only";
    let main = format!(
        "<h1>{title}</h1>\n<p>The portal does not answer now, so you may still be signed in there.</p>\n\
         <form method=\"post\" action=\"/sign-out\"><button>Sign out of the portal</button></form>\n"
    );
    (StatusCode::SERVICE_UNAVAILABLE, page(title, &main)).into_response()
}

/// The page of a chart, of one of its messages, or the choice among the charts that are open.
pub fn chart(person: &Person, place: &Place) -> Response {
    let wanted = match (&place.chart, person.charts.as_slice()) {
        (Some(id), charts) => charts.iter().find(|chart| chart.client_id == *id),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let (status, title, mut main) = match (wanted, &place.chart, place.message) {
        (Some(chart), _, Some(number)) => (StatusCode::OK, subject(number), message(chart, number)),
        (Some(chart), _, None) => {
            (StatusCode::OK, format!("Messages of {}", chart.name()), messages(chart))
        }
        (None, None, _) => {
            (StatusCode::OK, "Whose messages?".into(), "<h1>Whose messages?</h1>\n".into())
        }
        (None, Some(_), _) => {
            let title = "These messages are not open to you";
            let text =
                "Your access to this chart has ended, or you never had any. These are open to you:";
            let main = format!("<h1>{title}</h1>\n<p>{text}</p>\n");
            (StatusCode::FORBIDDEN, title.into(), main)
        }
    };
    let others = person.charts.iter().filter(|chart| wanted.is_none_or(|wanted| wanted != *chart));
    let others: Vec<(String, String)> =
        others.map(|chart| (place_of(chart, None).path(), chart.name())).collect();
    if !others.is_empty() {
        main.push_str("<nav aria-label=\"Charts\">\n<ul class=\"cards\">\n");
        for (path, name) in &others {
            let (path, name) = (Escaped(path), Escaped(name));
            let _ = writeln!(main, "<li><a href=\"{path}\"><strong>{name}</strong></a></li>");
        }
        main.push_str("</ul>\n</nav>\n");
    }
    let _ = write!(
        main,
        "<form method=\"post\" action=\"/sign-out\"><p>Signed in as {}</p><button>Sign out</button></form>\n\
         <p class=\"quiet\">This is a sample room: it keeps no messages. At every page it asks the portal whether you may see it.</p>",
        Escaped(&person.name)
    );
    (status, page(&title, &main)).into_response()
}

fn place_of(chart: &Chart, message: Option<usize>) -> Place {
    Place { chart: Some(chart.client_id.clone()), message }
}

fn subject(number: usize) -> String {
    MESSAGES[number - 1].0.to_owned()
}

fn messages(chart: &Chart) -> String {
    let mut main = format!("<h1>Messages of {}</h1>\n", Escaped(&chart.name()));
    if let Some(record) = &chart.record_number {
        let _ = writeln!(main, "<p class=\"quiet\">Chart {}</p>", Escaped(record));
    }
    main.push_str("<ul class=\"cards\">\n");
    for (number, (subject, text)) in (1..).zip(MESSAGES) {
        let path = place_of(chart, Some(number)).path();
        let _ = writeln!(
            main,
            "<li><a href=\"{}\"><span><strong>{subject}</strong><br>{text}</span></a></li>",
            Escaped(&path)
        );
    }
    main.push_str("</ul>\n");
    main
}

fn message(chart: &Chart, number: usize) -> String {
    let (subject, text) = MESSAGES[number - 1];
    let back = place_of(chart, None).path();
    let (back, name) = (Escaped(&back), chart.name());
    format!(
        "<p><a href=\"{back}\">Messages of {}</a></p>\n<h1>{subject}</h1>\n<p>{text}</p>\n",
        Escaped(&name)
    )
}

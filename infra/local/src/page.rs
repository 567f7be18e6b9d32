//! The few pages the local home draws itself: mailbox, staff sign-in, "build the site first".
//! Plain HTML without scripts, one stylesheet, everything escaped.

use std::fmt::{self, Write};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// Where the stylesheet is.
const STYLESHEET: &str = "/local/page.css";

/// Serves the stylesheet of the pages.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    Router::new().route(STYLESHEET, get(move || async move { (headers, include_str!("page.css")) }))
}

/// A whole page around `main`, which is HTML already.
pub fn page(title: &str, main: &str) -> Html<String> {
    let title = Escaped(title);
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"/icon.svg\">\n<link rel=\"stylesheet\" href=\"{STYLESHEET}\">\n</head>\n\
         <body>\n<main>\n{main}\n</main>\n</body>\n</html>\n"
    ))
}

/// Text made safe for HTML, in elements and in quoted attributes.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Text as HTML in which web addresses are links.
#[must_use]
pub fn with_links(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 64);
    for word in text.split_inclusive(char::is_whitespace) {
        let address = word.trim_end().trim_end_matches(['.', ',', ';', ')', '>']);
        let is_link = address.starts_with("https://") || address.starts_with("http://");
        let (address, rest) = word.split_at(if is_link { address.len() } else { 0 });
        if is_link {
            let _ = write!(html, "<a href=\"{0}\">{0}</a>", Escaped(address));
        }
        let _ = write!(html, "{}", Escaped(rest));
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links_and_nothing_else_becomes_html() {
        assert_eq!(
            with_links("See http://x.test/a#b?c&d. <b>\n"),
            "See <a href=\"http://x.test/a#b?c&amp;d\">http://x.test/a#b?c&amp;d</a>. &lt;b&gt;\n"
        );
        assert_eq!(with_links("javascript:alert(1)"), "javascript:alert(1)");
        assert_eq!(
            with_links("http://x/\"onclick=\"y"),
            "<a href=\"http://x/&quot;onclick=&quot;y\">http://x/&quot;onclick=&quot;y</a>"
        );
    }
}

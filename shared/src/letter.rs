//! The mails that a portal user gets, and those that the practice gets about
//! them, as text and as HTML.
//!
//! Hides how a mail is put together so that it reads well in every client: the
//! table layout of `letter/frame.html`, the wording of `letter/words.rs`, and the
//! escaping. Pure: what to send, when and to whom is the outbox's business.
//!
//! Three promises are kept here rather than by callers. Nothing given can become
//! markup, a header, another line or a link. A mail has no place for a password,
//! health information or a client's name; what the practice itself gets names a
//! chart by its record number. The link is only ever a web
//! address on one line, and no `Debug` shows it, since it carries a token.

mod linked;
#[cfg(test)]
mod tests;
mod words;

use std::{error::Error, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use words::{Mail, Terms, Words};

use crate::{fields::is_unseen, mail::MailKind};

pub use linked::{is_linked, sign_in_name};

/// Table layout and inline styles, because mail clients drop most of the rest;
/// dark colours are an enhancement. No image, font or script, so that opening a
/// mail tells nobody that it was opened.
const FRAME: &str = include_str!("letter/frame.html");

/// Columns of the plain-text part, in characters.
const LINE: usize = 72;

/// What one practice name may take of a subject, in characters.
const NAME_IN_SUBJECT: usize = 80;

/// The languages a mail can be written in, and a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Spanish, addressing as usted.
    Es,
    /// French, addressing as vous.
    Fr,
}

impl Language {
    /// Every language, for callers that must cover them all.
    pub const ALL: [Self; 3] = [Self::En, Self::Es, Self::Fr];

    /// The language of a BCP 47 tag (`es`, `fr-CA`), by its first subtag alone;
    /// English when there is none we write.
    #[must_use]
    pub fn from_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(primary))
            .unwrap_or_default()
    }

    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.words().tag
    }

    /// A moment as the language writes it: "November 29, 2026 at 09:03 EST (New York)".
    #[must_use]
    pub fn moment(self, at: &Local) -> String {
        let words = self.words();
        let month = usize::from(at.month).checked_sub(1).and_then(|m| words.months.get(m));
        let day = if at.day == 1 { words.first.to_owned() } else { at.day.to_string() };
        let parts = [
            ("year", at.year.to_string()),
            ("month", month.copied().unwrap_or_default().to_owned()),
            ("day", day),
            ("time", format!("{:02}:{:02}", at.hour, at.minute)),
            ("zone", at.zone.clone()),
        ];
        fill(words.moment, &parts.each_ref().map(|(slot, value)| (*slot, value.as_str())))
    }

    const fn words(self) -> &'static Words {
        match self {
            Self::En => &words::ENGLISH,
            Self::Es => &words::SPANISH,
            Self::Fr => &words::FRENCH,
        }
    }
}

/// What clocks and calendars show at a moment, in some time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The year.
    pub year: i16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour, from 0 to 23.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
    /// The zone's name, as people know it: `EST (New York)`.
    pub zone: String,
}

/// A web address fit to stand in a mail. It may carry a token, so its `Debug`
/// prints nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Link<'a>(&'a str);

impl<'a> Link<'a> {
    /// Longest address in bytes; one line of mail holds 998 (RFC 5322, 2.1.1).
    pub const MAX_BYTES: usize = 900;

    /// Takes an absolute `http` or `https` URL in its encoded form (RFC 3986:
    /// printable ASCII without quotes, angle brackets and the like), with a host
    /// and without user information, which would disguise the host.
    ///
    /// # Errors
    ///
    /// [`BadLink`] for anything else. The address is not in the error.
    pub fn new(url: &'a str) -> Result<Self, BadLink> {
        let (scheme, rest) = url.split_once("://").ok_or(BadLink)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        let host = !authority.is_empty() && !authority.starts_with(':') && !authority.contains('@');
        let plain =
            url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte));
        if web && host && plain && url.len() <= Self::MAX_BYTES {
            Ok(Self(url))
        } else {
            Err(BadLink)
        }
    }

    /// The address.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(…)")
    }
}

/// The address is not one that may stand in a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLink;

impl fmt::Display for BadLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an absolute http or https address that may stand in a mail")
    }
}

impl Error for BadLink {}

/// The occasion of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What happens to somebody's access.
    Access(MailKind),
    /// Something new waits for a client.
    Alert,
    /// Something new waits for a client, and nobody may be told of it: to the practice.
    Inbox,
}

impl From<MailKind> for Kind {
    fn from(kind: MailKind) -> Self {
        Self::Access(kind)
    }
}

/// What a mail is made of. It has no `Debug`: names do not belong in logs.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// The occasion.
    pub kind: Kind,
    /// The practice's name as it wishes to be known; when blank, "your practice".
    pub practice_name: &'a str,
    /// How the portal user is addressed, never the client; the greeting has no
    /// name when it is blank, or a mail program would make a link of it. Any
    /// text: it stays text.
    pub person_name: &'a str,
    /// The name the person signs in with, as [`sign_in_name`] allows it. What goes
    /// to a former address or one that is not confirmed does not show it, nor does an alert.
    pub username: Option<&'a str>,
    /// The number of the chart, for what the practice gets.
    pub record_number: Option<&'a str>,
    /// Where the button leads.
    pub link: Link<'a>,
    /// When a single-use link ends, formatted in `language` and with its time
    /// zone, to follow "expires on", "caduca el", "expire le". The other kinds
    /// do not show it.
    pub expires: Option<&'a str>,
    /// The language of the whole mail.
    pub language: Language,
}

/// A mail ready to send. Its `Debug` prints nothing: the link carries a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line without control characters. Not yet encoded for a header.
    pub subject: String,
    /// The `text/plain` part, lines ended by `\n`.
    pub text: String,
    /// The `text/html` part, a whole document in UTF-8.
    pub html: String,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rendered(…)")
    }
}

/// Writes the mail.
#[must_use]
pub fn render(letter: &Letter<'_>) -> Rendered {
    let content = Content::of(letter);
    Rendered { text: content.text(), html: content.html(), subject: content.subject }
}

/// A mail as plain text in reading order, before it takes either form.
struct Content {
    language: Language,
    subject: String,
    preheader: String,
    brand: String,
    heading: String,
    /// Greeting, body and sign-in name.
    opening: Vec<String>,
    button: &'static str,
    link: String,
    terms: Option<String>,
    doubt: String,
    advice: String,
    promise: String,
}

impl Content {
    fn of(letter: &Letter<'_>) -> Self {
        let words = letter.language.words();
        let mail: &Mail = match letter.kind {
            Kind::Access(MailKind::Invitation) => &words.invitation,
            Kind::Access(MailKind::AccessGranted) => &words.access_granted,
            Kind::Access(MailKind::PasswordReset) => &words.password_reset,
            Kind::Access(MailKind::PasswordChanged) => &words.password_changed,
            Kind::Access(MailKind::FactorAdded) => &words.factor_added,
            Kind::Access(MailKind::FactorRemoved) => &words.factor_removed,
            Kind::Access(MailKind::RecoveryCodeMade) => &words.recovery_code_made,
            Kind::Access(MailKind::RecoveryCodeUsed) => &words.recovery_code_used,
            Kind::Access(MailKind::FactorReset) => &words.factor_reset,
            Kind::Access(MailKind::EmailChanged) => &words.email_changed,
            Kind::Access(MailKind::EmailReplaced) => &words.email_replaced,
            Kind::Access(MailKind::EmailConfirmation) => &words.email_confirmation,
            Kind::Access(MailKind::UsernameChanged) => &words.username_changed,
            Kind::Alert => &words.alert,
            Kind::Inbox => &words.inbox,
        };

        let given = one_line(letter.practice_name);
        let or_else = |name: String, stand_in: &str| {
            if name.is_empty() { stand_in.to_owned() } else { name }
        };
        let practice = or_else(given.clone(), words.unnamed_in_text);
        let in_subject = or_else(shortened(&given, NAME_IN_SUBJECT), words.unnamed_in_subject);
        // Between letters or digits a dot would make a link of it.
        let apart = |number: &str| one_line(number).replace('.', ". ");
        let record = letter.record_number.map(apart).unwrap_or_default();
        let say = |text: &str| fill(text, &[("practice", &practice), ("record", &record)]);

        // An address that nobody has confirmed may be a stranger's.
        let known = letter.kind != Kind::Access(MailKind::EmailConfirmation);
        let name = if known { one_line(letter.person_name) } else { String::new() };
        let greeting = if name.is_empty() || linked::is_linked(&name) {
            words.plain_greeting.to_owned()
        } else {
            fill(words.greeting, &[("name", &name)])
        };
        let shown = match letter.kind {
            Kind::Access(kind) => known && kind != MailKind::EmailReplaced,
            Kind::Alert | Kind::Inbox => false,
        };
        let username = letter.username.filter(|_| shown).map(one_line);
        let username = username.map(|name| fill(words.sign_in, &[("username", &name)]));
        let expires = letter.expires.map(one_line).filter(|expires| !expires.is_empty());
        let terms = match mail.terms {
            Terms::Lasting => None,
            Terms::SingleUse { dated, undated, renewal } => {
                let life = match expires {
                    Some(expires) => fill(dated, &[("expires", &expires)]),
                    None => undated.to_owned(),
                };
                Some(format!("{life} {}", say(renewal)))
            }
        };

        Self {
            language: letter.language,
            subject: fill(mail.subject, &[("practice", &in_subject)]),
            preheader: say(mail.preheader),
            brand: or_else(given, words.portal),
            heading: say(mail.heading),
            opening: std::iter::once(greeting)
                .chain(mail.body.iter().map(|text| say(text)))
                .chain(username)
                .collect(),
            button: mail.button,
            link: letter.link.as_str().to_owned(),
            terms,
            doubt: say(mail.doubt),
            advice: say(mail.advice),
            promise: say(words.promise),
        }
    }

    fn text(&self) -> String {
        let action = fill(self.language.words().action, &[("button", self.button)]);
        let mut blocks = vec![wrapped(&self.brand)];
        blocks.extend(self.opening.iter().map(|text| wrapped(text)));
        blocks.push(format!("{}\n{}", wrapped(&action), self.link));
        blocks.extend(self.terms.iter().map(|text| wrapped(text)));
        blocks.push(format!("{}\n{}", wrapped(&self.doubt), wrapped(&self.advice)));
        blocks.push(wrapped(&self.promise));
        blocks.join("\n\n") + "\n"
    }

    fn html(&self) -> String {
        let paragraphs =
            |texts: &[String]| texts.iter().map(|text| paragraph(text)).collect::<String>();
        let link = escaped(&self.link);
        fill(
            FRAME,
            &[
                ("lang", self.language.tag()),
                ("title", &escaped(&self.subject)),
                ("preheader", &escaped(&self.preheader)),
                ("brand", &escaped(&self.brand)),
                ("heading", &escaped(&self.heading)),
                ("opening", &paragraphs(&self.opening)),
                ("href", &link),
                ("button", &escaped(self.button)),
                ("terms", &paragraphs(self.terms.as_slice())),
                ("by_hand", &escaped(self.language.words().by_hand)),
                ("address", &link),
                ("doubt", &escaped(&self.doubt)),
                ("advice", &escaped(&self.advice)),
                ("promise", &escaped(&self.promise)),
            ],
        )
    }
}

fn paragraph(text: &str) -> String {
    format!(
        "<p class=\"ink\" style=\"margin: 0 0 16px; color: #17232d; font-size: 16px; line-height: \
         24px;\">{}</p>\n",
        escaped(text)
    )
}

/// Puts values into `{slots}`. What a value holds is never read again, so a
/// practice called `{name}` stays `{name}`; braces that are no slot (the style
/// sheet's) stay too.
fn fill(template: &str, slots: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let slot = after.split_once('}').and_then(|(name, tail)| {
            let (_, value) = slots.iter().find(|(slot, _)| *slot == name)?;
            Some((value, tail))
        });
        if let Some((value, tail)) = slot {
            filled.push_str(value);
            rest = tail;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// Text given from outside as one line: breaks and controls become single
/// spaces. Characters that reorder what follows or are not seen go, so that a
/// name cannot rewrite the sentence it stands in; the joiners that Persian,
/// Indic scripts and emoji need stay.
fn one_line(given: &str) -> String {
    let visible = given.chars().filter(|c| !is_unseen(*c));
    let spaced: String = visible.map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `limit` characters, the last one then an ellipsis.
fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit - 1).collect();
    format!("{}…", kept.trim_end())
}

/// For element content and quoted attributes alike.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Broken at spaces into lines of [`LINE`] characters; a longer word keeps a
/// line to itself. No-break spaces hold.
fn wrapped(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len() + 8);
    let mut column = 0;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > 0 {
            let fits = column + 1 + width <= LINE;
            wrapped.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped
}

//! Section 3 of the design: whatever is not what the API document asks for is refused, with the
//! field named and nothing written; and rule 14: nothing personal in addresses or logs.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    io::Write,
};

use api_tests::{
    Answer, Call, PASSWORD, PORTAL, World,
    authenticator::{Authenticator, Device},
    people::{Invited, Staff, text},
    programs::{Program, system},
    routes::operations,
};
use http::Request;
use http_body_util::BodyExt;
use proptest::{
    collection::vec,
    prelude::{ProptestConfig, Strategy, any},
    prop_oneof,
    sample::select,
    test_runner::{RngSeed, TestRunner},
};
use serde_json::{Value, json};
use shared::fields::{
    self, NamePart, PhoneNumber, Professional, ProofName, Reason, RecordNumber, Refusal, SearchText,
};
use tower::ServiceExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cors::OPEN;

/// What a member of a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text of at most so many characters, not empty.
    Text(usize),
    /// Text of at most so many characters, which may be empty.
    Part(usize),
    Email,
    Phone,
    Record,
    Username,
    Password,
    /// A code, of an app or from paper.
    Code,
    /// A date; the flag says that it may not lie in the future.
    Date(bool),
    /// One of a few words.
    Choice,
    Number,
    Bool,
    Id,
    Practice,
    /// A token out of a link: any text, judged by what it opens.
    Token,
    /// An address of an app.
    Address,
    Object,
    /// What a browser answered: an object of whatever members.
    Answered,
    List,
}

/// A member of a body: where, what, and whether it must be there.
#[derive(Debug, Clone, Copy)]
struct Member(&'static str, Kind, Need);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It must be there, and not be null.
    Must,
    /// It must be there, and may be null.
    MustOrNull,
    /// It may be missing or null.
    May,
    /// It may be missing, but not null.
    MayNotNull,
}

use Kind::{
    Address, Answered, Bool, Choice, Code, Date, Email, Id, List, Number, Object, Part, Password,
    Phone, Practice, Record, Text, Token, Username,
};
use Need::{May, MayNotNull, Must, MustOrNull};

const NAME: [Member; 4] = [
    Member("name", Object, Must),
    Member("name.first", Part(100), Must),
    Member("name.last", Part(100), Must),
    Member("name.preferred", Part(100), May),
];

/// What is asked for again in a session. Of its members one must be there: that is a rule.
const PROOF: [Member; 2] = [Member("proof", Object, Must), Member("proof.password", Password, May)];

const CONTACT: [Member; 9] = [
    Member("emails[0]", Object, Must),
    Member("emails[0].type", Choice, Must),
    Member("emails[0].address", Email, Must),
    Member("emails[0].safe", Bool, May),
    Member("emails[1].address", Email, Must),
    Member("phones[0]", Object, Must),
    Member("phones[0].type", Choice, Must),
    Member("phones[0].number", Phone, Must),
    Member("phones[1].number", Phone, Must),
];

/// A body that is fine, and its members.
#[expect(clippy::too_many_lines, reason = "a table, one entry an operation")]
fn body(id: &str, who: &Invited) -> Option<(Value, Vec<Member>)> {
    let name = json!({"first": "Zo\u{eb}", "last": "Quist", "preferred": "Zo"});
    let emails = json!([
        {"type": "home", "address": "zoe@mail.example", "safe": true}, {"type": "work", "address": "z@w.example"},
    ]);
    let phones =
        json!([{"type": "mobile", "number": "555 0107"}, {"type": "home", "number": "555 0108"}]);
    let named = |rest: &[Member], need: Need| {
        let mut members: Vec<Member> = NAME.to_vec();
        members[0].2 = need;
        members.extend(rest);
        members
    };
    Some(match id {
        "search" => (
            json!({"query": "smith", "limit": 10}),
            vec![Member("query", Text(200), Must), Member("limit", Number, May)],
        ),
        "list-access" => (
            json!({
                "view": "all", "query": "smith", "professional": "Dr. P. Achebe", "limit": 10,
            }),
            vec![
                Member("view", Choice, Must),
                Member("query", Text(200), May),
                Member("professional", Text(100), May),
                Member("limit", Number, May),
            ],
        ),
        // Of three members that say for whom, one must be there: that is a rule, and answered by 422.
        "bulk" => (
            json!({
                "action": "revoke", "view": "active",
                "reason": {"code": "left-care", "note": "Moved away."},
            }),
            vec![
                Member("action", Choice, Must),
                Member("view", Choice, May),
                Member("reason", Object, May),
                Member("reason.code", Choice, Must),
                Member("reason.note", Text(500), May),
            ],
        ),
        // That of a revocation: without the word it is refused as not confirmed.
        "bulk.start" => (json!({"confirm": "revoke"}), vec![Member("confirm", Choice, May)]),
        // What is in a row costs the row alone: `sync`.
        "sync-clients" => (
            json!({"rows": [{
                "recordNumber": "R-1", "name": name, "dateOfBirth": "1984-03-12",
            }], "dryRun": true}),
            vec![Member("rows", List, Must), Member("dryRun", Bool, May)],
        ),
        "create-client" => (
            json!({
                "name": name, "dateOfBirth": "1984-03-12", "recordNumber": "R-1", "emails": emails,
                "phones": phones, "professional": "Dr. P. Achebe", "safeContact": true,
            }),
            [
                named(
                    &[
                        Member("dateOfBirth", Date(true), Must),
                        Member("recordNumber", Record, May),
                        Member("emails", List, MayNotNull),
                        Member("phones", List, MayNotNull),
                        Member("professional", Text(100), May),
                    ],
                    Must,
                ),
                CONTACT.to_vec(),
            ]
            .concat(),
        ),
        "client.edit" => (
            json!({
                "version": 1, "name": name, "dateOfBirth": "1984-03-12", "recordNumber": "R-1",
                "emails": emails, "phones": phones, "professional": "Dr. P. Achebe", "safeContact": true,
            }),
            [
                named(
                    &[
                        Member("version", Number, Must),
                        Member("dateOfBirth", Date(true), May),
                        Member("recordNumber", Record, May),
                        Member("emails", List, May),
                        Member("phones", List, May),
                        Member("professional", Text(100), May),
                        Member("safeContact", Bool, May),
                    ],
                    May,
                ),
                CONTACT.to_vec(),
            ]
            .concat(),
        ),
        "add-portal-user" => (
            json!({
                "name": name, "email": "new@mail.example", "username": "zoe", "chartOwner": false,
                "relationship": "other", "permissions": ["basic", "surveys"],
                "until": "2099-12-31", "reviewOn": "2099-06-30",
            }),
            named(
                &[
                    Member("email", Email, May),
                    Member("username", Username, May),
                    Member("relationship", Choice, Must),
                    Member("permissions", List, Must),
                    Member("permissions[1]", Choice, Must),
                    Member("chartOwner", Bool, May),
                    Member("until", Date(false), May),
                    Member("reviewOn", Date(false), May),
                ],
                Must,
            ),
        ),
        "update-portal-user" => (
            json!({
                "version": 1, "name": name, "relationship": "other", "permissions": ["basic"],
                "email": "new@mail.example", "until": "2099-12-31", "reviewOn": "2099-06-30",
            }),
            named(
                &[
                    Member("version", Number, Must),
                    Member("relationship", Choice, May),
                    Member("permissions", List, May),
                    Member("permissions[0]", Choice, Must),
                    Member("email", Email, May),
                    Member("until", Date(false), May),
                    Member("reviewOn", Date(false), May),
                ],
                May,
            ),
        ),
        "revoke" => (
            json!({"reason": {"code": "left-care", "note": "left"}, "alertRecipient": null}),
            vec![
                Member("reason", Object, May),
                Member("reason.code", Choice, Must),
                Member("reason.note", Text(500), May),
                Member("alertRecipient", Id, May),
            ],
        ),
        "close-client" => (
            json!({"reason": "left", "duplicateOf": null}),
            vec![Member("reason", Choice, Must), Member("duplicateOf", Id, May)],
        ),
        "assign-alert" => {
            (json!({"portalUserId": who.user}), vec![Member("portalUserId", Id, MustOrNull)])
        }
        "change-owner" => {
            (json!({"portalUserId": who.user}), vec![Member("portalUserId", Id, Must)])
        }
        "sign-in" => (
            json!({"practice": "harbor", "username": "zoe", "password": PASSWORD}),
            vec![
                Member("practice", Practice, Must),
                Member("username", Username, Must),
                Member("password", Password, Must),
            ],
        ),
        "enroll.check" => (json!({"token": who.token}), vec![Member("token", Token, Must)]),
        "enroll" => (
            json!({
                "token": who.token, "lastName": "Okafor", "dateOfBirth": "1984-03-12",
                "password": PASSWORD,
            }),
            vec![
                Member("token", Token, Must),
                Member("lastName", Text(200), Must),
                Member("dateOfBirth", Date(false), Must),
                Member("password", Password, Must),
            ],
        ),
        "reset-password" => (
            json!({"practice": "harbor", "username": "zoe"}),
            vec![Member("practice", Practice, Must), Member("username", Username, Must)],
        ),
        "reset-password.choose" => (
            json!({"token": who.token, "password": PASSWORD}),
            vec![Member("token", Token, Must), Member("password", Password, Must)],
        ),
        "account.edit" => (json!({"language": "fr"}), vec![Member("language", Choice, May)]),
        "account.password" => (
            json!({"password": "another nine grey pebbles", "proof": {"password": PASSWORD}}),
            [&[Member("password", Password, Must)], &PROOF[..]].concat(),
        ),
        "account.email" => (
            json!({"email": "zoe@new.example", "proof": {"password": PASSWORD}}),
            [&[Member("email", Email, Must)], &PROOF[..]].concat(),
        ),
        "account.confirm-email" => {
            (json!({"token": who.token}), vec![Member("token", Token, Must)])
        }
        "factors.passkey-options" | "factors.totp" => {
            let proof = [Member("proof", Object, May), Member("proof.password", Password, May)];
            (json!({"proof": {"password": PASSWORD}}), proof.to_vec())
        }
        "factors.remove-passkey" | "factors.remove-totp" | "factors.recovery-code" => {
            (json!({"proof": {"password": PASSWORD}}), PROOF.to_vec())
        }
        "factors.add-passkey" => (
            json!({"name": "Phone", "credential": {"id": "x"}}),
            vec![Member("name", Text(60), Must), Member("credential", Answered, Must)],
        ),
        "factors.rename-passkey" => {
            (json!({"name": "Phone"}), vec![Member("name", Text(60), Must)])
        }
        "factors.confirm-totp" => (json!({"code": "000000"}), vec![Member("code", Code, Must)]),
        "sign-in.factor" => (
            json!({"challenge": who.token, "method": "totp", "code": "000000"}),
            vec![
                Member("challenge", Token, Must),
                Member("method", Choice, Must),
                Member("code", Code, May),
            ],
        ),
        "sign-in.passkey" => (
            json!({"challenge": who.token, "credential": {"id": "x"}}),
            vec![Member("challenge", Token, Must), Member("credential", Answered, Must)],
        ),
        "alerts" => (
            json!({"clientId": who.client, "kind": "message", "portalUserId": who.user}),
            vec![
                Member("clientId", Id, Must),
                Member("kind", Choice, Must),
                Member("portalUserId", Id, May),
            ],
        ),
        "apps" => (
            json!({
                "name": "Messages", "kind": "portal", "permission": "messaging",
                "launchUrl": "https://rooms.example/", "redirectUris": ["https://rooms.example/in"],
                "postLogoutRedirectUris": ["https://rooms.example/bye"],
                "logoutUri": "https://rooms.example/out", "authentication": "secret",
                "publicKeys": [], "scopes": [],
            }),
            vec![
                Member("name", Text(60), Must),
                Member("kind", Choice, Must),
                Member("permission", Choice, May),
                Member("launchUrl", Address, May),
                Member("redirectUris", List, MayNotNull),
                Member("redirectUris[0]", Address, Must),
                Member("postLogoutRedirectUris", List, MayNotNull),
                Member("postLogoutRedirectUris[0]", Address, Must),
                Member("logoutUri", Address, May),
                Member("authentication", Choice, Must),
                Member("publicKeys", List, MayNotNull),
                Member("scopes", List, MayNotNull),
            ],
        ),
        "apps.edit" => (
            json!({
                "version": 1, "name": "Messages", "permission": "messaging",
                "launchUrl": "https://rooms.example/", "redirectUris": ["https://rooms.example/in"],
                "postLogoutRedirectUris": ["https://rooms.example/bye"],
                "logoutUri": "https://rooms.example/out", "publicKeys": [], "scopes": [],
                "enabled": true,
            }),
            vec![
                Member("version", Number, Must),
                Member("name", Text(60), May),
                Member("permission", Choice, May),
                Member("launchUrl", Address, May),
                Member("redirectUris", List, May),
                Member("redirectUris[0]", Address, Must),
                Member("postLogoutRedirectUris", List, May),
                Member("postLogoutRedirectUris[0]", Address, Must),
                Member("logoutUri", Address, May),
                Member("publicKeys", List, May),
                Member("scopes", List, May),
                Member("enabled", Bool, May),
            ],
        ),
        "staff" => (
            json!({"name": "Sam", "email": "sam@harbor.example", "role": "staff"}),
            vec![
                Member("name", Text(100), Must),
                Member("email", Email, Must),
                Member("role", Choice, Must),
            ],
        ),
        "staff.edit" => (
            json!({
                "version": 1, "name": "Sam", "email": "sam@harbor.example", "role": "staff",
            }),
            vec![
                Member("version", Number, Must),
                Member("name", Text(100), May),
                Member("email", Email, May),
                Member("role", Choice, May),
            ],
        ),
        "sign-in.passkey-options" | "staff-sign-in.switch" => {
            (json!({"practice": "harbor"}), vec![Member("practice", Practice, Must)])
        }
        "practice.edit" => (
            json!({
                "version": 1, "name": "Harbor", "senderName": "Harbor Post",
                "alertInbox": "desk@harbor.example", "language": "es",
                "timeZone": "Europe/Madrid", "country": "ES", "invitationDays": 3,
                "clientIdleSeconds": 300, "clientSessionSeconds": 1800,
                "staffIdleSeconds": 600, "staffSessionSeconds": 7200, "passwordMinimum": 16,
                "secondFactor": "off", "guardianRules": [{"fromAge": 16, "allows": ["basic"]}],
            }),
            vec![
                Member("version", Number, Must),
                Member("name", Text(100), May),
                Member("senderName", Text(100), May),
                Member("alertInbox", Email, May),
                Member("language", Choice, May),
                Member("timeZone", Choice, May),
                Member("country", Choice, May),
                Member("invitationDays", Number, May),
                Member("clientIdleSeconds", Number, May),
                Member("clientSessionSeconds", Number, May),
                Member("staffIdleSeconds", Number, May),
                Member("staffSessionSeconds", Number, May),
                Member("passwordMinimum", Number, May),
                Member("secondFactor", Choice, May),
                Member("guardianRules", List, May),
                Member("guardianRules[0].fromAge", Number, Must),
            ],
        ),
        "practice.end-sessions" => {
            (json!({"confirm": "end"}), vec![Member("confirm", Choice, Must)])
        }
        "practice-history" => (
            json!({
                "from": "2026-11-01", "to": "2026-11-30", "staffId": "staff-Dana",
                "action": "client-created",
            }),
            vec![
                Member("from", Date(false), Must),
                Member("to", Date(false), Must),
                Member("staffId", Token, May),
                Member("action", Choice, May),
            ],
        ),
        "end-session" => (
            json!({
                "id_token_hint": "x.y.z", "client_id": "harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "post_logout_redirect_uri": "https://rooms.example/bye", "state": "s",
            }),
            vec![
                Member("id_token_hint", Token, May),
                Member("client_id", Token, May),
                Member("post_logout_redirect_uri", Token, May),
                Member("state", Token, May),
            ],
        ),
        _ => return None,
    })
}

/// Values that a member may not have.
#[expect(clippy::too_many_lines, reason = "a table, one entry a kind")]
fn wrong(kind: Kind) -> Vec<Value> {
    let long = |count: usize| Value::from("x".repeat(count));
    let not_text = || vec![json!(7), json!(true), json!([]), json!({}), json!(["x"])];
    let control = ["a\u{0}b", "a\u{7}b", "a\nb", "a\u{85}b"];
    let control = || control.map(Value::from).to_vec();
    // Nothing, blanks, and what nobody sees: fillers, marks, direction, a mark without a letter.
    let blank = [
        "",
        " ",
        " \t ",
        "\u{3000}",
        "\u{3164}",
        "\u{115f}",
        "\u{2800}",
        "\u{200b}",
        "\u{202e}\u{202c}",
        "\u{feff}",
        "\u{ad}",
        "\u{fe0f}",
        "\u{e0041}",
        "\u{301}",
        "\u{200d}",
    ];
    let blank = || blank.map(Value::from).to_vec();
    let texts = |values: &[&str]| values.iter().map(|v| Value::from(*v)).collect::<Vec<_>>();
    match kind {
        Text(max) => [not_text(), blank(), control(), vec![long(max + 1)]].concat(),
        Part(max) => [not_text(), control(), vec![long(max + 1)]].concat(),
        Email => {
            let values = [
                "zoe",
                "zoe@",
                "@mail.example",
                "zoe@mail",
                "zo e@mail.example",
                "zoe@mail..example",
                "zoe@-mail.example",
                "zoe@mail.example\nbcc: x@y.example",
                "Zoe <zoe@mail.example> <z@mail.example>",
                "Zoe",
                "mailto:",
                "a@b.example,c@d.example",
                "zo\u{eb}@mail.example",
                ".zoe@mail.example",
                "zoe.@mail.example",
                "zo..e@mail.example",
            ];
            let long = [
                format!("{}@mail.example", "x".repeat(65)),
                format!("x@{}.example", "y".repeat(64)),
                format!("x@{}example", "y.".repeat(130)),
            ];
            [not_text(), blank(), texts(&values), long.map(Value::from).to_vec()].concat()
        }
        Phone => {
            let values = ["5", "abc", "555-CALL", "ext. 4", "tel:", "++++5550107", "-555", "555-"];
            [not_text(), blank(), texts(&values), vec![Value::from("5".repeat(41))]].concat()
        }
        Record => {
            let values = ["-", "R-", "-R", "R_\u{e9}1", "R#1", "R\n1", "a\u{0}b"];
            [not_text(), blank(), texts(&values), vec![long(41)]].concat()
        }
        Username => {
            let spaced = texts(&[
                "two words",
                "a\u{a0}b",
                "fox\u{1f98a}",
                "\u{430}mara.okafor",
                "p\u{3b1}ul",
            ]);
            [not_text(), blank(), control(), spaced, vec![long(255)]].concat()
        }
        Code => [not_text(), vec![json!(""), long(65)]].concat(),
        Password => [not_text(), vec![json!(""), long(257)]].concat(),
        Date(_) => {
            let values = [
                "",
                "2023-02-30",
                "2023-02-29",
                "0000-00-00",
                "1849-12-31",
                "2023-13-01",
                "2023-00-10",
                "2023-01-00",
                "2023-2-3",
                "20230203",
                "03/12/1984",
                " 1984-03-12",
                "1984-03-12 ",
                "1984-03-12T00:00:00Z",
                "+984-03-12",
                "-984-03-12",
                "today",
                "\u{ff11}984-03-12",
            ];
            [not_text(), texts(&values)].concat()
        }
        Choice => [not_text(), texts(&["", "Home", "nothing", "home "])].concat(),
        Number => {
            vec![json!("1"), json!(-1), json!(1.5), json!(true), json!([]), json!({}), json!(1e300)]
        }
        Bool => vec![json!("true"), json!(1), json!([]), json!({})],
        Id => [
            not_text(),
            texts(&["", "x", "01ARZ3NDEKTSV4RRFFQ69G5FA", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "../x"]),
        ]
        .concat(),
        Practice => {
            let values = ["", "h", "Harbor", "har bor", "harbor#", "h\u{e4}rbor", "harbor\n"];
            [not_text(), texts(&values), vec![long(33)]].concat()
        }
        Token => not_text(),
        Address => {
            let values = ["", " ", "rooms.example", "/in", "javascript:alert(1)", "https://"];
            [not_text(), texts(&values)].concat()
        }
        Object | Answered => vec![json!(7), json!("x"), json!(true), json!([])],
        List => vec![json!(7), json!("x"), json!(true), json!({}), json!([7]), json!([null])],
    }
}

/// The place of a member, as in `emails[0].address`.
fn place<'a>(body: &'a mut Value, path: &str) -> &'a mut Value {
    let mut at = body;
    for part in path.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, Some(index.trim_end_matches(']'))),
            None => (part, None),
        };
        at = &mut at[name];
        if let Some(index) = index {
            at = &mut at[index.parse::<usize>().expect("an index")];
        }
    }
    at
}

fn with(body: &Value, path: &str, value: Value) -> Value {
    let mut changed = body.clone();
    *place(&mut changed, path) = value;
    changed
}

/// Without a member; `None` for an element of a list.
fn without(body: &Value, path: &str) -> Option<Value> {
    if path.ends_with(']') {
        return None;
    }
    let mut changed = body.clone();
    let (parent, name) = match path.rsplit_once('.') {
        Some((parent, name)) => (place(&mut changed, parent), name),
        None => (&mut changed, path),
    };
    parent.as_object_mut().expect("an object").remove(name).expect("a member");
    Some(changed)
}

/// A practice with somebody in it.
struct Desk {
    world: World,
    dana: Staff,
    who: Invited,
    system: Program,
    /// A revocation of many that is prepared.
    job: String,
    /// Dana's session, and that of a client.
    cookies: String,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let dana = world.dana().await;
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        let who = dana.invite(&client, "pat@mail.example").await;
        let system = dana.program(&system(&["alerts"])).await;
        let job = json!({"action": "revoke", "view": "all"});
        let job = text(&dana.post("/api/bulk", &job).await.expect(201)["bulkId"]);
        let own = dana.client("Silas", "Okafor", "1984-03-12").await;
        let silas = dana.enroll_for(&own, "silas@mail.example").await;
        let cookies = format!("{}; {}", dana.cookie, world.signed_in(&silas.email, PASSWORD).await);
        Self { world, dana, who, system, job, cookies }
    }

    /// Every operation that takes a body: a call without one, a good body, and its members.
    fn operations(&self) -> Vec<(String, Call, Value, Vec<Member>)> {
        // Forms, and the free parameters of an authorization, have tests of their own: `oauth`.
        let with_body = operations().into_iter().filter(|o| {
            o.takes_body() && o.id != "authorize" && !o.path.starts_with("/api/oauth/")
        });
        with_body
            .map(|o| {
                let (good, members) = body(&o.id, &self.who)
                    .unwrap_or_else(|| panic!("{} ({}) has no body in this test", o.id, o.name()));
                let path = o.path_of(&self.who.client, &self.who.user);
                let path = path.replace("{staffId}", &self.dana.id);
                // A passkey that is not there: what is wrong with the body is said first.
                let path = path.replace("{passkeyId}", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
                let many = "/api/bulk/";
                let path = path
                    .replace(&format!("{many}{}", self.who.client), &format!("{many}{}", self.job));
                let call = Call::new(&o.method, &path);
                let call = if o.scheme.as_deref() == Some("systemToken") {
                    call.header("authorization", &format!("Bearer {}", self.system.token))
                } else {
                    call.cookie(&self.cookies)
                };
                (o.id, call, good, members)
            })
            .collect()
    }

    /// Everything that is stored, but for when staff were last seen.
    async fn stored(&self) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let mut items = self.world.items().await;
        items.retain(|key, _| !key.contains("#W#"));
        (items, self.world.events().await)
    }

    async fn send(&self, call: Call) -> Answer {
        let answer = self.world.send(call).await;
        assert_framed(&answer);
        answer
    }

    /// Sends bytes as they are.
    async fn send_bytes(&self, call: Call, bytes: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(call.method).uri(call.path);
        *request.headers_mut().expect("headers") = call.headers;
        let request = request.body(axum::body::Body::from(bytes)).expect("a request");
        let response = self.world.api.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        assert_framed(&answer);
        answer
    }
}

/// Demands what every answer carries, and that none is a fault of ours.
#[track_caller]
fn assert_framed(answer: &Answer) {
    let header = |name: &str| answer.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    assert!(header("strict-transport-security").starts_with("max-age=63072000"));
    assert_eq!(header("x-request-id").len(), 26);
    assert!(answer.status.as_u16() < 500, "{} {}", answer.status, answer.body);
    if answer.status.is_client_error() {
        assert_eq!(header("content-type"), "application/problem+json");
        assert_eq!(answer.body["requestId"], header("x-request-id"));
        assert_eq!(answer.body["status"], answer.status.as_u16());
        let code = answer.body["code"].as_str().unwrap_or_default();
        assert_eq!(answer.body["type"], format!("urn:latchkey:problem:{code}"));
        assert!(["title", "detail"].iter().all(|m| answer.body[m].is_string()), "{}", answer.body);
    }
}

/// Demands a refusal that names a field.
#[track_caller]
fn assert_names(answer: &Answer, field: &str, what: &str) {
    assert!(
        matches!(answer.status.as_u16(), 400 | 422),
        "{what}: {} {}",
        answer.status,
        answer.body
    );
    assert_eq!(answer.body["fields"][0]["field"], field, "{what}: {}", answer.body);
    for member in ["code", "message"] {
        let said = answer.body["fields"][0][member].as_str().unwrap_or_default();
        assert!(!said.is_empty(), "{what}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_wrong_value_is_refused_by_the_name_of_its_field() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    let mut tried = 0;
    for (id, call, good, members) in desk.operations() {
        for Member(path, kind, _) in members {
            for value in wrong(kind) {
                let what = format!("{id} {path} = {value:.60}");
                let answer = desk.send(call.clone().json(&with(&good, path, value.clone()))).await;
                // In a list or an object it is the part that is wrong.
                let part = match (kind, &value) {
                    (List, Value::Array(a)) if !a.is_empty() => format!("{path}[0]"),
                    _ => path.to_owned(),
                };
                let named = answer.body["fields"][0]["field"].as_str().unwrap_or_default();
                // An empty list or object in the place of an object lacks its first member.
                let inside = kind == Object && named.starts_with(&format!("{path}."));
                assert_names(&answer, if inside { named } else { &part }, &what);
                tried += 1;
            }
        }
        assert!(desk.stored().await == before, "{id} wrote something");
    }
    assert!(tried > 800, "{tried}");
}

#[tokio::test]
async fn a_missing_member_or_null_is_refused_by_name() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    for (id, call, good, members) in desk.operations() {
        for Member(path, _, need) in members {
            if matches!(need, Must | MustOrNull)
                && let Some(body) = without(&good, path)
            {
                let answer = desk.send(call.clone().json(&body)).await;
                assert_names(&answer, path, &format!("{id} without {path}"));
                assert_eq!(answer.body["fields"][0]["code"], "missing", "{id} {path}");
            }
            if matches!(need, Must | MayNotNull) {
                let answer = desk.send(call.clone().json(&with(&good, path, Value::Null))).await;
                assert_names(&answer, path, &format!("{id} {path} null"));
            }
        }
        assert!(desk.stored().await == before, "{id} wrote something");
    }
}

#[tokio::test]
async fn what_may_be_left_out_may() {
    for (id, path) in [
        ("create-client", "recordNumber"),
        ("create-client", "emails"),
        ("create-client", "phones"),
        ("create-client", "professional"),
        ("create-client", "name.preferred"),
        ("add-portal-user", "email"),
        ("add-portal-user", "username"),
        ("add-portal-user", "chartOwner"),
        ("revoke", "reason"),
        ("search", "limit"),
        ("list-access", "query"),
        ("list-access", "professional"),
        ("list-access", "limit"),
        ("bulk", "reason"),
        ("bulk", "reason.note"),
    ] {
        let desk = Desk::new().await;
        let operations = desk.operations();
        let (_, call, good, _) = operations.iter().find(|o| o.0 == id).expect("an operation");
        let answer = desk.send(call.clone().json(&without(good, path).expect("a member"))).await;
        assert!(answer.status.is_success(), "{id} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_unknown_member_is_refused_by_name_wherever_it_stands() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    for (id, call, good, members) in desk.operations() {
        let mut objects = vec![String::new()];
        objects.extend(members.iter().filter(|m| m.1 == Object).map(|m| format!("{}.", m.0)));
        for object in objects {
            for name in ["surprise", "__proto__", "Version", "$ref"] {
                let path = format!("{object}{name}");
                let answer = desk.send(call.clone().json(&with(&good, &path, json!(1)))).await;
                assert_names(&answer, &path, &format!("{id} {path}"));
                assert_eq!(answer.body["fields"][0]["code"], "unknown", "{id} {path}");
            }
        }
        assert!(desk.stored().await == before, "{id} wrote something");
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    for (id, call, good, _) in desk.operations() {
        let text = good.to_string();
        let mut bodies: Vec<String> = [
            " ",
            "{",
            "}",
            "{}}",
            "nul",
            "'x'",
            "{\"a\":1,}",
            "{a:1}",
            "NaN",
            "[",
            "\u{feff}{}",
            "7",
            "true",
            "\"x\"",
            "[]",
            "<xml/>",
            "a=b",
        ]
        .map(String::from)
        .to_vec();
        bodies.extend([" {}", "x", ",", "\u{0}", "//"].map(|tail| format!("{text}{tail}")));
        bodies.push(text[..text.len() - 1].to_owned());
        bodies.push("[".repeat(20_000));
        bodies.push("{\"a\":".repeat(10_000));
        bodies.push(format!("{{\"surprise\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000)));
        if !["revoke", "bulk.start"].contains(&id.as_str()) {
            bodies.extend([String::new(), "null".into()]);
        }
        for body in bodies {
            let mut call = call.clone().json(&Value::Null);
            call.body = Some(body.clone());
            let answer = desk.send(call).await;
            assert_eq!(answer.status.as_u16(), 400, "{id} {body:.60}: {}", answer.body);
        }
        // Text that is no UTF-8, in a value and in a name.
        for bytes in [&b"{\"query\":\"\xff\xfe\"}"[..], b"{\"\xc3\x28\":1}", b"\xff\xfe{\x00}\x00"]
        {
            let call = call.clone().json(&Value::Null);
            let answer = desk.send_bytes(call, bytes.to_vec()).await;
            assert_eq!(answer.status.as_u16(), 400, "{id} {bytes:?}: {}", answer.body);
        }
        assert!(desk.stored().await == before, "{id} wrote something");
    }
}

#[tokio::test]
async fn a_list_is_no_object_and_an_object_no_word() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    for (id, call, good, members) in desk.operations() {
        // All values of an object, in the order in which the API document names them.
        let values = |object: &Value, of: &str| -> Value {
            let depth = |path: &str| path.matches('.').count();
            let here: Vec<&Member> = members
                .iter()
                .filter(|m| match of {
                    "" => depth(m.0) == 0 && !m.0.ends_with(']'),
                    of => m.0.strip_prefix(of).is_some_and(|rest| rest.starts_with('.')),
                })
                .collect();
            here.iter()
                .map(|m| object[m.0.rsplit('.').next().unwrap_or_default()].clone())
                .collect()
        };
        let answer = desk.send(call.clone().json(&values(&good, ""))).await;
        assert_eq!(answer.status.as_u16(), 400, "{id}: {}", answer.body);
        for Member(path, kind, _) in members.clone() {
            let mut copy = good.clone();
            let value = place(&mut copy, path).clone();
            let other = match kind {
                Object => values(&value, path),
                Choice => json!({value.as_str().expect("a word"): null}),
                _ => continue,
            };
            let what = format!("{id} {path} = {other}");
            let answer = desk.send(call.clone().json(&with(&good, path, other))).await;
            assert_names(&answer, path, &what);
        }
        assert!(desk.stored().await == before, "{id} wrote something");
    }
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused_by_name() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    for (id, call, good, _) in desk.operations() {
        let text = good.to_string();
        for (name, value) in good.as_object().expect("an object") {
            let mut call = call.clone().json(&good);
            call.body = Some(format!("{{\"{name}\":{value},{}", &text[1..]));
            let answer = desk.send(call).await;
            assert_names(&answer, name, &format!("{id} {name} twice"));
            assert_eq!(answer.body["fields"][0]["code"], "duplicate", "{id} {name}");
        }
        assert!(desk.stored().await == before, "{id} wrote something");
    }
}

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    for (id, call, good, _) in desk.operations() {
        for media in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/json",
            "application/jsonp",
            "application/json-patch+json",
            "json",
        ] {
            let answer = desk.send(call.clone().json(&good).header("content-type", media)).await;
            answer.problem(415, "media_type");
        }
        let mut bare = call.clone().json(&good);
        bare.headers.remove("content-type");
        desk.send(bare).await.problem(415, "media_type");
        assert!(desk.stored().await == before, "{id} wrote something");
    }
    let search = Call::new("POST", "/api/clients/search").cookie(&desk.dana.cookie);
    let search = search.json(&json!({"query": "okafor"}));
    for media in ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"] {
        desk.send(search.clone().header("content-type", media)).await.expect(200);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    for (id, call, good, _) in desk.operations() {
        let text = good.to_string();
        // A list of clients with all that they can have takes more.
        let limit = if id == "sync-clients" { 256 * 1024 } else { 64 * 1024 };
        let sized = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
        let send = |body: String| {
            let mut call = call.clone().json(&good);
            call.body = Some(body);
            desk.send(call)
        };
        send(sized(limit + 1)).await.problem(413, "too_large");
        send(sized(1024 * 1024)).await.problem(413, "too_large");
        assert!(desk.stored().await == before, "{id} wrote something");
    }
    let mut most = Call::new("POST", "/api/clients/search").cookie(&desk.dana.cookie);
    most = most.json(&Value::Null);
    let text = "{\"query\":\"okafor\"}";
    most.body = Some(format!("{text}{}", " ".repeat(64 * 1024 - text.len())));
    desk.send(most).await.expect(200);
}

#[tokio::test]
async fn a_birth_in_the_future_is_refused_and_one_today_is_not() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    let new = |born: &str| json!({"name": {"first": "A", "last": "B"}, "dateOfBirth": born});
    let edit = |born: &str| json!({"version": 1, "dateOfBirth": born});
    let path = format!("/api/clients/{}", desk.who.client);
    // It is the 22nd at noon, and the 23rd already in the far east.
    for future in ["2026-11-24", "2027-01-01", "9999-12-31"] {
        let answer = desk.dana.post("/api/clients", &new(future)).await;
        assert_names(&answer, "dateOfBirth", future);
        let answer = desk.dana.patch(&path, &edit(future)).await;
        assert_names(&answer, "dateOfBirth", future);
    }
    assert!(desk.stored().await == before);
    for past in ["2026-11-22", "1850-01-01", "2024-02-29"] {
        desk.dana.post("/api/clients", &new(past)).await.expect(201);
    }
}

#[tokio::test]
async fn a_name_needs_one_part_and_lists_have_an_end() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    let new = |first: &str, last: &str| json!({"name": {"first": first, "last": last}, "dateOfBirth": "1984-03-12"});
    for (first, last) in [("", ""), (" ", "\t"), ("", "\u{3000}")] {
        let answer = desk.dana.post("/api/clients", &new(first, last)).await;
        assert_names(&answer, "name", "no name at all");
    }
    for (list, one) in [
        ("emails", json!({"type": "home", "address": "z@mail.example"})),
        ("phones", json!({"type": "home", "number": "555 0107"})),
    ] {
        let mut body = new("A", "B");
        body[list] = Value::Array(vec![one.clone(); 11]);
        assert_names(&desk.dana.post("/api/clients", &body).await, list, "eleven");
        body["version"] = json!(1);
        let path = format!("/api/clients/{}", desk.who.client);
        assert_names(&desk.dana.patch(&path, &body).await, list, "eleven");
    }
    assert!(desk.stored().await == before);
    for (first, last) in [("Bj\u{f6}rk", ""), ("", "Suharto"), (" Ann ", "Lee")] {
        let client = desk.dana.post("/api/clients", &new(first, last)).await.expect(201);
        assert_eq!(client["name"], json!({"first": first.trim(), "last": last}));
    }
}

#[tokio::test]
async fn a_refusal_says_what_would_be_right() {
    let desk = Desk::new().await;
    for (id, path, value, code, says) in [
        (
            "create-client",
            "emails[0].type",
            json!("fax"),
            "not_an_option",
            "home, work, mobile, other",
        ),
        (
            "add-portal-user",
            "relationship",
            json!("aunt"),
            "not_an_option",
            "self, parent, guardian, spouse, other",
        ),
        (
            "add-portal-user",
            "permissions[1]",
            json!("all"),
            "not_an_option",
            "basic, messaging, documents, sessions, billing, surveys",
        ),
        ("create-client", "name.first", json!("x".repeat(101)), "too_long", "100"),
        ("create-client", "professional", json!("x".repeat(101)), "too_long", "100"),
        ("search", "query", json!("x".repeat(201)), "too_long", "200"),
        ("search", "limit", json!(51), "out_of_range", "1 to 50"),
        ("list-access", "limit", json!(101), "out_of_range", "1 to 100"),
        ("list-access", "view", json!("mine"), "not_an_option", "without-access"),
        ("create-client", "emails[1].address", json!("zoe"), "not_an_email", "name@example.com"),
        (
            "create-client",
            "emails[1].address",
            json!("zo\u{eb}@mail.example"),
            "not_an_email",
            "without accents",
        ),
        ("create-client", "phones[0].number", json!("abc"), "not_a_phone_number", "digits"),
        ("create-client", "dateOfBirth", json!("12/03/1984"), "not_a_date", "YYYY-MM-DD"),
        ("create-client", "emails", json!("zoe"), "wrong_type", "a list"),
        ("create-client", "name.surname", json!("x"), "unknown", "first, last, preferred"),
        ("create-client", "professional", json!("\u{3164}"), "not_visible", "seen"),
        ("add-portal-user", "username", json!("fox\u{1f98a}"), "not_a_username", "letters, digits"),
    ] {
        let operations = desk.operations();
        let (_, call, good, _) = operations.iter().find(|o| o.0 == id).expect("an operation");
        let answer = desk.send(call.clone().json(&with(good, path, value))).await;
        assert_names(&answer, path, id);
        let field = &answer.body["fields"][0];
        assert_eq!(field["code"], code, "{id} {path}");
        assert!(text(&field["message"]).contains(says), "{id} {path}: {field}");
    }
}

/// Rule 18, over HTTP; each kind by itself stands in `shared/src/fields/pasted.rs`.
#[tokio::test]
async fn what_people_paste_is_taken() {
    let world = World::new().await;
    let dana = world.dana().await;
    let body = json!({
        "name": {"first": "\u{202a}Ann\u{202c}\u{a0}Mae", "last": "Smith\u{2011}Jones\u{200b}", "preferred": "\u{3164}"},
        "dateOfBirth": "1984-03-12",
        "recordNumber": "HC\u{2013}\u{ff12}024\u{feff}",
        "emails": [
            {"type": "home", "address": "mailto:ann@mail.example"},
            {"type": "work", "address": "Ann Smith <ann@w.example>,"},
            {"type": "other", "address": "ann@m\u{fc}ller.example."},
        ],
        "phones": [
            {"type": "mobile", "number": "\u{202a}+1\u{a0}238\u{2011}555\u{2011}0107\u{202c}"},
            {"type": "work", "number": "tel:+1-238-555-0108;ext=12"},
            {"type": "home", "number": "01 44 55 66 77 poste 4"},
            {"type": "other", "number": "(238) 555-0109 ext. 12"},
        ],
        "professional": "Dr.\u{202f}P.\u{a0}Achebe\u{2060}",
    });
    let made = dana.post("/api/clients", &body).await.expect(201);
    assert_eq!(made["name"], json!({"first": "Ann Mae", "last": "Smith-Jones"}));
    assert_eq!(made["recordNumber"], "HC-2024");
    assert_eq!(made["professional"], "Dr. P. Achebe");
    let all = |list: &str, member: &str| -> Vec<String> {
        made[list].as_array().expect("a list").iter().map(|one| text(&one[member])).collect()
    };
    let addresses = ["ann@mail.example", "ann@w.example", "ann@xn--mller-kva.example"];
    assert_eq!(all("emails", "address"), addresses);
    let numbers =
        ["+1 238-555-0107", "+1-238-555-0108 x12", "01 44 55 66 77 x4", "(238) 555-0109 x12"];
    assert_eq!(all("phones", "number"), numbers);

    // The mail reaches it, and the name can be typed again, however it is pasted.
    let path = format!("/api/clients/{}/portal-users", text(&made["clientId"]));
    let body = json!({
        "name": {"first": "Ann", "last": "Smith"}, "email": "Ann <ann@m\u{fc}ller.example>",
        "relationship": "self", "permissions": ["basic"],
    });
    let user = dana.post(&path, &body).await.expect(201);
    assert_eq!(user["username"], "ann@xn--mller-kva.example");
    world.deliver().await;
    let token = world.post.newest("ann@xn--mller-kva.example").token();
    world.enroll(&token, "Smith", "1984-03-12", PASSWORD).await.expect(201);
    for typed in [
        "ann@m\u{fc}ller.example",
        "ANN@M\u{dc}LLER.example",
        "mailto:ann@m\u{fc}ller.example",
        "ann@xn--mller-kva.example\u{200b}",
    ] {
        world.signed_in(typed, PASSWORD).await;
    }
}

/// Text can be longer composed than it was typed. It is kept composed, and must be read again.
#[tokio::test]
async fn a_text_that_composing_makes_too_long_is_refused_and_one_that_it_makes_long_is_kept() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = |letters: usize| {
        json!({
            "name": {"first": "Ana", "last": "\u{958}".repeat(letters)},
            "dateOfBirth": "1984-03-12",
        })
    };
    let before = world.items().await.len();
    let refused = dana.post("/api/clients", &client(51)).await.problem(422, "too_long");
    assert_eq!(refused["fields"][0]["field"], "name.last");
    assert_eq!(refused["fields"][0]["code"], "too_long");
    assert_eq!(world.items().await.len(), before);

    let made = dana.post("/api/clients", &client(50)).await.expect(201);
    let path = format!("/api/clients/{}", text(&made["clientId"]));
    assert_eq!(dana.get(&path).await.expect(200)["name"], made["name"]);
    let body = json!({"query": "ana"});
    let found = dana.post("/api/clients/search", &body).await.expect(200);
    assert_eq!(found["clients"].as_array().expect("clients").len(), 1);
    let edit = json!({"version": 1, "name": made["name"], "professional": "Dr. P. Achebe"});
    dana.patch(&path, &edit).await.expect(200);
}

/// What is stored was parsed, and is parsed whenever it is read: that must find nothing new.
#[test]
fn what_was_parsed_is_parsed_again_to_the_same() {
    fn again<T: PartialEq + Debug>(
        raw: &str,
        parse: fn(&str) -> Result<T, Refusal>,
        text: fn(&T) -> &str,
    ) {
        if let Ok(once) = parse(raw) {
            assert_eq!(parse(text(&once)), Ok(once), "{raw:?}");
        }
    }
    let pieces = [
        "a",
        "7",
        " ",
        "-",
        ".",
        "@",
        "a@b.c",
        "(",
        "e\u{301}",
        "\u{e9}",
        "\u{301}",
        "\u{344}",
        "\u{37e}",
        "\u{958}",
        "\u{9dc}",
        "\u{fb1d}",
        "\u{fb2c}",
        "\u{1d160}",
        "\u{2000}",
        "\u{212a}",
        "\u{1fef}",
        "\u{ac00}",
    ];
    let piece = prop_oneof![
        select(pieces.to_vec()).prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    // Runs, so that some lie about a limit.
    let run = (piece, prop_oneof![1..4_usize, 30..60_usize, 90..260_usize])
        .prop_map(|(piece, times)| piece.repeat(times));
    let texts = vec(run, 1..4).prop_map(|runs| runs.concat());
    let config = ProptestConfig {
        cases: 4_000,
        rng_seed: RngSeed::Fixed(20_261_122),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let parsed = TestRunner::new(config).run(&texts, |raw| {
        again(&raw, NamePart::parse, NamePart::as_str);
        again(&raw, fields::Email::parse, fields::Email::as_str);
        again(&raw, fields::Username::parse, fields::Username::as_str);
        again(&raw, PhoneNumber::parse, PhoneNumber::as_str);
        again(&raw, RecordNumber::parse, RecordNumber::as_str);
        again(&raw, Professional::parse, Professional::as_str);
        again(&raw, Reason::parse, Reason::as_str);
        again(&raw, SearchText::parse, SearchText::as_str);
        again(&raw, ProofName::parse, ProofName::as_str);
        Ok(())
    });
    if let Err(failure) = parsed {
        panic!("{failure}");
    }
}

#[tokio::test]
async fn a_query_parameter_that_is_unknown_twice_or_wrong_is_refused_by_name() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    let user = desk.who.path();
    let history = format!("/api/clients/{}/history", desk.who.client);
    let cursor = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let cases = [
        ("DELETE", user.clone(), "confirm"),
        ("DELETE", format!("{user}?confirm=no"), "confirm"),
        ("DELETE", format!("{user}?confirm=delete&confirm=delete"), "confirm"),
        ("DELETE", format!("{user}?confirm=delete&force=1"), "force"),
        ("DELETE", format!("{user}?confirm=delete&alertRecipient=x"), "alertRecipient"),
        ("DELETE", format!("{user}?confirm=delete&alertRecipient="), "alertRecipient"),
        ("GET", format!("{history}?cursor=x"), "cursor"),
        ("GET", format!("{history}?cursor="), "cursor"),
        ("GET", format!("{history}?cursor={cursor}&cursor={cursor}"), "cursor"),
        ("GET", format!("{history}?limit=5"), "limit"),
        ("GET", "/api/staff/sign-in?next=/".into(), "next"),
        ("GET", "/api/staff/sign-in?returnTo=//evil.example".into(), "returnTo"),
        ("GET", "/api/staff/sign-in?returnTo=https://evil.example".into(), "returnTo"),
        ("GET", "/api/staff/sign-in?returnTo=/%5Cevil.example".into(), "returnTo"),
        ("GET", "/api/staff/sign-in?returnTo=/.//evil.example".into(), "returnTo"),
        ("GET", format!("/api/staff/sign-in?returnTo=/{}", "x".repeat(500)), "returnTo"),
        ("GET", "/api/staff/sign-in?login_hint=a%0Ab".into(), "login_hint"),
        ("GET", format!("/api/staff/sign-in?login_hint={}", "x".repeat(255)), "login_hint"),
    ];
    for (method, path, field) in cases {
        let answer = desk.send(Call::new(method, &path).cookie(&desk.dana.cookie)).await;
        assert_names(&answer, field, &path);
    }
    assert!(desk.stored().await == before);
}

#[tokio::test]
async fn an_id_that_cannot_be_one_is_not_found() {
    let desk = Desk::new().await;
    let before = desk.stored().await;
    let lower = desk.who.client.to_lowercase();
    let (Invited { client, user, .. }, mut tried) = (&desk.who, 0);
    for operation in operations().iter().filter(|o| o.by_id()) {
        for bad in [
            "x",
            "%20",
            "..%2f..",
            "%00",
            "%ff",
            "'--",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "null",
            "01ARZ3NDEKTSV4RRFFQ69G5FAVV",
            "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            &lower,
            "\u{7f}",
        ] {
            let bad = bad.replace('\u{7f}', "%7F");
            let mut paths = vec![operation.path_of(&bad, user)];
            if operation.path.contains("{portalUserId}") {
                paths.push(operation.path_of(client, &bad));
            }
            for mut path in paths {
                if ["delete", "apps.delete"].contains(&operation.id.as_str()) {
                    path += "?confirm=delete";
                }
                let mut call = Call::new(&operation.method, &path).cookie(&desk.cookies);
                if let Some((body, _)) = body(&operation.id, &desk.who) {
                    call = call.json(&body);
                }
                desk.send(call).await.problem(404, "not_found");
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried}");
    assert!(desk.stored().await == before);
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_and_a_wrong_method_says_which_are_right() {
    let desk = Desk::new().await;
    let dana = &desk.dana.cookie;
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/nope",
        "/api/clients/",
        "/api//clients",
        "/API/health",
        "/api/health/",
        "/api/clients/a/b/c/d",
        "/api/portal",
        "/.env",
        "/api/../health",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = desk.send(Call::new(method, path).cookie(dana)).await;
            answer.problem(404, "not_found");
        }
    }
    let mut methods: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for operation in operations() {
        methods.entry(operation.path).or_default().insert(operation.method);
    }
    for (path, right) in methods {
        let path = path.replace("{clientId}", &desk.who.client);
        let path = path.replace("{portalUserId}", &desk.who.user);
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            // `/api/clients/search` is a client's page to the methods that search has not.
            if right.contains(method) || (method == "OPTIONS" && OPEN.contains(&&*path)) {
                continue;
            }
            let answer = desk.send(Call::new(method, &path).cookie(dana)).await;
            let allow = answer.headers.get("allow").and_then(|v| v.to_str().ok()).unwrap_or("");
            let allow: BTreeSet<String> =
                allow.split(',').filter(|m| *m != "HEAD").map(|m| m.trim().to_owned()).collect();
            assert_eq!(allow, right, "{method} {path}: {}", answer.body);
            answer.problem(405, "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn every_good_answer_is_framed_too() {
    let desk = Desk::new().await;
    for path in [
        "/api/health".to_owned(),
        "/api/openapi.json".into(),
        "/api/portal/jwks.json".into(),
        "/api/staff/session".into(),
        format!("/api/clients/{}", desk.who.client),
        format!("/api/clients/{}/portal-users", desk.who.client),
        format!("/api/clients/{}/history", desk.who.client),
    ] {
        let answer = desk.send(Call::new("GET", &path).cookie(&desk.dana.cookie)).await;
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
        answer.expect(200);
    }
    let first = desk.send(Call::new("GET", "/api/health")).await.headers["x-request-id"].clone();
    let second = desk.send(Call::new("GET", "/api/health")).await.headers["x-request-id"].clone();
    assert_ne!(first, second);
}

// ---- Rule 14 ----

thread_local! {
    /// What this test logged. The subscriber is the program's, for tracing asks the thread on which
    /// a place logs first whether anybody listens, and that may be another test's.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Keeps what the test that asked for it logs.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.as_mut().map(|log| log.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Lines of a log without their times: those are the machine's own, and their digits spell anything.
fn untimed(log: &str) -> String {
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).expect("a line is JSON");
        line.as_object_mut().and_then(|l| l.remove("timestamp")).expect("a time");
        line.to_string()
    };
    log.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Leaves a client's item as it should not be.
async fn spoil_the_client(world: &World) {
    let kept = world.database.tables().main.clone();
    let items = world.snapshot().await.items(&kept);
    let (_, mut item) = items.into_iter().find(|(key, _)| key.1 == "A#CLIENT").expect("the client");
    item["professional"] = json!({"Featherstonehaugh": "Philippa"});
    item["phones"] = json!("0107");
    let item = serde_dynamo::to_item(item).expect("an item");
    world.database.load(&kept, [item]).expect("loaded");
}

/// Signs in with every second factor, rightly and wrongly. Answers what must not be in the log of it.
async fn use_factors(dana: &Staff, who: &Invited, cookie: &str) -> Vec<String> {
    let world = &dana.world;
    let offered = json!({"version": 1, "secondFactor": "offered"});
    dana.patch("/api/practice", &offered).await.expect(200);
    let account = async |method: &str, path: &str, body: Value| {
        let call = Call::new(method, &format!("/api/portal/account/{path}")).json(&body);
        world.send(call.cookie(cookie)).await
    };
    let proof = || json!({"proof": {"password": PASSWORD}});
    let given = account("POST", "totp", proof()).await.expect(200);
    let app = Authenticator::new(&text(&given["secret"]));
    account("PUT", "totp", json!({"code": app.code(world.now())})).await.expect(204);
    let recovery = account("POST", "recovery-code", proof()).await.expect(201);
    let printed = dana.post(&format!("{}/factor-reset", who.path()), &json!({})).await.expect(201);
    let mut device = Device::at(PORTAL, 1);
    let asked = account("POST", "passkeys/options", proof()).await.expect(200);
    let made = device.create(&asked["options"]);
    let body = json!({"name": "Bluebird", "credential": made});
    account("POST", "passkeys", body).await.expect(201);
    let mut secrets = vec!["bluebird".to_owned(), "second factor".to_owned()];
    secrets.extend([&given["secret"], &recovery["code"], &printed["code"]].map(text));
    for code in [text(&printed["code"]), text(&recovery["code"]), "zzzz-zzzz".to_owned()] {
        let asked = world.sign_in(&who.email, PASSWORD).await;
        let asked = asked.problem(401, "second_factor_required");
        secrets.push(text(&asked["challenge"]));
        for method in ["totp", "recovery-code", "reset-code"] {
            let body = json!({"challenge": asked["challenge"], "method": method, "code": code});
            world.send(Call::new("POST", "/api/portal/sign-in/factor").json(&body)).await;
            world.pass(61);
        }
    }
    world.pass(16 * 60);
    for verified in [true, false] {
        device.verified = verified;
        let ask = json!({"practice": "harbor"});
        let ask = Call::new("POST", "/api/portal/sign-in/passkey/options").json(&ask);
        let question = world.send(ask).await.expect(200);
        let credential = device.get(&question["options"]);
        secrets.extend([&question["challenge"], &credential["response"]["signature"]].map(text));
        secrets.push(text(&credential["id"]));
        let body = json!({"challenge": question["challenge"], "credential": credential});
        let alone = Call::new("POST", "/api/portal/sign-in/passkey").json(&body);
        let answer = world.send(alone).await;
        assert_eq!(answer.status.is_success(), verified, "{}", answer.body);
    }
    secrets
}

/// Invites somebody on paper and then by mail, and adds a person who has no address. Answers the first, and what must
/// not be in the log of it.
async fn invite_on_paper_first(dana: &Staff, client: &str) -> (Invited, Vec<String>) {
    let world = &dana.world;
    let who = dana.invite(client, "guardian@mail.example").await;
    let printed = dana.post(&format!("{}/sheet", who.path()), &json!({})).await.expect(201);
    let sheet = text(&printed["link"]).split_once('#').expect("a token").1.to_owned();
    world.check(&sheet).await.expect(200);
    let wrong = world.enroll(&sheet, "Wrongproof", "1984-03-12", PASSWORD).await;
    wrong.problem(422, "proof_failed");
    let body = json!({
        "name": {"first": "Hyacinth", "last": "Person"}, "username": "hyacinth",
        "relationship": "other", "permissions": ["basic"],
    });
    dana.post(&format!("/api/clients/{client}/portal-users"), &body).await.expect(201);
    dana.resend(&who).await.expect(202);
    world.deliver().await;
    let token = world.post.newest(&who.email).token();
    (Invited { token, ..who }, vec![sheet, "hyacinth".to_owned()])
}

#[tokio::test]
async fn logs_hold_ids_and_nothing_personal() {
    // As functions log, at the finest level: RUST_LOG=trace.
    shared::lambda::lines(tracing_subscriber::filter::LevelFilter::TRACE, || Log)
        .try_init()
        .expect("no other subscriber");
    LOG.set(Some(Vec::new()));

    let world = World::new().await;
    let dana = world.dana().await;
    let body = json!({
        "name": {"first": "Philippa", "last": "Featherstonehaugh", "preferred": "Pippa"},
        "dateOfBirth": "1984-03-12", "recordNumber": "REC-77001", "distinct": true,
        "emails": [{"type": "home", "address": "philippa@mail.example"}],
        "phones": [{"type": "mobile", "number": "238 555 0107"}], "professional": "Dr. Achebe",
    });
    let client = dana.post("/api/clients", &body).await.expect(201)["clientId"].clone();
    let client = client.as_str().expect("an id");
    dana.post("/api/clients/search", &json!({"query": "featherstone 0107"})).await.expect(200);
    let (who, paper) = invite_on_paper_first(&dana, client).await;
    let proof = |last: &str| {
        let last = last.to_owned();
        let (world, token) = (world.clone(), who.token.clone());
        async move { world.enroll(&token, &last, "1984-03-12", PASSWORD).await }
    };
    proof("Wrongproof").await.problem(422, "proof_failed");
    proof("Featherstonehaugh").await.expect(201);
    world.sign_in(&who.email, "wrong wrong wrong wrong").await.problem(401, "sign_in_failed");
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    world.session(&cookie).await.expect(200);
    let secrets = [use_factors(&dana, &who, &cookie).await, paper].concat();
    let edit = json!({
        "version": dana.user(&who).await["version"],
        "name": {"first": "Philippa", "last": "Featherstonehaugh"},
    });
    dana.patch(&who.path(), &edit).await.expect(200);
    world.forgot(&who.email).await.expect(202);
    world.deliver().await;
    let reset = world.post.newest(&who.email).token();
    world.choose(&reset, "weak").await;
    world.choose(&reset, "another nine grey pebbles").await.expect(204);
    let why = json!({"reason": {"code": "court-order", "note": "court order"}});
    dana.post(&format!("{}/revoke", who.path()), &why).await.expect(200);
    // What cannot be read, too, and a table that fails.
    let mut broken = Call::new("POST", "/api/clients").json(&body).cookie(&dana.cookie);
    broken.body =
        Some("{\"name\":{\"first\":\"Philippa\",\"last\":\"Featherstonehaugh\\u0000\"}}".into());
    world.send(broken).await;
    world.send(Call::new("GET", "/api/clients/philippa@mail.example").cookie(&dana.cookie)).await;
    world.wire.break_after("TransactWriteItems", 0, api_tests::wire::Fault::Error, 20);
    dana.post("/api/clients", &body).await.problem(503, "unavailable");
    world.wire.forget();
    world.deliver().await;
    for (error, words) in [
        ("MessageRejected", "Email address is not verified: bounced@mail.example"),
        ("BadRequestException", "Illegal address: bounced@mail.example"),
    ] {
        world.post.feels(api_tests::mail::Mood::Refuses(error, words));
        let waits = u64::from(error == "MessageRejected");
        dana.add(client, &format!("{}@mail.example", error.to_lowercase())).await.expect(201);
        assert_eq!(world.deliver().await as u64, waits);
    }
    dana.delete(&who, "confirm=delete").await.expect(200);
    spoil_the_client(&world).await;
    dana.get(&format!("/api/clients/{client}")).await.problem(500, "internal");

    let text = String::from_utf8(LOG.take().expect("a log")).expect("text");
    let lines = text.lines().filter(|l| l.contains("\"requestId\"")).count();
    assert!(lines >= 15, "requests are logged: {text}");
    assert!(text.contains("proof_failed") && text.contains("unavailable"), "{text}");
    assert!(text.contains("MessageRejected, not verified"), "why a mail waits: {text}");
    assert!(text.contains("\"MAIL#"), "which: {text}");
    let failed = "TransactWriteItems of record number, date of birth, event, search entry, client: InternalServerError";
    assert!(text.contains(failed), "what failed, and on what: {text}");
    assert!(text.contains("stored client: p"), "what cannot be read, and where: {text}");
    let lower = untimed(&text).to_lowercase();
    for secret in secrets {
        assert!(!lower.contains(&secret.to_lowercase()), "{secret} is in the log");
    }
    let token = |cookie: &str| cookie.split_once('=').expect("a cookie").1.to_owned();
    for secret in [
        "philippa",
        "featherstone",
        "pippa",
        "1984-03-12",
        "rec-77001",
        "0107",
        "achebe",
        "@mail.example",
        "guardian",
        "wrongproof",
        "court order",
        "dana",
        "person",
        "pat ",
        "seven quiet",
        "pebbles",
        "wrong wrong",
        "weak",
        &who.token,
        &reset,
        &token(&cookie),
        &token(&dana.cookie),
    ] {
        assert!(!lower.contains(&secret.to_lowercase()), "{secret} is in the log");
    }
}

/// What paths name.
const KNOWN_IDS: [&str; 7] =
    ["appId", "bulkId", "clientId", "passkeyId", "portalUserId", "sessionId", "staffId"];

#[test]
fn no_address_can_hold_anything_personal() {
    for operation in operations() {
        let names: Vec<&str> = operation
            .path
            .split('/')
            .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        assert!(names.iter().all(|n| KNOWN_IDS.contains(n)), "{}", operation.name());
        for parameter in operation.value["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            // `login_hint` is the issuer's word (OpenID Connect Core, section 3.1.2.1) for staff.
            let known = [
                "confirm",
                "alertRecipient",
                "cursor",
                "returnTo",
                "login_hint",
                "code",
                "state",
                "app",
                "clientId",
            ];
            let name = parameter["name"].as_str().unwrap_or_default();
            assert!(known.contains(&name), "{}: {name}", operation.name());
        }
    }
}

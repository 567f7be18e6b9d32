//! Every operation of the API, once, as one afternoon at the practice, with what each asked of the
//! table.

use api_tests::{
    apps::{REDIRECT, Room, VERIFIER, challenge, parameter, registration},
    authenticator::{Authenticator, Device},
    mail::Post,
    programs::system,
};
use latchkey_local::functions;
use serde_json::{Value, json};
use shared::{
    account,
    fields::Username,
    id::{AlertId, ClientId, PortalUserId},
    keys,
    mail::MailKind,
    outbox::Outgoing,
    store::{Update, item_key, parse},
    token::{ConfirmationToken, InvitationToken, ResetToken},
};

use crate::place::{Cost, DANA, Place};

const PASSWORD: &str = "seven quiet kettles hum";

/// What each operation asked, by its name; a name is an operation's id, and what was particular.
pub type Ledger = Vec<(&'static str, Cost)>;

/// The operations that may ask for nothing but these: `BatchGetItem` is the session's
/// check, and `UpdateItem` notes that it is used.
pub const STRICT: [(&str, &[&str]); 11] = [
    // Of apps: what they ask all day is one read.
    ("token.introspect", &["BatchGetItem"]),
    ("userinfo", &["BatchGetItem"]),
    ("check", &["BatchGetItem"]),
    ("alerts", &["BatchGetItem", "GetItem", "Query", "TransactWriteItems", "UpdateItem"]),
    ("revoke", &["BatchGetItem", "Query", "TransactWriteItems", "UpdateItem"]),
    // The chart that it is a duplicate of is read beside.
    ("close-client", &["BatchGetItem", "Query", "Query", "TransactWriteItems", "UpdateItem"]),
    // Whether it is a repeat, and of what, is read beside.
    ("activate", &["BatchGetItem", "GetItem", "Query", "TransactWriteItems", "UpdateItem"]),
    ("delete", &["BatchGetItem", "Query", "TransactWriteItems", "UpdateItem"]),
    ("assign-alert", &["BatchGetItem", "Query", "TransactWriteItems", "UpdateItem"]),
    // The whole account is read only after the right password.
    ("sign-in", &["BatchGetItem", "BatchGetItem", "TransactWriteItems"]),
    ("sign-in, refused", &["BatchGetItem", "TransactWriteItems"]),
];

/// What the stream does behind a request: nobody waits for it.
pub const BEHIND: [&str; 3] = ["reset-password, resolved", "alerts, sent", "alerts, covered"];

struct Afternoon<'a> {
    place: &'a Place,
    ledger: Ledger,
    /// The cookie of the staff, once signed in.
    staff: String,
}

/// Does everything once. Answers what each thing asked, and the staff's cookie.
pub async fn all(place: &Place) -> (Ledger, String) {
    let mut day = Afternoon { place, ledger: Vec::new(), staff: String::new() };
    day.arrive().await;
    let (client, path) = day.chart().await;
    day.people(client, &path).await;
    day.leave().await;
    day.staff = place.admitted(DANA).await;
    let end = ("POST", "/api/practice/end-sessions", json!({"confirm": "end"}));
    day.staff("practice.end-sessions", end, 200).await;
    // Somebody has to go on with the searches, in a session that began after the end.
    place.pass(1);
    day.staff = place.admitted(DANA).await;
    (day.ledger, day.staff)
}

impl Afternoon<'_> {
    /// Sends a request and notes what it asked.
    async fn note(
        &mut self,
        name: &'static str,
        (method, path, body): (&str, &str, Value),
        cookie: &str,
        status: u16,
    ) -> crate::place::Answer {
        let request = self.place.request(method, path, cookie, &body);
        let (answer, cost) = self.place.measure(request).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        self.ledger.push((name, cost));
        answer
    }

    async fn staff(
        &mut self,
        name: &'static str,
        (method, path, body): (&str, &str, Value),
        status: u16,
    ) -> Value {
        let cookie = self.staff.clone();
        self.note(name, (method, path, body), &cookie, status).await.body
    }

    async fn arrive(&mut self) {
        self.sign_in().await;
        self.staff("staff-sign-in.session", ("GET", "/api/staff/session", Value::Null), 200).await;
        self.staff("health", ("GET", "/api/health", Value::Null), 200).await;
        self.staff("health.document", ("GET", "/api/openapi.json", Value::Null), 200).await;
    }

    async fn sign_in(&mut self) {
        let path = format!("/api/staff/sign-in?login_hint={DANA}");
        let request = self.place.request("GET", &path, "", &Value::Null);
        let (begun, first) = self.place.measure_roughly(request).await;
        assert_eq!(begun.status, 303);
        let back = visit(self.place, &begun.location).await;
        let path = back.strip_prefix(&self.place.origin).expect("a path of ours");
        let request = self.place.request("GET", path, &begun.cookies[0], &Value::Null);
        let (done, second) = self.place.measure_roughly(request).await;
        let cookie = done.cookies.iter().find(|c| c.starts_with("__Host-latchkey-staff="));
        self.staff.clone_from(cookie.expect("a session"));
        self.ledger.extend([("staff-sign-in", first), ("staff-sign-in.callback", second)]);
    }

    async fn chart(&mut self) -> (ClientId, String) {
        let body = json!({
            "name": {"first": "Amara", "last": "Okafor"}, "dateOfBirth": "1984-03-12",
            "recordNumber": "BENCH-1",
            "emails": [{"type": "home", "address": "amara.okafor@mail.example"}],
            "phones": [{"type": "mobile", "number": "(207) 555-0142"}],
        });
        let made = self.staff("create-client", ("POST", "/api/clients", body), 201).await;
        let id = made["clientId"].as_str().expect("an id");
        let (client, path) = (ClientId::parse(id).expect("an id"), format!("/api/clients/{id}"));
        let body = json!({"query": "okafor"});
        self.staff("search", ("POST", "/api/clients/search", body), 200).await;
        let body = json!({"view": "all"});
        self.staff("list-access", ("POST", "/api/access", body), 200).await;
        let summary = "/api/access/summary";
        self.staff("list-access.summary", ("GET", summary, Value::Null), 200).await;
        self.many(client).await;
        self.staff("client", ("GET", &path, Value::Null), 200).await;
        let body = json!({"version": 1, "name": {"first": "Amara", "last": "Okafor-Lindqvist"}});
        self.staff("client.edit", ("PATCH", &path, body), 200).await;
        (client, path)
    }

    /// A change for many is prepared, started and stopped.
    async fn many(&mut self, client: ClientId) {
        let body = json!({"action": "invite", "clientIds": [client]});
        let made = self.staff("bulk", ("POST", "/api/bulk", body), 201).await;
        let path = format!("/api/bulk/{}", made["bulkId"].as_str().expect("an id"));
        let start = format!("{path}/start");
        self.staff("bulk.start", ("POST", &start, Value::Null), 200).await;
        let stop = format!("{path}/stop");
        self.staff("bulk.stop", ("POST", &stop, Value::Null), 200).await;
        self.staff("bulk.show", ("GET", &path, Value::Null), 200).await;
        let rows = format!("{path}/rows");
        self.staff("bulk.rows", ("GET", &rows, Value::Null), 200).await;
    }

    async fn people(&mut self, client: ClientId, path: &str) {
        let new = |email: &str| {
            json!({
                "name": {"first": "Pat", "last": "Person"}, "email": email,
                "relationship": "parent", "permissions": ["basic"],
            })
        };
        let users = format!("{path}/portal-users");
        let body = new("pat@mail.example");
        let pat = self.staff("add-portal-user", ("POST", &users, body), 201).await;
        let pat = PortalUserId::parse(pat["portalUserId"].as_str().expect("an id"));
        let one = format!("{users}/{}", pat.expect("an id"));
        self.staff("list-portal-users", ("GET", &users, Value::Null), 200).await;
        let progress = format!("{one}/progress");
        self.staff("list-portal-users.progress", ("GET", &progress, Value::Null), 200).await;
        let again = format!("{one}/invitation");
        let sheet = format!("{one}/sheet");
        self.staff("sheet", ("POST", &sheet, Value::Null), 201).await;
        self.staff("resend-invitation", ("POST", &again, Value::Null), 202).await;

        let token = invitation(self.place, client).await;
        let check = "/api/portal/enrollment/check";
        self.note("enroll.check", ("POST", check, json!({"token": token})), "", 200).await;
        let body = json!({
            "token": token, "lastName": "Okafor-Lindqvist", "dateOfBirth": "1984-03-12",
            "password": PASSWORD,
        });
        let enrolled = self.note("enroll", ("POST", "/api/portal/enrollment", body), "", 201).await;
        let cookie = enrolled.cookies[0].clone();
        let session = "/api/portal/session";
        self.note("portal-session", ("GET", session, Value::Null), &cookie, 200).await;
        let access = format!("/api/portal/charts/{client}/access");
        self.note("who-can-enter", ("GET", &access, Value::Null), &cookie, 200).await;
        self.place.pass(61);
        let moved = "portal-session, its idle end moved";
        self.note(moved, ("GET", session, Value::Null), &cookie, 200).await;
        let sign_out = ("POST", "/api/portal/sign-out", json!({}));
        self.note("end-session", sign_out, &cookie, 200).await;
        let jwks = "/api/portal/jwks.json";
        self.note("portal-session.keys", ("GET", jwks, Value::Null), "", 200).await;

        let body = json!({"portalUserId": pat});
        let alert = format!("{path}/alert-recipient");
        self.staff("assign-alert", ("PUT", &alert, body), 200).await;
        let body = new("kim@mail.example");
        let kim = self.staff("add-portal-user, a second one", ("POST", &users, body), 201).await;
        let body = json!({"portalUserId": kim["portalUserId"]});
        let owner = format!("{path}/chart-owner");
        self.staff("change-owner", ("PUT", &owner, body), 200).await;
        let listed = self.place.request("GET", &users, &self.staff, &Value::Null);
        let listed = self.place.send(listed).await.body;
        let version = listed["portalUsers"][0]["version"].clone();
        let body = json!({"version": version, "permissions": ["basic", "messaging"]});
        self.staff("update-portal-user", ("PATCH", &one, body), 200).await;

        let sign_in = "/api/portal/sign-in";
        let with = |password: &str| json!({"practice": "harbor", "username": "pat@mail.example", "password": password});
        let wrong = "sign-in, refused";
        self.note(wrong, ("POST", sign_in, with("not the password")), "", 401).await;
        let signed = self.note("sign-in", ("POST", sign_in, with(PASSWORD)), "", 200).await;
        self.account(&signed.cookies, client).await;
        self.factors(&signed.cookies, &one).await;
        self.apps(&signed.cookies[0]).await;
        self.alerts(client, path).await;
        let body = json!({"practice": "harbor", "username": "pat@mail.example"});
        let ask = "/api/portal/password-reset";
        self.note("reset-password", ("POST", ask, body), "", 202).await;
        self.resolve(BEHIND[0], "pat@mail.example").await;
        let out = "portal-session.sign-out";
        self.note(out, ("DELETE", session, Value::Null), &signed.cookies[0], 204).await;
        let body = json!({"token": self.reset(client).await, "password": "nine grey pebbles hop"});
        let choose = "/api/portal/password";
        self.note("reset-password.choose", ("PUT", choose, body), "", 204).await;

        for _ in 0..5 {
            let wrong = self.place.request("POST", sign_in, "", &with("not the password"));
            assert_eq!(self.place.send(wrong).await.status, 401, "a failure");
        }
        self.staff("unlock", ("POST", &format!("{one}/unlock"), Value::Null), 200).await;
        self.staff("revoke", ("POST", &format!("{one}/revoke"), json!({})), 200).await;
        self.staff("activate", ("POST", &format!("{one}/activate"), Value::Null), 200).await;
        let body = json!({"name": {"first": "Pat", "last": "Twice"}, "dateOfBirth": "1984-03-12"});
        let right = self.place.request("POST", "/api/clients", &self.staff, &body);
        let right = self.place.send(right).await.body["clientId"].clone();
        let body = json!({"reason": "duplicate", "duplicateOf": right});
        self.staff("close-client", ("POST", &format!("{path}/close"), body), 200).await;
        let reopen = format!("{path}/reopen");
        self.staff("close-client.reopen", ("POST", &reopen, Value::Null), 200).await;
        self.staff("history", ("GET", &format!("{path}/history"), Value::Null), 200).await;
        self.staff("practice", ("GET", "/api/practice", Value::Null), 200).await;
        let body = json!({"version": 1, "invitationDays": 6});
        self.staff("practice.edit", ("PATCH", "/api/practice", body), 200).await;
        let body = json!({"from": "2026-01-01", "to": "2099-12-31", "staffId": "nobody"});
        self.staff("practice-history", ("POST", "/api/history", body), 200).await;
        let gone = format!("{one}?confirm=delete");
        self.staff("delete", ("DELETE", &gone, Value::Null), 200).await;
    }

    /// A person looks after their own account.
    async fn account(&mut self, cookies: &[String], client: ClientId) {
        let (cookie, account) = (cookies.join("; "), "/api/portal/account");
        self.note("account", ("GET", account, Value::Null), &cookie, 200).await;
        let body = json!({"language": "fr"});
        self.note("account.edit", ("PATCH", account, body), &cookie, 200).await;
        let body =
            |password: &str| json!({"email": "p@mail.example", "proof": {"password": password}});
        let email = "/api/portal/account/email";
        let wrong = "account.email, refused";
        self.note(wrong, ("POST", email, body("not the password")), &cookie, 422).await;
        self.note("account.email", ("POST", email, body(PASSWORD)), &cookie, 202).await;
        let mut sent = mails(self.place, client).await;
        let mail = sent.find(|mail| mail.kind == MailKind::EmailConfirmation).expect("a mail");
        let token = ConfirmationToken {
            practice: self.place.practice.clone(),
            account: mail.account.expect("an account"),
            client,
            user: mail.portal_user_id,
            secret: mail.nonce.expect("a nonce").secret(&self.place.app).expect("a secret"),
        };
        let confirm = ("POST", "/api/portal/email-confirmation", json!({"token": token.text()}));
        self.note("account.confirm-email", confirm, &cookie, 204).await;
        let body = json!({"password": PASSWORD, "proof": {"password": PASSWORD}});
        let path = format!("{account}/password");
        self.note("account.password", ("PUT", &path, body), &cookie, 204).await;
        let path = format!("{account}/sessions/others");
        self.note("account.end-session", ("DELETE", &path, Value::Null), &cookie, 204).await;
    }

    /// Second factors are added, signed in with and removed.
    async fn factors(&mut self, cookies: &[String], path: &str) {
        let store = self.place.app.store();
        let mut change = store.change();
        let practice = keys::practice(&self.place.practice);
        change.update(&Update::of(practice).set("secondFactor", &"offered"));
        store.write(change).await.expect("written");

        let (cookie, account) = (cookies.join("; "), "/api/portal/account");
        let proof = || json!({"proof": {"password": PASSWORD}});
        let totp = format!("{account}/totp");
        let given = self.note("factors.totp", ("POST", &totp, proof()), &cookie, 200).await.body;
        let app = Authenticator::new(given["secret"].as_str().expect("a secret"));
        let code = json!({"code": app.code(self.place.app.now())});
        self.note("factors.confirm-totp", ("PUT", &totp, code), &cookie, 204).await;
        let code = ("POST", &*format!("{account}/recovery-code"), proof());
        self.note("factors.recovery-code", code, &cookie, 201).await;

        let passkeys = format!("{account}/passkeys");
        let ask = ("POST", &*format!("{passkeys}/options"), proof());
        let asked = self.note("factors.passkey-options", ask, &cookie, 200).await.body;
        let mut device = Device::at(&self.place.app.config().portal_origin, 1);
        let made = json!({"name": "Phone", "credential": device.create(&asked["options"])});
        let added = ("POST", &*passkeys, made);
        let added = self.note("factors.add-passkey", added, &cookie, 201).await.body;
        let passkey = format!("{passkeys}/{}", added["passkeyId"].as_str().expect("an id"));
        let name = ("PATCH", &*passkey, json!({"name": "Old phone"}));
        self.note("factors.rename-passkey", name, &cookie, 200).await;

        self.place.pass(30);
        let sign_in = "/api/portal/sign-in";
        let body =
            json!({"practice": "harbor", "username": "pat@mail.example", "password": PASSWORD});
        let first = "sign-in, a second factor is asked for";
        let first = self.note(first, ("POST", sign_in, body), "", 401).await.body;
        let step =
            |code: &str| json!({"challenge": first["challenge"], "method": "totp", "code": code});
        let factor = format!("{sign_in}/factor");
        let wrong = "sign-in.factor, refused";
        self.note(wrong, ("POST", &factor, step("000000")), "", 401).await;
        let right = step(&app.code(self.place.app.now()));
        self.note("sign-in.factor", ("POST", &factor, right), "", 200).await;
        let ask = ("POST", &*format!("{sign_in}/passkey/options"), json!({"practice": "harbor"}));
        let asked = self.note("sign-in.passkey-options", ask, "", 200).await.body;
        let credential = device.get(&asked["options"]);
        let answer = json!({"challenge": asked["challenge"], "credential": credential});
        let alone = format!("{sign_in}/passkey");
        self.note("sign-in.passkey", ("POST", &alone, answer), "", 200).await;

        let print = format!("{path}/factor-reset");
        self.staff("factor-reset", ("POST", &print, Value::Null), 201).await;
        self.note("factors.remove-passkey", ("DELETE", &passkey, proof()), &cookie, 204).await;
        self.note("factors.remove-totp", ("DELETE", &totp, proof()), &cookie, 204).await;
    }

    /// An app is registered, opened, asked about and left.
    async fn apps(&mut self, cookie: &str) {
        let made = self.staff("apps", ("POST", "/api/apps", registration(&json!({}))), 201).await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let room = Room { id: text(&made["app"]["appId"]), secret: text(&made["secret"]) };
        let path = format!("/api/apps/{}", room.id);
        self.staff("apps.list", ("GET", "/api/apps", Value::Null), 200).await;
        self.staff("apps.show", ("GET", &path, Value::Null), 200).await;
        let body = json!({"version": 1, "name": "Letters"});
        self.staff("apps.edit", ("PATCH", &path, body), 200).await;
        let tiles = ("GET", "/api/portal/apps", Value::Null);
        self.note("portal-session.apps", tiles, cookie, 200).await;
        let metadata = "/.well-known/openid-configuration";
        self.note("authorize.metadata", ("GET", metadata, Value::Null), "", 200).await;

        let ask = json!({
            "client_id": room.id, "redirect_uri": REDIRECT, "response_type": "code",
            "scope": "openid messaging", "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
        });
        let authorization = "/api/portal/authorization";
        let back = self.note("authorize", ("POST", authorization, ask), cookie, 200).await.body;
        let code = parameter(&text(&back["redirectTo"]), "code").expect("a code");
        let exchange =
            [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
        let basic = room.basic();
        let tokens = self.form("token", ("/api/oauth/token", &basic), &exchange).await;
        let token = text(&tokens["access_token"]);
        let fields = [("token", &*token)];
        self.form("token.introspect", ("/api/oauth/introspect", &basic), &fields).await;
        let bearer = format!("Bearer {token}");
        self.form("userinfo", ("/api/oauth/userinfo", &bearer), &[]).await;
        let check = format!("/api/portal/check?app={}", room.id);
        self.note("check", ("GET", &check, Value::Null), cookie, 204).await;
        self.form("token.revoke", ("/api/oauth/revoke", &basic), &fields).await;
        self.staff("apps.secret", ("POST", &format!("{path}/secret"), Value::Null), 201).await;
        let gone = format!("{path}?confirm=delete");
        self.staff("apps.delete", ("DELETE", &gone, Value::Null), 204).await;
    }

    /// A system posts word of something twice; only the first is sent.
    async fn alerts(&mut self, client: ClientId, path: &str) {
        let system = registration(&system(&["alerts"]));
        let made = self.staff("apps, a system", ("POST", "/api/apps", system), 201).await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let room = Room { id: text(&made["app"]["appId"]), secret: text(&made["secret"]) };
        let own = [("grant_type", "client_credentials")];
        let of_system = ("/api/oauth/token", &*room.basic());
        let token = text(&self.form("token, of a system", of_system, &own).await["access_token"]);
        let bearer = format!("Bearer {token}").parse().expect("a header");
        let sender = Post::default().sender(&self.place.app);
        for name in [BEHIND[1], BEHIND[2]] {
            let body = json!({"clientId": client, "kind": "message"});
            let mut request = self.place.request("POST", "/api/alerts", "", &body);
            request.headers_mut().insert("authorization", Clone::clone(&bearer));
            let (answer, cost) = self.place.measure(request).await;
            assert_eq!(answer.status, 202, "{}", answer.body);
            self.ledger.push(("alerts", cost));
            let alert = AlertId::parse(&text(&answer.body["alertId"])).expect("an id");
            let key = keys::alert(&self.place.practice, client, alert);
            let (sent, cost) = self.place.count(sender.alert(&key)).await;
            sent.expect("sent");
            self.ledger.push((name, cost));
        }
        self.staff("alerts.list", ("GET", &format!("{path}/alerts"), Value::Null), 200).await;
        let gone = format!("/api/apps/{}?confirm=delete", room.id);
        self.staff("apps.delete, a system", ("DELETE", &gone, Value::Null), 204).await;
    }

    async fn form(
        &mut self,
        name: &'static str,
        (path, authorization): (&str, &str),
        fields: &[(&str, &str)],
    ) -> Value {
        let request = Place::form(path, authorization, fields);
        let (answer, cost) = self.place.measure(request).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        self.ledger.push((name, cost));
        answer.body
    }

    /// A person comes onto the staff list, and goes.
    async fn team(&mut self) {
        let body = json!({"name": "Robin", "email": "robin@harbor.example", "role": "staff"});
        let made = self.staff("staff", ("POST", "/api/staff", body), 201).await;
        let path = format!("/api/staff/{}", made["staffId"].as_str().expect("an id"));
        self.staff("staff.list", ("GET", "/api/staff", Value::Null), 200).await;
        let body = json!({"version": 1, "role": "auditor"});
        self.staff("staff.edit", ("PATCH", &path, body), 200).await;
        let end = format!("{path}/end-sessions");
        self.staff("staff.end-sessions", ("POST", &end, Value::Null), 200).await;
        self.staff("staff.remove", ("DELETE", &path, Value::Null), 204).await;
    }

    async fn leave(&mut self) {
        self.team().await;
        let over = ("PUT", "/api/staff/session", json!({"practice": "harbor"}));
        let cookie = self.staff.clone();
        let answer = self.note("staff-sign-in.switch", over, &cookie, 200).await;
        let session = |cookie: &&String| cookie.starts_with("__Host-latchkey-staff=");
        self.staff.clone_from(answer.cookies.iter().find(session).expect("a session"));
        let out = "staff-sign-in.sign-out";
        self.staff(out, ("DELETE", "/api/staff/session", Value::Null), 204).await;
    }

    /// Has it found out whom a reset was asked for by a sign-in name, and notes what that asked.
    async fn resolve(&mut self, name: &'static str, username: &str) {
        let (app, practice) = (&self.place.app, &self.place.practice);
        let username = Username::parse(username).expect("a sign-in name");
        let account = account::key_of(app, practice, &username).expect("a key");
        let asked = keys::partition::asked(practice, &account);
        let sender = Post::default().sender(app);
        for ask in app.store().partition(&asked, keys::ASK).await.expect("what was asked") {
            let key = item_key(&ask).expect("a key");
            let (resolved, cost) = self.place.count(sender.resolve(&key)).await;
            resolved.expect("resolved");
            self.ledger.push((name, cost));
        }
    }

    async fn reset(&self, client: ClientId) -> String {
        let mut mails = mails(self.place, client).await;
        let mail = mails.find(|mail| mail.kind == MailKind::PasswordReset).expect("a mail");
        let token = ResetToken {
            practice: self.place.practice.clone(),
            account: mail.account.expect("an account"),
            secret: mail.nonce.expect("a nonce").secret(&self.place.app).expect("a secret"),
        };
        token.text()
    }
}

/// The mails of a chart that carry a token.
async fn mails(place: &Place, client: ClientId) -> impl Iterator<Item = Outgoing> {
    let pk = keys::chart(&place.practice, client);
    let items = place.app.store().partition(&pk, keys::MAIL).await.expect("mails");
    let mails = items.into_iter().map(|item| parse::<Outgoing>(item).expect("a mail"));
    mails.filter(|mail| mail.nonce.is_some())
}

/// The token of the newest invitation to a chart.
pub async fn invitation(place: &Place, client: ClientId) -> String {
    // Mails of one moment are in no order: only one fits the newest invitation.
    for mail in mails(place, client).await {
        let token = InvitationToken {
            practice: place.practice.clone(),
            account: mail.account.clone().expect("an account"),
            client,
            user: mail.portal_user_id,
            secret: mail.nonce.expect("a nonce").secret(&place.app).expect("a secret"),
        };
        let body = json!({"token": token.text()});
        let path = "/api/portal/enrollment/check";
        let request = place.request("POST", path, "", &body);
        if place.send(request).await.body["state"] == "open" {
            return token.text();
        }
    }
    panic!("no open invitation")
}

/// Follows a link to the issuer; answers where it leads.
async fn visit(place: &Place, url: &str) -> String {
    use tower::ServiceExt;
    let path = url.strip_prefix(&place.origin).expect("the issuer is ours");
    let mut request = place.request("GET", path, "", &Value::Null);
    // The issuer answers under its own name alone.
    let host = place.origin.strip_prefix("http://").expect("an address");
    request.headers_mut().insert("host", host.parse().expect("a name"));
    let issuer = place.issuer.routes(functions::people(place.app.clone()));
    let response = issuer.oneshot(request).await.expect("an answer");
    let location = response.headers().get("location").expect("a redirect");
    location.to_str().expect("text").to_owned()
}

//! Old and new functions serve one table: what a newer version wrote is in no older one's way.

use std::collections::BTreeSet;

use api_tests::{
    Answer, Call, PASSWORD, PORTAL, World,
    apps::{REDIRECT, Room, VERIFIER, X, Y, challenge, form, parameter, registration},
    authenticator::{Authenticator, Device},
    people::{Invited, Staff, text},
    programs::system,
    routes::operations,
};
use serde_json::{Value, json};
use shared::id::AccountKey;

const NEW: &str = "another nine grey pebbles";

/// What a newer version may have added: an attribute of a name that nobody here knows.
const LATER: &str = "later";

/// Whether a text is a digest: of 32 bytes, or of 16 as in the keys of accounts.
fn is_digest(text: &str) -> bool {
    text.len() >= 43 || text.len() == 22 && AccountKey::parse(text).is_some()
}

fn is_id(name: &str) -> bool {
    // That of an app begins with its practice.
    let name = name.rsplit('.').next().unwrap_or_default();
    name.len() == 26 && name.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// Adds it to an item, and to every map in it that is not a list by id.
fn grow(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.iter_mut().filter(|(name, _)| *name != LATER).for_each(|(_, v)| grow(v));
            if !members.is_empty() && !members.keys().all(|name| is_id(name)) {
                members.insert(LATER.into(), json!({"more": ["x", 1, null]}));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(grow),
        _ => {}
    }
}

/// Adds it to everything that both tables hold; answers the kinds of items, by their keys.
async fn grow_all(world: &World) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let (snapshot, tables) = (world.snapshot().await, world.database.tables());
    for table in [&tables.main, &tables.history] {
        let items = snapshot.items(table).into_iter().map(|((pk, sk), mut item)| {
            let of = pk.split('#').nth(2).unwrap_or_default();
            let kind = sk.split('#').take(2).filter(|part| !is_id(part) && !is_digest(part));
            kinds.insert(match of {
                "S" => of.to_owned(),
                _ => format!("{of} {}", kind.collect::<Vec<_>>().join("#")),
            });
            grow(&mut item);
            serde_dynamo::to_item(item).expect("an item")
        });
        world.database.load(table, items.collect::<Vec<_>>()).expect("loaded");
    }
    kinds
}

/// An item of the main table.
async fn item(world: &World, pk: &str, sk: &str) -> Value {
    let items = world.snapshot().await.items(&world.database.tables().main);
    let found = items.into_iter().find(|((p, s), _)| p.contains(pk) && s.starts_with(sk));
    found.expect("the item").1
}

struct Day {
    world: World,
    dana: Staff,
    done: BTreeSet<String>,
}

impl Day {
    /// Does something after everything has grown once more, and demands that it works.
    async fn expect(&mut self, operation: &str, status: u16, call: Call) -> Answer {
        grow_all(&self.world).await;
        let answer = self.world.send(call).await;
        assert_eq!(answer.status.as_u16(), status, "{operation}: {}", answer.body);
        self.done.insert(operation.to_owned());
        answer
    }

    async fn staff(&mut self, operation: &str, status: u16, call: Call) -> Value {
        let call = call.cookie(&self.dana.cookie);
        self.expect(operation, status, call).await.body
    }

    /// All that staff do with people who may enter.
    async fn change_access(&mut self, page: &str, one: &Invited, two: &Invited) {
        let put = |what: &str, to: &str| {
            Call::new("PUT", &format!("{page}/{what}")).json(&json!({"portalUserId": to}))
        };
        let post = |what: &str| Call::new("POST", &format!("{}/{what}", one.path()));
        self.staff("list-portal-users", 200, Call::new("GET", &format!("{page}/portal-users")))
            .await;
        let progress = Call::new("GET", &format!("{}/progress", one.path()));
        self.staff("list-portal-users.progress", 200, progress).await;
        let version = self.dana.user(one).await["version"].clone();
        let edit = json!({"version": version, "permissions": ["billing"], "until": "2099-12-31"});
        self.staff("update-portal-user", 200, Call::new("PATCH", &one.path()).json(&edit)).await;
        self.staff("assign-alert", 200, put("alert-recipient", &two.user)).await;
        self.staff("change-owner", 200, put("chart-owner", &two.user)).await;
        self.staff("revoke", 200, post("revoke")).await;
        let close =
            Call::new("POST", &format!("{page}/close")).json(&json!({"reason": "deceased"}));
        self.staff("close-client", 200, close).await;
        let reopen = Call::new("POST", &format!("{page}/reopen"));
        self.staff("close-client.reopen", 200, reopen).await;
        self.staff("activate", 200, post("activate")).await;
        let body = json!({
            "name": {"first": "Rosa", "last": "Person"}, "username": "rosa.person",
            "relationship": "other", "permissions": ["basic"],
        });
        let add = Call::new("POST", &format!("{page}/portal-users")).json(&body);
        let rosa = text(&self.staff("add-portal-user", 201, add).await["portalUserId"]);
        let print = Call::new("POST", &format!("{page}/portal-users/{rosa}/sheet"));
        self.staff("sheet", 201, print).await;
        let delete = Call::new("DELETE", &format!("{}?confirm=delete", one.path()));
        self.staff("delete", 200, delete).await;
        self.staff("history", 200, Call::new("GET", &format!("{page}/history"))).await;
    }
}

impl Day {
    /// All that admins do with the staff list.
    async fn team(&mut self) {
        let body = json!({"name": "Sam", "email": "sam@harbor.example", "role": "staff"});
        let made = self.staff("staff", 201, Call::new("POST", "/api/staff").json(&body)).await;
        let path = format!("/api/staff/{}", text(&made["staffId"]));
        self.staff("staff.list", 200, Call::new("GET", "/api/staff")).await;
        let edit = json!({"version": 1, "role": "auditor"});
        self.staff("staff.edit", 200, Call::new("PATCH", &path).json(&edit)).await;
        let end = Call::new("POST", &format!("{path}/end-sessions"));
        self.staff("staff.end-sessions", 200, end).await;
        self.staff("staff.remove", 204, Call::new("DELETE", &path)).await;
    }

    /// The end of it.
    async fn leave(&mut self) {
        self.staff("staff-sign-in.session", 200, Call::new("GET", "/api/staff/session")).await;
        let over = Call::new("PUT", "/api/staff/session").json(&json!({"practice": "harbor"}));
        let over = over.cookie(&self.dana.cookie);
        let over = self.expect("staff-sign-in.switch", 200, over).await;
        self.dana.cookie = over.cookie("__Host-latchkey-staff").expect("a session");
        self.staff("staff-sign-in.sign-out", 204, Call::new("DELETE", "/api/staff/session")).await;
    }

    /// All that has to do with apps.
    async fn apps(&mut self, cookie: &str) {
        let body = registration(&json!({"permission": null}));
        let made = self.staff("apps", 201, Call::new("POST", "/api/apps").json(&body)).await;
        let room = Room { id: text(&made["app"]["appId"]), secret: text(&made["secret"]) };
        let path = format!("/api/apps/{}", room.id);
        self.staff("apps.list", 200, Call::new("GET", "/api/apps")).await;
        self.staff("apps.show", 200, Call::new("GET", &path)).await;
        let edit = json!({"version": 1, "name": "Letters"});
        self.staff("apps.edit", 200, Call::new("PATCH", &path).json(&edit)).await;
        self.staff("apps.secret", 201, Call::new("POST", &format!("{path}/secret"))).await;
        let tiles = Call::new("GET", "/api/portal/apps").cookie(cookie);
        self.expect("portal-session.apps", 200, tiles).await;
        let metadata = Call::new("GET", "/.well-known/openid-configuration");
        self.expect("authorize.metadata", 200, metadata).await;
        let ask = json!({
            "client_id": room.id, "redirect_uri": REDIRECT, "response_type": "code",
            "scope": "openid basic billing", "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
        });
        let ask = Call::new("POST", "/api/portal/authorization").json(&ask).cookie(cookie);
        let back = self.expect("authorize", 200, ask).await.body;
        let code = parameter(&text(&back["redirectTo"]), "code").expect("a code");
        let of_app = |path: &str, fields: &[(&str, &str)]| {
            form(path, fields).header("authorization", &room.basic())
        };
        let fields =
            [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
        let tokens = self.expect("token", 200, of_app("/api/oauth/token", &fields)).await.body;
        let token = text(&tokens["access_token"]);
        let bearer = format!("Bearer {token}");
        for (id, method) in [("userinfo", "GET"), ("userinfo.posted", "POST")] {
            let call = Call::new(method, "/api/oauth/userinfo").header("authorization", &bearer);
            self.expect(id, 200, call).await;
        }
        for (id, path) in
            [("token.introspect", "/api/oauth/introspect"), ("token.revoke", "/api/oauth/revoke")]
        {
            self.expect(id, 200, of_app(path, &[("token", &token)])).await;
        }
        let check = Call::new("GET", &format!("/api/portal/check?app={}", room.id)).cookie(cookie);
        self.expect("check", 204, check).await;
        let out = Call::new("POST", "/api/portal/sign-out").json(&json!({"client_id": room.id}));
        self.expect("end-session", 200, out).await;
        let key = json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": X, "y": Y});
        let keyed = json!({"authentication": "key", "publicKeys": [key]});
        let keyed = self.dana.register(&keyed).await;
        let claims = json!({
            "iss": keyed.id, "sub": keyed.id, "aud": PORTAL, "jti": "one",
            "exp": self.world.now().seconds() + 60,
        });
        let proof = keyed.assertion(&json!({"alg": "ES256", "kid": "a"}), &claims);
        self.world.ask_with(&proof, "/api/oauth/introspect", &[("token", "x")]).await.expect(200);
        let delete = Call::new("DELETE", &format!("{path}?confirm=delete"));
        self.staff("apps.delete", 204, delete).await;
    }

    async fn lists(&mut self) {
        let search = Call::new("POST", "/api/clients/search").json(&json!({"query": "oka ama"}));
        self.staff("search", 200, search).await;
        let list = Call::new("POST", "/api/access").json(&json!({"view": "all"}));
        self.staff("list-access", 200, list).await;
        let summary = Call::new("GET", "/api/access/summary");
        self.staff("list-access.summary", 200, summary).await;
    }

    /// Sends invitations again, to one person and to all.
    async fn invite_again(&mut self, one: &Invited) {
        let again = Call::new("POST", &format!("{}/invitation", one.path()));
        self.staff("resend-invitation", 202, again).await;
        let body = json!({"action": "resend", "view": "invited"});
        let new = Call::new("POST", "/api/bulk").json(&body).header("idempotency-key", "k");
        let job = self.staff("bulk", 201, new.clone()).await;
        assert_eq!(self.staff("bulk", 201, new).await, job, "an answer that is kept");
        let path = format!("/api/bulk/{}", text(&job["bulkId"]));
        self.staff("bulk.start", 200, Call::new("POST", &format!("{path}/start"))).await;
        self.staff("bulk.stop", 200, Call::new("POST", &format!("{path}/stop"))).await;
        self.staff("bulk.start", 200, Call::new("POST", &format!("{path}/start"))).await;
        self.staff("bulk.rows", 200, Call::new("GET", &format!("{path}/rows"))).await;
        grow_all(&self.world).await;
        assert_eq!(self.world.deliver().await, 0);
        let progress = self.staff("bulk.show", 200, Call::new("GET", &path)).await;
        assert_eq!(
            (&progress["state"], &progress["done"]),
            (&json!("finished"), &job["willChange"])
        );
        // One whose step is still there.
        let job = self.staff("bulk", 201, Call::new("POST", "/api/bulk").json(&body)).await;
        let path = format!("/api/bulk/{}/start", text(&job["bulkId"]));
        self.staff("bulk.start", 200, Call::new("POST", &path)).await;
        let _ = self.world.records();
    }

    async fn forgot(&mut self, username: &str) {
        let ask = json!({"practice": "harbor", "username": username});
        let ask = Call::new("POST", "/api/portal/password-reset").json(&ask);
        self.expect("reset-password", 202, ask).await;
        grow_all(&self.world).await;
        assert_eq!(self.world.deliver().await, 0);
    }

    /// Fails to sign in as nobody until the name is locked.
    async fn lock_out(&self) {
        for _ in 0..5 {
            let refused = self.world.sign_in("nobody@mail.example", "wrong").await;
            refused.problem(401, "sign_in_failed");
        }
    }
}

impl Day {
    /// All that a person does with their own account, and who can enter their chart.
    async fn account(&mut self, cookie: &str, client: &str) {
        let call = |method: &str, path: &str| {
            Call::new(method, &format!("/api/portal/{path}")).cookie(cookie)
        };
        let access = call("GET", &format!("charts/{client}/access"));
        self.expect("who-can-enter", 200, access).await;
        self.expect("account", 200, call("GET", "account")).await;
        let edit = call("PATCH", "account").json(&json!({"language": "es"}));
        self.expect("account.edit", 200, edit).await;
        let ask = json!({"email": "one@new.example", "proof": {"password": PASSWORD}});
        let ask = || call("POST", "account/email").json(&ask).header("idempotency-key", "k");
        self.expect("account.email", 202, ask()).await;
        self.expect("account.email", 202, ask()).await;
        grow_all(&self.world).await;
        assert_eq!(self.world.deliver().await, 0);
        let token = json!({"token": self.world.post.newest("one@new.example").token()});
        let confirm = || call("POST", "email-confirmation").json(&token);
        let confirm = || confirm().header("idempotency-key", "k");
        self.expect("account.confirm-email", 204, confirm()).await;
        self.expect("account.confirm-email", 204, confirm()).await;
        let password = json!({"password": NEW, "proof": {"password": PASSWORD}});
        let password = call("PUT", "account/password").json(&password);
        self.expect("account.password", 204, password).await;
        let back = json!({"password": PASSWORD, "proof": {"password": NEW}});
        let back = call("PUT", "account/password").json(&back);
        self.expect("account.password", 204, back).await;
        self.expect("account.end-session", 204, call("DELETE", "account/sessions/others")).await;
    }

    /// All that a person does with second factors, and how they sign in with them. A passkey stays.
    async fn factors(&mut self, cookie: &str, one: &Invited) {
        let offered = json!({"version": 1, "secondFactor": "offered"});
        self.staff("practice.edit", 200, Call::new("PATCH", "/api/practice").json(&offered)).await;
        let call = |method: &str, path: &str, body: &Value| {
            Call::new(method, &format!("/api/portal/account/{path}")).json(body).cookie(cookie)
        };
        let proof = json!({"proof": {"password": PASSWORD}});
        let given = self.expect("factors.totp", 200, call("POST", "totp", &proof)).await.body;
        let app = Authenticator::new(&text(&given["secret"]));
        let code = json!({"code": app.code(self.world.now())});
        self.expect("factors.confirm-totp", 204, call("PUT", "totp", &code)).await;
        let recovery = || call("POST", "recovery-code", &proof).header("idempotency-key", "k");
        let made = self.expect("factors.recovery-code", 201, recovery()).await.body;
        self.expect("factors.recovery-code", 201, recovery()).await;
        let printed = Call::new("POST", &format!("{}/factor-reset", one.path()));
        self.staff("factor-reset", 201, printed).await;
        // The first was counted before.
        for _ in 0..4 {
            self.world.sign_in(&one.email, "wrong").await.problem(401, "sign_in_failed");
        }
        let unlock = Call::new("POST", &format!("{}/unlock", one.path()));
        self.staff("unlock", 200, unlock).await;
        let who = json!({"practice": "harbor", "username": one.email, "password": PASSWORD});
        let sign_in = || Call::new("POST", "/api/portal/sign-in").json(&who);
        let asked = self.expect("sign-in", 401, sign_in()).await.body;
        let answer = json!({
            "challenge": asked["challenge"], "method": "recovery-code", "code": made["code"],
        });
        let second = Call::new("POST", "/api/portal/sign-in/factor").json(&answer);
        self.expect("sign-in.factor", 200, second).await;
        self.expect("factors.remove-totp", 204, call("DELETE", "totp", &proof)).await;
        let mut device = Device::at(PORTAL, 1);
        let mut ids = Vec::new();
        for id in [1, 2] {
            let options = call("POST", "passkeys/options", &proof);
            let options = self.expect("factors.passkey-options", 200, options).await.body;
            device.id = vec![id; 32];
            let new = json!({"name": "Phone", "credential": device.create(&options["options"])});
            let key = format!("k{id}");
            let add = || call("POST", "passkeys", &new).header("idempotency-key", &key);
            let added = self.expect("factors.add-passkey", 201, add());
            ids.push(text(&added.await.body["passkeyId"]));
            if id == 1 {
                self.expect("factors.add-passkey", 201, add()).await;
            }
            self.world.pass(1);
        }
        let path = format!("passkeys/{}", ids[0]);
        let rename = call("PATCH", &path, &json!({"name": "Old phone"}));
        self.expect("factors.rename-passkey", 200, rename).await;
        self.expect("factors.remove-passkey", 204, call("DELETE", &path, &proof)).await;
        let ask = json!({"practice": "harbor"});
        let ask = || Call::new("POST", "/api/portal/sign-in/passkey/options").json(&ask);
        let question = self.expect("sign-in.passkey-options", 200, ask()).await.body;
        let credential = device.get(&question["options"]);
        let answer = json!({"challenge": question["challenge"], "credential": credential});
        let alone = Call::new("POST", "/api/portal/sign-in/passkey").json(&answer);
        self.expect("sign-in.passkey", 200, alone).await;
        // What waits, and stays.
        self.expect("sign-in.passkey-options", 200, ask()).await;
        self.expect("sign-in", 401, sign_in()).await;
    }

    /// Gives a person another sign-in name: what leads from a passkey to the account is kept from then on.
    async fn rename(&mut self, one: &Invited, to: &str) {
        let version = self.dana.user(one).await["version"].clone();
        let rename = json!({"version": version, "username": to});
        let call = Call::new("PATCH", &one.path()).json(&rename);
        self.staff("update-portal-user", 200, call).await;
    }

    /// What admins do with the practice itself, and the end of all sessions.
    async fn practice(&mut self) {
        let call = |method: &str, path: &str, body: &Value| Call::new(method, path).json(body);
        self.staff("practice", 200, Call::new("GET", "/api/practice")).await;
        let edit = json!({"version": 2, "invitationDays": 3});
        self.staff("practice.edit", 200, call("PATCH", "/api/practice", &edit)).await;
        let days = json!({"from": "2026-11-01", "to": "2026-11-30"});
        self.staff("practice-history", 200, call("POST", "/api/history", &days)).await;
        // Those of before this moment.
        self.world.pass(1);
        let end = call("POST", "/api/practice/end-sessions", &json!({"confirm": "end"}));
        self.staff("practice.end-sessions", 200, end).await;
        self.world.pass(1);
        self.dana = self.world.dana().await;
    }
}

/// Every kind of item: its partition and the beginning of its sort key.
const KINDS: [&str; 34] = [
    " LOGIN#harbor",
    " PRACTICE",
    " SOURCE",
    "A ACCOUNT",
    "A CHALLENGE",
    "B BORN",
    "C ",
    "C A#CLIENT",
    "C A#USER",
    "C ALERT",
    "C HUSH#PRACTICE",
    "C MAIL",
    "D ",
    "E ACCOUNT",
    "G BULK",
    "G BULK#000",
    "G STEP",
    "H POSTS",
    "I REQUEST",
    "J USED",
    "K NOTICE",
    "L DEVICE",
    "L LOCK",
    "L LOCKOUT",
    "M BUDGET",
    "O APP",
    "Q ASK",
    "R RECORD",
    "S",
    "T MEMBER",
    "T MEMBERS",
    "W SESSION",
    "Y CHALLENGE",
    "Z ACCOUNT",
];

#[tokio::test]
async fn every_function_serves_items_that_a_newer_version_wrote() {
    let world = World::new().await;
    let dana = world.dana().await;
    let mut day = Day { world: world.clone(), dana: dana.clone(), done: BTreeSet::new() };
    let call = |method: &str, path: &str, body: &Value| Call::new(method, path).json(body);
    let get = |path: &str| Call::new("GET", path);

    let new = json!({
        "name": {"first": "Amara", "last": "Okafor", "preferred": "Ama"},
        "dateOfBirth": "1984-03-12", "recordNumber": "HP-1",
        "emails": [{"type": "home", "address": "amara@mail.example"}],
        "phones": [{"type": "mobile", "number": "+1 212 555 0142"}], "professional": "Dr. Achebe",
    });
    let create = || call("POST", "/api/clients", &new).header("idempotency-key", "k");
    let made = day.staff("create-client", 201, create()).await;
    assert_eq!(day.staff("create-client", 201, create()).await, made, "an answer that is kept");
    let client = text(&made["clientId"]);
    let page = format!("/api/clients/{client}");
    day.lists().await;
    day.staff("client", 200, get(&page)).await;
    let rows = json!({"rows": [{
        "recordNumber": "HP-1", "name": {"first": "Amara", "last": "Okafor"},
        "dateOfBirth": "1984-03-12", "professional": "Dr. Achebe",
    }]});
    day.staff("sync-clients", 200, call("POST", "/api/clients/sync", &rows)).await;
    let edit = json!({"version": 1, "name": {"first": "Amara", "last": "Bell"}});
    day.staff("client.edit", 200, call("PATCH", &page, &edit)).await;

    let add = |email: &str| {
        json!({
            "name": {"first": "Pat", "last": "Person"}, "email": email,
            "relationship": "parent", "permissions": ["basic"],
        })
    };
    let users = format!("{page}/portal-users");
    let mut people = Vec::new();
    for email in ["one@mail.example", "two@mail.example"] {
        let user = day.staff("add-portal-user", 201, call("POST", &users, &add(email))).await;
        let user = text(&user["portalUserId"]);
        people.push(Invited {
            client: client.clone(),
            user,
            email: email.into(),
            token: String::new(),
        });
    }
    let (one, two) = (people[0].clone(), people[1].clone());
    day.invite_again(&one).await;
    grow_all(&world).await;
    assert_eq!(world.deliver().await, 0);
    let token = json!({"token": world.post.newest(&one.email).token()});
    day.expect("enroll.check", 200, call("POST", "/api/portal/enrollment/check", &token)).await;
    let proof = json!({
        "token": token["token"], "lastName": "Bell", "dateOfBirth": "1984-03-12",
        "password": PASSWORD,
    });
    let enroll = || call("POST", "/api/portal/enrollment", &proof).header("idempotency-key", "k");
    day.expect("enroll", 201, enroll()).await;
    day.expect("enroll", 201, enroll()).await;

    let who = json!({"practice": "harbor", "username": one.email, "password": "wrong"});
    day.expect("sign-in", 401, call("POST", "/api/portal/sign-in", &who)).await;
    let who = json!({"practice": "harbor", "username": one.email, "password": PASSWORD});
    let signed_in = day.expect("sign-in", 200, call("POST", "/api/portal/sign-in", &who)).await;
    let cookie = signed_in.cookie("__Host-latchkey-portal").expect("a cookie");
    world.pass(61);
    let session = "/api/portal/session";
    day.expect("portal-session", 200, get(session).cookie(&cookie)).await;
    day.account(&cookie, &client).await;
    day.factors(&cookie, &one).await;
    let one = Invited { email: "one@new.example".into(), ..one };
    day.apps(&cookie).await;
    let system = dana.program(&system(&["alerts"])).await;
    let alert = json!({"clientId": client, "kind": "message"});
    for _ in 0..2 {
        let post = call("POST", "/api/alerts", &alert).header("idempotency-key", "k");
        let post = post.header("authorization", &format!("Bearer {}", system.token));
        day.expect("alerts", 202, post).await;
        grow_all(&world).await;
        assert_eq!(world.deliver().await, 0);
    }
    day.staff("alerts.list", 200, get(&format!("{page}/alerts"))).await;
    // An app that is still open when the person signs out.
    let room = dana.register(&json!({"permission": "basic"})).await;
    world.token(&cookie, &room).await;
    let out = Call::new("DELETE", session).cookie(&cookie);
    day.expect("portal-session.sign-out", 204, out).await;
    day.expect("portal-session.keys", 200, get("/api/portal/jwks.json")).await;
    day.rename(&one, "one.again").await;
    day.forgot("one.again").await;
    let reset = json!({"token": world.post.newest(&one.email).token(), "password": NEW});
    world.sign_in(&one.email, "wrong").await.problem(401, "sign_in_failed");
    world.ask(&one.email).await.expect(202);
    day.lock_out().await;
    // All that can be stored is stored by now.
    let kinds = grow_all(&world).await;
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), KINDS);
    day.expect("reset-password.choose", 204, call("PUT", "/api/portal/password", &reset)).await;

    day.change_access(&page, &one, &two).await;
    day.team().await;
    day.expect("health", 200, get("/api/health")).await;
    day.practice().await;
    day.leave().await;

    // What reads nothing that is stored, or needs the issuer.
    let others = ["health.document", "staff-sign-in", "staff-sign-in.callback"];
    day.done.extend(others.map(str::to_owned));
    assert_eq!(day.done, operations().into_iter().map(|o| o.id).collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn what_an_older_version_updates_keeps_what_a_newer_one_added() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    grow_all(&world).await;
    let user = format!("A#USER#{}", who.user);
    // A sign-in is told to the portal user, a revocation to the account, a delivery to the mail.
    world.signed_in(&who.email, PASSWORD).await;
    let told = item(&world, &who.client, &user).await;
    assert!(told.get(LATER).is_some() && told["name"].get(LATER).is_some());
    grow_all(&world).await;
    dana.revoke(&who).await.expect(200);
    let account = item(&world, "#A#", "ACCOUNT").await;
    let grant = &account["grants"][&who.client];
    assert_eq!(grant["active"], false);
    assert!(account.get(LATER).is_some() && grant.get(LATER).is_some());
    let session = item(&world, "#W#", "SESSION").await;
    assert!(session.get(LATER).is_some());
    dana.activate(&who).await.expect(200);
    grow_all(&world).await;
    assert_eq!(world.deliver().await, 0);
    let snapshot = world.snapshot().await.items(&world.database.tables().main);
    let mails: Vec<&Value> =
        snapshot.iter().filter(|(key, _)| key.1.starts_with("MAIL#")).map(|(_, m)| m).collect();
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|m| m.get("doneAt").is_some() && m.get(LATER).is_some()));
}

/// Rules about texts grow stricter: what was taken before is shown, kept, and can be put right.
#[tokio::test]
async fn what_was_stored_by_older_rules_is_served() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let who = dana.invite(&client, "jane.doe@mail.example").await;
    let (snapshot, main) = (world.snapshot().await, &world.database.tables().main);
    let old = snapshot.items(main).into_values().map(|item| {
        let text = item.to_string().replace(r#""email":"jane.doe@"#, r#""email":"jane..doe@"#);
        serde_dynamo::to_item(serde_json::from_str::<Value>(&text).expect("JSON")).expect("an item")
    });
    world.database.load(main, old.collect::<Vec<_>>()).expect("loaded");
    let user = dana.user(&who).await;
    assert_eq!(user["email"], "jane..doe@mail.example");
    dana.resend(&who).await.expect(202);
    assert_eq!(world.deliver().await, 0);
    let version = dana.user(&who).await["version"].clone();
    let edit = json!({"version": version, "email": "jane..doe@mail.example"});
    dana.patch(&who.path(), &edit).await.problem(400, "invalid");
    let edit = json!({"version": version, "email": "jane.doe@mail.example"});
    assert_eq!(dana.patch(&who.path(), &edit).await.expect(200)["email"], "jane.doe@mail.example");
}

#[tokio::test]
async fn an_event_of_a_kind_that_is_not_known_is_shown_as_such() {
    let world = World::new().await;
    let dana = world.dana().await;
    let client = dana.client("Amara", "Okafor", "1984-03-12").await;
    let history = &world.database.tables().history;
    let (_, mut event) = world.snapshot().await.items(history).into_iter().next().expect("one");
    event["action"] = json!("portal-user-merged");
    world.database.load(history, [serde_dynamo::to_item(event).expect("an item")]).expect("loaded");
    let shown = dana.get(&format!("/api/clients/{client}/history")).await.expect(200);
    assert_eq!(shown["events"][0]["action"], "other");
    assert_eq!(
        shown["events"][0]["actor"],
        json!({"id": dana.id, "name": "Dana", "role": "admin"})
    );
}

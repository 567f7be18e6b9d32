//! What apps ask and what alerts tell once access is revoked, ten thousand times; and how long the
//! questions of apps take beside the portal's own.

use std::time::{Duration, Instant};

use api_tests::{
    apps::{REDIRECT, Room, VERIFIER, challenge, parameter, registration},
    mail::Post,
    programs::system,
};
use axum::body::Body;
use futures::future::join_all;
use http::Request;
use serde_json::{Value, json};
use shared::{
    alert::Addressee,
    id::{AlertId, ClientId, PortalUserId},
    keys::{self, Key},
};

use crate::{operations, place::Place};

/// People whose access is revoked.
const PEOPLE: usize = 75;
/// How often each: the mails of an hour to one address are the invitation and so many more.
const TIMES: usize = 9;
/// Apps that are open to each; each asks in three ways.
const APPS: usize = 5;
/// Alerts that wait for each.
const ALERTS: usize = 15;
/// How many alerts one system may post in an hour.
const POSTS: usize = alerts::POSTS_AN_HOUR as usize;
/// People of the staff who are removed while they work.
const REMOVED: usize = 1000;
/// Requests of each beside the removal, and as many after it.
const REQUESTS: usize = 10;
/// How often each question is timed.
const TIMED: usize = 2000;

const PASSWORD: &str = "seven quiet kettles hum";

/// What was counted and timed.
#[derive(Default)]
pub struct Races {
    /// Questions that began beside a revocation.
    pub beside: usize,
    /// How many of these were answered before it.
    pub open: usize,
    /// Questions after a revocation was answered.
    pub after: usize,
    /// How many of these let anybody in.
    pub let_in: usize,
    /// Alerts that waited when access was revoked.
    pub alerts: usize,
    /// How many of these reached the person.
    pub told: usize,
    /// Requests of staff that began after their removal was answered.
    pub removed: usize,
    /// How many of these were answered.
    pub stayed: usize,
    /// What each question takes, by its name.
    pub times: Vec<(&'static str, Vec<Duration>)>,
}

struct Scene<'a> {
    place: &'a Place,
    staff: &'a str,
    rooms: Vec<Room>,
    /// What the systems' calls bear. Each system posts as many alerts as one may in an hour.
    bearers: Vec<String>,
}

struct Person {
    client: ClientId,
    user: String,
    path: String,
    email: String,
}

/// Runs all races, then times the questions.
pub async fn all(place: &Place, staff: &str) -> Races {
    let scene = Scene::new(place, staff).await;
    let mut races = Races::default();
    for number in 0..PEOPLE {
        let person = scene.person(number).await;
        for _ in 0..TIMES {
            scene.forget_quiet(&person).await;
            scene.race(&person, &mut races).await;
        }
    }
    for number in 0..REMOVED {
        scene.removal(number, &mut races).await;
    }
    races.times = scene.times().await;
    races
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

impl<'a> Scene<'a> {
    async fn new(place: &'a Place, staff: &'a str) -> Self {
        let mut scene = Self { place, staff, rooms: Vec::new(), bearers: Vec::new() };
        for _ in 0..APPS {
            let room = scene.register(&registration(&json!({"permission": null}))).await;
            scene.rooms.push(room);
        }
        for _ in 0..(PEOPLE * TIMES * ALERTS).div_ceil(POSTS) {
            let system = scene.register(&registration(&system(&["alerts"]))).await;
            let own = [("grant_type", "client_credentials")];
            let request = Place::form("/api/oauth/token", &system.basic(), &own);
            let tokens = place.send(request).await.body;
            scene.bearers.push(format!("Bearer {}", text(&tokens["access_token"])));
        }
        scene
    }

    async fn register(&self, body: &Value) -> Room {
        let made = self.staff("POST", "/api/apps", body, 201).await;
        Room { id: text(&made["app"]["appId"]), secret: text(&made["secret"]) }
    }

    async fn staff(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        self.expect(self.place.request(method, path, self.staff, body), status).await.body
    }

    async fn expect(&self, request: Request<Body>, status: u16) -> crate::place::Answer {
        let answer = self.place.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        answer
    }

    /// A person with access.
    async fn person(&self, number: usize) -> Person {
        let body = json!({
            "name": {"first": format!("Racer {number}"), "last": "Okafor"},
            "dateOfBirth": "1984-03-12", "distinct": true,
        });
        let made = self.staff("POST", "/api/clients", &body, 201).await;
        let id = text(&made["clientId"]);
        let client = ClientId::parse(&id).expect("an id");
        let email = format!("racer{number}@mail.example");
        let body = json!({
            "name": {"first": "Pat", "last": "Person"}, "email": email,
            "relationship": "parent", "permissions": ["basic", "messaging"],
        });
        let users = format!("/api/clients/{id}/portal-users");
        let user = text(&self.staff("POST", &users, &body, 201).await["portalUserId"]);
        let token = operations::invitation(self.place, client).await;
        let body = json!({
            "token": token, "lastName": "Okafor", "dateOfBirth": "1984-03-12",
            "password": PASSWORD,
        });
        self.expect(self.place.request("POST", "/api/portal/enrollment", "", &body), 201).await;
        Person { client, path: format!("{users}/{user}"), user, email }
    }

    async fn sign_in(&self, person: &Person) -> String {
        let with = json!({"practice": "harbor", "username": person.email, "password": PASSWORD});
        let request = self.place.request("POST", "/api/portal/sign-in", "", &with);
        let answer = self.expect(request, 200).await;
        let session = |cookie: &&String| cookie.starts_with("__Host-latchkey-portal=");
        answer.cookies.iter().find(session).expect("a session").clone()
    }

    async fn token(&self, room: &Room, cookie: &str) -> String {
        let ask = json!({
            "client_id": room.id, "redirect_uri": REDIRECT, "response_type": "code",
            "scope": "openid messaging", "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
        });
        let ask = self.place.request("POST", "/api/portal/authorization", cookie, &ask);
        let back = self.expect(ask, 200).await.body;
        let code = parameter(&text(&back["redirectTo"]), "code").expect("a code");
        let fields =
            [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
        let request = Place::form("/api/oauth/token", &room.basic(), &fields);
        text(&self.expect(request, 200).await.body["access_token"])
    }

    /// What the apps ask: introspection, userinfo and check of each.
    fn questions(&self, tokens: &[String], cookie: &str) -> Vec<Request<Body>> {
        let of = |(room, token): (&Room, &String)| {
            [introspection(room, token), userinfo(token), self.check(room, cookie)]
        };
        self.rooms.iter().zip(tokens).flat_map(of).collect()
    }

    fn check(&self, room: &Room, cookie: &str) -> Request<Body> {
        let path = format!("/api/portal/check?app={}", room.id);
        self.place.request("GET", &path, cookie, &Value::Null)
    }

    /// How many of these let somebody in.
    async fn let_in(&self, questions: Vec<Request<Body>>) -> usize {
        let ask = async |request| {
            let answer = self.place.send(request).await;
            assert!(answer.status < 500, "{}", answer.body);
            answer.status < 300 && answer.body["active"] != json!(false)
        };
        let answers = join_all(questions.into_iter().map(ask)).await;
        answers.into_iter().filter(|open| *open).count()
    }

    async fn race(&self, person: &Person, races: &mut Races) {
        let cookie = self.sign_in(person).await;
        let mut tokens = Vec::new();
        for room in &self.rooms {
            tokens.push(self.token(room, &cookie).await);
        }
        let mut waiting = Vec::new();
        for number in 0..ALERTS {
            waiting.push(self.alert(person, races.alerts + number).await);
        }
        let questions = self.questions(&tokens, &cookie);
        races.beside += questions.len();
        let path = format!("{}/revoke", person.path);
        let revoke = self.place.request("POST", &path, self.staff, &json!({}));
        let beside = self.let_in(questions);
        let (revoked, open) = futures::join!(self.place.send(revoke), beside);
        assert_eq!(revoked.status, 200, "{}", revoked.body);
        races.open += open;

        let questions = self.questions(&tokens, &cookie);
        races.after += questions.len();
        races.let_in += self.let_in(questions).await;
        let post = Post::default();
        let sender = post.sender(&self.place.app);
        let key = |alert: &AlertId| keys::alert(&self.place.practice, person.client, *alert);
        let keys: Vec<Key> = waiting.iter().map(key).collect();
        // One goes; the others, which wait for it, come again.
        join_all(keys.iter().map(|key| sender.alert(key))).await;
        for key in &keys {
            sender.alert(key).await.expect("sent");
        }
        races.alerts += waiting.len();
        let mails = post.received();
        races.told += mails.iter().filter(|mail| mail.to == person.email).count();
        assert!(mails.iter().any(|mail| mail.to != person.email), "the practice was told");
        self.staff("POST", &format!("{}/activate", person.path), &Value::Null, 200).await;
    }

    /// Ends the quarter of an hour of the round before, in which alerts would send nothing.
    async fn forget_quiet(&self, person: &Person) {
        let mut change = self.place.app.store().change();
        let user = PortalUserId::parse(&person.user).expect("an id");
        for to in [Addressee::Practice, Addressee::PortalUser(user)] {
            change.discard(&keys::hush(&self.place.practice, person.client, to));
        }
        assert!(self.place.app.store().write(change).await.is_ok(), "forgotten");
    }

    /// Removes a person of the staff beside their requests: none that begins after it is answered.
    async fn removal(&self, number: usize, races: &mut Races) {
        let email = format!("robin{number}@harbor.example");
        let body = json!({"name": "Robin", "email": email, "role": "staff"});
        let made = self.staff("POST", "/api/staff", &body, 201).await;
        let cookie = self.place.admitted(&email).await;
        let work = || {
            let look = || self.place.request("GET", "/api/staff/session", &cookie, &Value::Null);
            let search = || {
                let body = json!({"query": "okafor"});
                self.place.request("POST", "/api/clients/search", &cookie, &body)
            };
            let requests = (0..REQUESTS).map(|n| if n % 2 == 0 { look() } else { search() });
            requests.collect::<Vec<_>>()
        };
        let path = format!("/api/staff/{}", text(&made["staffId"]));
        let remove = self.place.request("DELETE", &path, self.staff, &Value::Null);
        let (removed, _) = futures::join!(self.place.send(remove), self.let_in(work()));
        assert_eq!(removed.status, 204, "{}", removed.body);
        let after = work();
        races.removed += after.len();
        races.stayed += self.let_in(after).await;
    }

    /// Posts an alert, the `number`th of all.
    async fn alert(&self, person: &Person, number: usize) -> AlertId {
        let body = json!({
            "clientId": person.client, "kind": "message", "portalUserId": person.user,
        });
        let mut request = self.place.request("POST", "/api/alerts", "", &body);
        request
            .headers_mut()
            .insert("authorization", self.bearers[number / POSTS].parse().expect("a header"));
        let answer = self.expect(request, 202).await.body;
        assert_eq!(answer["to"], "portalUser");
        AlertId::parse(&text(&answer["alertId"])).expect("an id")
    }

    /// Times the questions by turns, so that whatever else the machine does meets all of them.
    async fn times(&self) -> Vec<(&'static str, Vec<Duration>)> {
        let person = self.person(PEOPLE).await;
        let cookie = self.sign_in(&person).await;
        let room = &self.rooms[0];
        let token = self.token(room, &cookie).await;
        let session = || self.place.request("GET", "/api/portal/session", &cookie, &Value::Null);
        let mut times =
            ["session", "introspection", "check", "userinfo"].map(|name| (name, Vec::new()));
        for _ in 0..TIMED {
            let requests = [
                session(),
                introspection(room, &token),
                self.check(room, &cookie),
                userinfo(&token),
            ];
            for (request, (_, times)) in requests.into_iter().zip(&mut times) {
                let began = Instant::now();
                let answer = self.place.send(request).await;
                times.push(began.elapsed());
                assert!(answer.status < 300, "{}", answer.body);
            }
        }
        for (_, times) in &mut times {
            times.sort_unstable();
        }
        times.into()
    }
}

fn introspection(room: &Room, token: &str) -> Request<Body> {
    Place::form("/api/oauth/introspect", &room.basic(), &[("token", token)])
}

fn userinfo(token: &str) -> Request<Body> {
    Place::form("/api/oauth/userinfo", &format!("Bearer {token}"), &[])
}

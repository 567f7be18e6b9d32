//! The local home as a program: what it says when it cannot start, how it stops, and that being
//! killed at any moment loses nothing that was answered, mails included; and that its listeners
//! refuse browsers, strangers and slow clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use openidconnect::reqwest::{self, Client, header};
use serde_json::{Value, json};

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("latchkey-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is in the folder for temporary things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(state: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-local"));
    command.env_clear().env("STATE_DIR", state).env("PORT", port.to_string());
    command
}

/// A program that ends with its test, however that ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A home that runs, and somebody of its staff who is signed in.
struct Home {
    process: Program,
    origin: String,
    http: Client,
    cookie: String,
}

impl Home {
    async fn start(state: &Path) -> Self {
        let process = command(state, 0).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let mut process = Program(process.expect("a process"));
        let mut lines = BufReader::new(process.0.stdout.take().expect("its output")).lines();
        let origin = loop {
            let line = lines.next().expect("a line").expect("text");
            if let Some(origin) = line.trim().strip_prefix("Staff") {
                break origin.trim().to_owned();
            }
        };
        // The rest is read too, so that the home can write it.
        std::thread::spawn(move || lines.for_each(drop));
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let mut home =
            Self { process, origin, http: http.expect("a client"), cookie: String::new() };
        home.sign_in().await;
        home
    }

    /// Signs Dana in, following each redirect by hand.
    async fn sign_in(&mut self) {
        let mut cookies: Vec<String> = Vec::new();
        let mut next = format!("{}/api/staff/sign-in?login_hint=dana@harbor.example", self.origin);
        for _ in 0..3 {
            let request = self.http.get(&next).header(header::COOKIE, cookies.join("; "));
            let answer = request.send().await.expect("an answer");
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                let pair = cookie.to_str().expect("text").split(';').next().unwrap_or_default();
                cookies.push(pair.to_owned());
            }
            let location = answer.headers()[header::LOCATION].to_str().expect("text").to_owned();
            if location.starts_with('/') {
                break;
            }
            let asks = location.contains("/authorize?") && !location.contains("prompt=login");
            assert!(!asks, "the issuer is not to remember anybody: {location}");
            next = location;
        }
        cookies.retain(|c| c.starts_with("__Host-latchkey-staff="));
        self.cookie = cookies.pop().expect("a session");
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self
            .http
            .post(format!("{}{path}", self.origin))
            .header(header::COOKIE, &self.cookie)
            .header(header::ORIGIN, &self.origin)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"))
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.origin));
        let answer = request.header(header::COOKIE, &self.cookie).send().await.expect("an answer");
        serde_json::from_str(&answer.text().await.expect("text")).expect("JSON")
    }

    /// The mails to somebody, once there is one.
    async fn mails_to(&self, to: &str) -> Vec<Value> {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        let arrived = async {
            loop {
                tick.tick().await;
                let messages = self.get("/mailbox/messages").await;
                let all = messages["messages"].as_array().cloned().unwrap_or_default();
                let found: Vec<Value> = all.into_iter().filter(|m| m["to"] == to).collect();
                if !found.is_empty() {
                    break found;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(4), arrived).await.expect("a mail")
    }

    fn kill(mut self) {
        self.process.0.kill().expect("killed");
        self.process.0.wait().expect("gone");
    }

    /// Ctrl-C.
    fn interrupt(mut self) -> i32 {
        let status = Command::new("kill").args(["-INT", &self.process.0.id().to_string()]).status();
        assert!(status.expect("kill").success());
        self.process.0.wait().expect("gone").code().expect("an exit code")
    }
}

#[tokio::test]
async fn killed_at_any_moment_it_has_lost_nothing_that_it_answered() {
    let folder = Folder::new("killed");
    let mut expected = Vec::new();
    for round in 0..3 {
        let home = Home::start(&folder.0).await;
        let client = json!({
            "name": {"first": "Round", "last": format!("Number{round}")},
            "dateOfBirth": "1984-03-12",
        });
        let (status, client) = home.post("/api/clients", &client).await;
        assert_eq!(status, 201, "{client}");
        let client = client["clientId"].as_str().expect("an id").to_owned();
        for user in 0..3 {
            let email = format!("round{round}.user{user}@mail.example");
            let body = json!({
                "name": {"first": "Pat", "last": "Person"}, "email": email,
                "relationship": "parent", "permissions": ["basic"],
            });
            let (status, added) =
                home.post(&format!("/api/clients/{client}/portal-users"), &body).await;
            assert_eq!(status, 201, "{added}");
            expected.push((client.clone(), email));
        }
        // At once: the mails of this round are hardly on their way.
        home.kill();
    }
    let home = Home::start(&folder.0).await;
    for (client, email) in &expected {
        let users = home.get(&format!("/api/clients/{client}/portal-users")).await;
        let users = users["portalUsers"].as_array().cloned().unwrap_or_default();
        assert!(users.iter().any(|u| u["email"] == email.as_str()), "{email} is missing");
        let mails = home.mails_to(email).await;
        // Once, or once more when it was killed between sending and noting it.
        assert!((1..=2).contains(&mails.len()), "{email} got {}", mails.len());
    }
    assert_eq!(home.interrupt(), 0);
}

#[tokio::test]
async fn it_goes_on_when_nobody_reads_what_it_says() {
    let folder = Folder::new("unread");
    let roster = folder.0.join("roster.csv");
    fs::write(&roster, format!("{}\n", latchkey_local::roster::COLUMNS.join(",")))
        .expect("written");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let mut command = command(&folder.0.join("state"), port);
    // What became of the roster is said before the first request is answered.
    command.env("ROSTER", &roster).stdout(Stdio::piped());
    let mut process = Program(command.spawn().expect("a process"));
    drop(process.0.stdout.take());
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tick.tick().await;
        assert_eq!(process.0.try_wait().expect("a state"), None, "it stopped");
        let health = reqwest::get(format!("http://localhost:{port}/api/health")).await;
        if health.is_ok_and(|answer| answer.status().is_success()) {
            break;
        }
    }
}

/// The environment of the functions, as the home writes it at each start.
fn environment(folder: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder.join("functions.env")).expect("an environment");
    let line = |line: &str| {
        let (name, value) = line.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// The loopback addresses on which a process listens.
fn listeners(process: &Child) -> BTreeSet<SocketAddr> {
    let proc = PathBuf::from(format!("/proc/{}", process.id()));
    let open = fs::read_dir(proc.join("fd")).expect("its files");
    let open: BTreeSet<String> = open
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .collect();
    let table = |name: &str| fs::read_to_string(proc.join("net").join(name)).unwrap_or_default();
    let mut found = BTreeSet::new();
    for line in table("tcp").lines().chain(table("tcp6").lines()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // 0A: it listens.
        if fields.get(3) != Some(&"0A") || !open.contains(&format!("socket:[{}]", fields[9])) {
            continue;
        }
        let (host, port) = fields[1].split_once(':').expect("an address");
        let port = u16::from_str_radix(port, 16).expect("a port");
        let host = match host {
            "0100007F" => "127.0.0.1",
            "00000000000000000000000001000000" => "[::1]",
            other => panic!("it listens beyond loopback: {other}"),
        };
        found.insert(format!("{host}:{port}").parse().expect("an address"));
    }
    found
}

/// Sends a request as it is; answers status and head.
fn ask(address: SocketAddr, first: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let length = body.len().to_string();
    let always = [("Connection", "close"), ("Content-Length", length.as_str())];
    let line = |(name, value): &(&str, &str)| format!("{name}: {value}\r\n");
    let headers: Vec<String> = headers.iter().chain(&always).map(line).collect();
    let request = format!("{first} HTTP/1.1\r\n{}\r\n{body}", headers.concat());
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), answer.to_lowercase())
}

/// An address of the home, a request that is answered there, and its headers but the host.
struct Door<'a> {
    address: SocketAddr,
    first: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl Door<'_> {
    /// What is answered with this host and further headers, which no page can read.
    fn try_as(&self, host: &str, more: &[(&str, &str)]) -> u16 {
        let headers = [&[("Host", host)], self.headers.as_slice(), more].concat();
        let (status, answer) = ask(self.address, self.first, &headers, self.body);
        assert!(!answer.contains("access-control-"), "{}: {answer}", self.first);
        status
    }
}

const BROWSER: [(&str, &str); 5] = [
    ("Origin", "https://evil.example"),
    ("Origin", "null"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Mode", "no-cors"),
    ("Sec-Fetch-Dest", "image"),
];

#[cfg(target_os = "linux")]
#[tokio::test]
async fn every_listener_refuses_browsers_and_strangers() {
    let folder = Folder::new("listeners");
    let home = Home::start(&folder.0).await;
    let earlier = environment(&folder.0);
    assert_eq!(home.interrupt(), 0);
    let home = Home::start(&folder.0).await;
    let now = environment(&folder.0);
    let at = |url: &str| -> SocketAddr {
        url.trim_start_matches("http://").replace("localhost", "127.0.0.1").parse().expect("one")
    };
    let (table, mail, front) = (
        at(&now["AWS_ENDPOINT_URL_DYNAMODB"]),
        at(&now["AWS_ENDPOINT_URL_SESV2"]),
        at(&home.origin),
    );
    let mut found = listeners(&home.process.0);
    found.remove(&SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), front.port()));
    assert_eq!(found, BTreeSet::from([table, mail, front]), "a listener that is not walked here");

    let scope = "/20261126/us-east-1/x/aws4_request, SignedHeaders=host, Signature=00";
    let key = |id: &str| format!("AWS4-HMAC-SHA256 Credential={id}{scope}");
    let (right, before) = (key(&now["AWS_ACCESS_KEY_ID"]), key(&earlier["AWS_ACCESS_KEY_ID"]));
    let scan = ("X-Amz-Target", "DynamoDB_20120810.Scan");
    let letter = r#"{"FromEmailAddress":"a@harbor.example","Destination":{"ToAddresses":["stranger@mail.example"]},"Content":{"Simple":{"Subject":{"Data":"Hello"},"Body":{"Text":{"Data":"Hello"}}}}}"#;
    for door in [
        Door {
            address: table,
            first: "POST /",
            headers: vec![("Content-Type", "application/x-amz-json-1.0"), scan],
            body: r#"{"TableName":"latchkey","Limit":1}"#,
        },
        Door {
            address: mail,
            first: "POST /v2/email/outbound-emails",
            // What a form of another site can send without asking first.
            headers: vec![("Content-Type", "text/plain")],
            body: letter,
        },
    ] {
        let own = door.address.to_string();
        let signed = ("Authorization", right.as_str());
        for header in BROWSER {
            assert_eq!(door.try_as(&own, &[signed, header]), 403, "{header:?}");
        }
        let near = format!("portal.localhost:{}", door.address.port());
        for host in ["evil.example", "127.0.0.1", near.as_str()] {
            assert_eq!(door.try_as(host, &[signed]), 421, "{host}");
        }
        for id in [before.as_str(), &key("local"), &key(""), "Bearer x"] {
            assert_eq!(door.try_as(&own, &[("Authorization", id)]), 403, "{id}");
        }
        assert_eq!(door.try_as(&own, &[]), 403, "no key");
        // What a browser asks before a post that no form can send.
        let asked = Door { first: "OPTIONS /", headers: Vec::new(), body: "", ..door };
        let wish = ("Access-Control-Request-Method", "POST");
        assert_eq!(asked.try_as(&own, &[("Origin", "https://evil.example"), wish]), 403);
    }
    let mails = home.get("/mailbox/messages").await.to_string();
    assert!(!mails.contains("stranger@mail.example"), "{mails}");
    // The functions' own requests are answered.
    let door = Door {
        address: table,
        first: "POST /",
        headers: vec![scan],
        body: r#"{"TableName":"latchkey","Limit":1}"#,
    };
    assert_eq!(door.try_as(&table.to_string(), &[("Authorization", &right)]), 200);

    // The issuer: its endpoints for programs, and its page.
    let own = front.to_string();
    for first in
        ["POST /oidc/token", "GET /oidc/jwks.json", "GET /oidc/.well-known/openid-configuration"]
    {
        let form = vec![("Content-Type", "application/x-www-form-urlencoded")];
        let door = Door { address: front, first, headers: form, body: "" };
        for header in BROWSER {
            assert_eq!(door.try_as(&own, &[header]), 403, "{first} {header:?}");
        }
        assert!(![403, 421].contains(&door.try_as(&own, &[])), "{first}");
    }
    let page = Door { address: front, first: "GET /oidc/authorize", headers: vec![], body: "" };
    for header in &BROWSER[..3] {
        assert_eq!(page.try_as(&own, &[*header]), 403, "{header:?}");
    }
    let portal = format!("portal.localhost:{}", front.port());
    assert_eq!(page.try_as(&portal, &[]), 421);
    assert!(![403, 421].contains(&page.try_as(&own, &[("Sec-Fetch-Site", "same-origin")])));

    // Everything that the home shows, to a name that was pointed at this machine.
    for first in ["GET /", "GET /mailbox/messages", "GET /api/health", "GET /oidc/authorize"] {
        let door = Door { address: front, first, headers: vec![], body: "" };
        assert_eq!(door.try_as("evil.example", &[]), 421, "{first}");
    }
}

/// The sample room is one app, wherever the home is; and nothing of the home is at its host.
#[tokio::test]
async fn the_sample_room_is_registered_once_and_its_addresses_follow_the_port() {
    let folder = Folder::new("room");
    let mut ids = BTreeSet::new();
    for version in 1..=2 {
        let home = Home::start(&folder.0).await;
        let apps = home.get("/api/apps").await;
        let apps = apps["apps"].as_array().cloned().unwrap_or_default();
        let [app] = apps.as_slice() else { panic!("{apps:?}") };
        let room = home.origin.replace("localhost", "rooms.localhost");
        assert_eq!(app["name"], "Messages");
        assert_eq!(app["permission"], "messaging");
        assert_eq!(app["launchUrl"], format!("{room}/"));
        assert_eq!(app["redirectUris"], json!([format!("{room}/in")]));
        assert_eq!(app["postLogoutRedirectUris"], json!([format!("{room}/signed-out")]));
        assert_eq!(app["logoutUri"], format!("{room}/logout-notice"));
        // Each start has a free port of its own.
        assert_eq!(app["version"], version);
        ids.insert(app["appId"].as_str().expect("an id").to_owned());

        let address = room.replace("http://rooms.localhost", "127.0.0.1").parse().expect("one");
        let host = room.trim_start_matches("http://");
        let (status, answer) = ask(address, "GET /", &[("Host", host)], "");
        let portal = home.origin.replace("localhost", "portal.localhost");
        assert_eq!(status, 303, "{answer}");
        assert!(answer.contains(&format!("location: {portal}/authorize?")), "{answer}");
        for path in ["/mailbox", "/mailbox/messages", "/oidc/authorize", "/api/health", "/clients"]
        {
            let (status, _) = ask(address, &format!("GET {path}"), &[("Host", host)], "");
            assert_eq!(status, 404, "{path}");
        }
        assert_eq!(home.interrupt(), 0);
    }
    assert_eq!(ids.len(), 1);
}

/// A client that sends half of its headers, or a byte of its body now and then, is let go.
#[tokio::test]
async fn every_listener_lets_slow_clients_go() {
    let folder = Folder::new("slow");
    let home = Home::start(&folder.0).await;
    let now = environment(&folder.0);
    let key = format!("AWS4-HMAC-SHA256 Credential={}/x", now["AWS_ACCESS_KEY_ID"]);
    let mut clients = Vec::new();
    for (url, path, more) in [
        (&now["AWS_ENDPOINT_URL_DYNAMODB"], "/", "X-Amz-Target: DynamoDB_20120810.Scan"),
        (&now["AWS_ENDPOINT_URL_SESV2"], "/v2/email/outbound-emails", "Accept: */*"),
        (&home.origin, "/api/portal/sign-in", "Content-Type: application/json"),
        (&home.origin, "/oidc/token", "Content-Type: application/x-www-form-urlencoded"),
        (&home.origin, "/", "Accept: */*"),
    ] {
        let host = url.trim_start_matches("http://").to_owned();
        let half = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Slow: ");
        let whole = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {key}\r\n{more}\r\nContent-Length: 100000\r\n\r\n"
        );
        for start in [half, whole] {
            let address = host.replace("localhost", "127.0.0.1");
            clients.push(std::thread::spawn(move || drip(&address, &start)));
        }
    }
    for client in clients {
        client.join().expect("it was let go");
    }
    assert_eq!(home.interrupt(), 0);
}

/// Sends the start of a request and then a byte at a time, until the home ends the connection.
fn drip(address: &str, start: &str) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(start.as_bytes()).expect("written");
    stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a limit");
    let began = Instant::now();
    let mut answer = [0; 1024];
    loop {
        assert!(began.elapsed() < Duration::from_mins(1), "it is still served: {start}");
        // Either fails once the connection is over.
        if stream.write_all(b"x").is_err() {
            return;
        }
        match stream.read(&mut answer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

fn fails(mut command: Command) -> String {
    let Output { status, stderr, .. } = command.output().expect("a process");
    assert_eq!(status.code(), Some(1));
    let text = String::from_utf8(stderr).expect("text");
    let told: Vec<&str> = text.lines().filter(|line| line.starts_with("latchkey:")).collect();
    assert_eq!(told.len(), 1, "one clear line: {text}");
    told[0].to_owned()
}

#[test]
fn a_taken_port_gives_one_clear_line() {
    let folder = Folder::new("port");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let line = fails(command(&folder.0, port));
    assert!(line.contains(&format!("port {port} is taken")), "{line}");
}

#[test]
fn an_unwritable_folder_gives_one_clear_line() {
    let folder = Folder::new("folder");
    let file = folder.0.join("file");
    fs::write(&file, "in the way").expect("written");
    let line = fails(command(&file.join("state"), 0));
    assert!(line.contains("state"), "{line}");
}

#[test]
fn a_broken_roster_gives_one_clear_line() {
    let folder = Folder::new("roster");
    let roster = folder.0.join("roster.csv");
    fs::write(&roster, "name,born\nAmara,1984-03-12\n").expect("written");
    let mut command = command(&folder.0.join("state"), 0);
    command.env("ROSTER", &roster);
    let line = fails(command);
    assert!(line.contains("roster.csv"), "{line}");
}

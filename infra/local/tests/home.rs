//! The local home as a program: what it says when it cannot start, how it stops, and that being
//! killed at any moment loses nothing that was answered, mails included.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
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

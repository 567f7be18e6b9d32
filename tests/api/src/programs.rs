//! Programs that call by themselves: systems, and apps that post alerts.

use serde_json::{Value, json};

use crate::{
    Answer, Call, World,
    apps::Room,
    people::{Staff, text},
};

/// What a system is registered with, as changes to what the tests' apps have.
#[must_use]
pub fn system(scopes: &[&str]) -> Value {
    json!({
        "name": "Ledger EHR", "kind": "system", "permission": null, "launchUrl": null,
        "redirectUris": null, "postLogoutRedirectUris": null, "scopes": scopes,
    })
}

/// A program with a token.
#[derive(Clone)]
pub struct Program {
    world: World,
    /// What is registered of it.
    pub room: Room,
    /// Its token.
    pub token: String,
}

impl Staff {
    /// Registers a program, as changes to what the tests' apps have, and gets it a token.
    pub async fn program(&self, changes: &Value) -> Program {
        let room = self.register(changes).await;
        Program::of(&self.world, &room).await
    }
}

impl Program {
    /// A program that is registered, with a new token.
    pub async fn of(world: &World, room: &Room) -> Self {
        let fields = [("grant_type", "client_credentials")];
        let tokens = world.ask_as(room, "/api/oauth/token", &fields).await.expect(200);
        Self { world: world.clone(), room: room.clone(), token: text(&tokens["access_token"]) }
    }

    /// Calls as a program does: with its token, and nothing of what browsers send.
    pub async fn call(&self, call: Call) -> Answer {
        self.world.call_with(&self.token, call).await
    }

    /// Posts an alert.
    pub async fn alert(&self, body: &Value) -> Answer {
        self.call(Call::new("POST", "/api/alerts").json(body)).await
    }
}

impl World {
    /// Calls with a token, and nothing of what browsers send.
    pub async fn call_with(&self, token: &str, call: Call) -> Answer {
        let mut call = call.header("authorization", &format!("Bearer {token}"));
        call.headers.remove("origin");
        call.headers.remove("sec-fetch-site");
        self.send(call).await
    }
}

//! Where the API stands behind a firewall, nobody goes around it.

use api_tests::{Call, World, routes::operations};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use shared::config::Edge;

fn digest(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

#[tokio::test]
async fn only_what_comes_through_the_edge_is_answered() {
    let world = World::configured(|config| {
        let digests = ["the old secret", "the new secret"].map(digest);
        config.edge = Edge::Digests(digests.into());
    })
    .await;
    let header = "x-latchkey-origin";
    for operation in operations() {
        let path = operation.path.replace(['{', '}'], "");
        let call = Call::new(&operation.method, &path);
        for shown in ["", "the old", "THE NEW SECRET", &digest("the new secret")] {
            let call = call.clone().header(header, shown);
            world.send(call).await.problem(403, "direct");
        }
        world.send(call).await.problem(403, "direct");
    }
    world.send(Call::new("GET", "/api/nothing")).await.problem(403, "direct");
    for secret in ["the old secret", "the new secret"] {
        let call = Call::new("GET", "/api/health").header(header, secret);
        world.send(call).await.expect(200);
    }
}

// An app that is a page in the browser, with no server and no secret: it asks from its own origin.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test as base, VERIFIER } from "../apps";
import { Portal } from "../portal";
import { expect, harborPortal, type Page, portalOrigin } from "../world";

/** Where the app's pages lie: at an origin of their own, on a server that serves files and does nothing else. */
const test = base.extend<{ pages: string }>({
  pages: async ({}, use) => {
    const server = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end('<html lang="en"><title>Room</title><link rel="icon" href="data:,"><h1>Room</h1></html>');
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/in`);
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  },
});

/** What the page reads of an answer: its status, and what it says. */
const asked = (page: Page, address: string, options: RequestInit = {}) =>
  page.evaluate(
    async ([url, how]) => {
      const answer = await fetch(url, how);
      return { status: answer.status, body: await answer.json() };
    },
    [address, options] as const,
  );

test("a page of another origin gets in by PKCE alone, and sees nothing once access is revoked", async ({
  register,
  desk,
  browse,
  pages,
}) => {
  const room = await register({ authentication: "none", redirectUris: [pages] });
  const client = await desk.client();
  const user = await desk.enrolled(client);
  const page = await browse();
  const portal = new Portal(page);
  await page.goto(harborPortal("sign-in"));
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeVisible();
  await page.goto(room.authorize({ redirect_uri: pages }));
  await expect(page.getByRole("heading", { name: "Room" })).toBeVisible();

  const metadata = await asked(page, `${portalOrigin()}/.well-known/openid-configuration`);
  expect(metadata.status).toBe(200);
  const exchange = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: room.app.appId,
    code: new URL(page.url()).searchParams.get("code") ?? "",
    code_verifier: VERIFIER,
    redirect_uri: pages,
  });
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const got = await asked(page, metadata.body.token_endpoint, {
    method: "POST",
    headers: form,
    body: exchange.toString(),
  });
  expect(got.status).toBe(200);
  // With a header of ours the browser asks first whether it may send that.
  const headers = { authorization: `Bearer ${got.body.access_token}`, "latchkey-activity": "none" };
  const seen = await asked(page, metadata.body.userinfo_endpoint, { headers });
  expect([seen.status, seen.body.charts[0].clientId]).toEqual([200, client.clientId]);
  await desk.change(client, user, "revoke");
  const after = await asked(page, metadata.body.userinfo_endpoint, { headers });
  expect([after.status, after.body.error]).toEqual([401, "invalid_token"]);
});

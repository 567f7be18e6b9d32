// The deployed sites in a browser: staff sign in at Cognito's page with code and PKCE, find a client and give
// access; the client enrols at the portal. Every policy that the edge sends is in force.
import { chromium, type Browser, type Page } from "@playwright/test";
import { afterAll, beforeAll, expect, test } from "vitest";
import { home, mail } from "../home.ts";
import { Desk, INVITATION, linkIn, PASSWORD } from "../people.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] || "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      `--host-resolver-rules=MAP *.cloudfront.net 127.0.0.1:${home().tlsPort}`,
    ],
  });
});
afterAll(() => browser.close());

/** A browser of somebody's own, and what it complained of. */
async function opened(): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    const { url } = message.location();
    // The emulated sign-in page has complaints of its own.
    const ours = url.startsWith(home().staff) || url.startsWith(home().portal);
    if (message.type() === "error" && ours && !/status of 401/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  return { page, complaints };
}

test("staff sign in at the hosted page and land where they wanted to go", async () => {
  const { page, complaints } = await opened();
  const sent: string[] = [];
  page.on("request", (request) => sent.push(request.url()));
  await page.goto(`${home().staff}/search`);
  await page
    .getByRole("link", { name: /sign in/i })
    .or(page.getByRole("button", { name: /sign in/i }))
    .first()
    .click();
  await page.locator('input[name="username"]').fill("dana@harbor.example");
  await page.locator('input[name="password"]').fill(home().password!);
  await page.getByRole("button", { name: /sign in/i }).click();
  await page.waitForURL(`${home().staff}/**`);
  await page.getByText("Harbor Counseling").first().waitFor();
  const authorize = new URL(sent.find((url) => url.includes("/oauth2/authorize"))!);
  expect(Object.fromEntries(authorize.searchParams)).toMatchObject({
    response_type: "code",
    code_challenge_method: "S256",
  });
  const cookies = await page.context().cookies(home().staff);
  expect(cookies.find(({ name }) => name === "__Host-latchkey-staff")).toMatchObject({
    httpOnly: true,
    secure: true,
    sameSite: "Strict",
  });
  expect(sent.filter((url) => /id_token|access_token/.test(url))).toEqual([]);
  expect(complaints).toEqual([]);
});

test("somebody who was invited enrols at the portal, by the link of the mail", async () => {
  const dana = await Desk.open("dana@harbor.example");
  const client = await dana.client();
  const user = await dana.invite(client);
  const link = linkIn(await mail(user.email, INVITATION));
  const { page, complaints } = await opened();
  await page.goto(link);
  await page.getByLabel("Client’s last name").fill(client.name.last);
  const [year = "", month = "", day = ""] = client.dateOfBirth.split("-");
  await page.getByLabel("Day", { exact: true }).fill(day);
  await page.getByLabel("Month", { exact: true }).fill(month);
  await page.getByLabel("Year", { exact: true }).fill(year);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
  await page.getByText(client.name.last).first().waitFor();
  const [cookie] = (await page.context().cookies(home().portal)).filter(
    ({ name }) => name === "__Host-latchkey-portal",
  );
  expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Strict" });
  expect(complaints).toEqual([]);
});

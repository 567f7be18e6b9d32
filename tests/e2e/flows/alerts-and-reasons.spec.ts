// Why access ended and who gets the alerts next; and a list that follows its mails by itself.
import { choose, openUsers } from "../console";
import {
  clientPage,
  expect,
  forward,
  fullName,
  holdClock,
  rowOf,
  signInStaff,
  test,
  toast,
  unique,
} from "../world";

const SPOUSE = { name: { first: "Bram", last: "Lark" }, relationship: "spouse" };

test("revoking says why, and hands the alerts to who is chosen", async ({ dana, desk }) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  await desk.invite(client, SPOUSE);
  await desk.call("PUT", `/api/clients/${client.clientId}/alert-recipient`, {
    portalUserId: user.portalUserId,
  });
  await openUsers(dana, client);
  const sent: unknown[] = [];
  await dana.route(/\/revoke$/, async (route) => {
    sent.push(route.request().postDataJSON());
    await route.continue();
  });
  await choose(dana, client.name, "Revoke Access");
  const dialog = dana.getByRole("dialog", { name: "Revoke portal access?" });
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await expect(dialog.getByLabel("Note")).toHaveCount(0);
  await dialog.getByLabel("Why?").selectOption("Court order");
  await dialog.getByLabel("Note").fill("File 17");
  await dialog.getByRole("radio", { name: /^Bram Lark/ }).check();
  await expect(dialog.getByRole("radio", { name: /^Bram Lark/ })).toHaveAccessibleDescription(
    "From enrollment on",
  );
  await dialog.getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(dana)).toContainText(`Portal access for ${fullName(client.name)} was revoked.`);
  await expect(toast(dana)).toContainText("Bram Lark");
  const row = rowOf(dana, fullName(client.name));
  await expect(row).toContainText(/Ended .*: court order/);
  await expect(row).toContainText("Note: File 17");
  const assigned = dana.getByRole("radio", { name: "Assigned alerts to Bram Lark" });
  await expect(assigned).toBeChecked();
  await expect(assigned).toHaveAccessibleDescription("From enrollment on");
  expect(sent).toEqual([
    {
      reason: { code: "court-order", note: "File 17" },
      alertRecipient: (await desk.users(client)).find(({ name }) => name.first === "Bram")?.portalUserId,
    },
  ]);
});

test("the list says why access is over, and who gets the alerts later", async ({ dana, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const spouse = await desk.invite(client, SPOUSE);
  await desk.call("PUT", `/api/clients/${client.clientId}/alert-recipient`, {
    portalUserId: spouse.portalUserId,
  });
  // Nobody proves wrongly ten times here, and no week passes.
  await dana.route(/\/portal-users$/, async (route) => {
    const answer = await route.fetch();
    const list = (await answer.json()) as { portalUsers: Record<string, unknown>[] };
    Object.assign(list.portalUsers[0] ?? {}, {
      status: "expired",
      ended: { at: "2026-03-05T12:00:00Z", reason: "wrong-proofs" },
    });
    await route.fulfill({ response: answer, json: list });
  });
  await openUsers(dana, client);
  await expect(rowOf(dana, fullName(client.name))).toContainText(
    /Ended March\s5(,\s2026)?: ten times the name or date of birth was wrong/,
  );
  await expect(rowOf(dana, fullName(client.name))).toContainText("No access, no alerts");
  const assigned = dana.getByRole("radio", { name: "Assigned alerts to Bram Lark" });
  await expect(assigned).toBeChecked();
  await expect(assigned).toHaveAccessibleDescription("From enrollment on");
});

test("a mail's state follows by itself, and an unattended page is asked about all the same", async ({
  browse,
  desk,
}) => {
  const client = await desk.client();
  await desk.invite(client);
  const page = await browse();
  await holdClock(page);
  await signInStaff(page, "dana@harbor.example");
  const row = rowOf(page, fullName(client.name));
  await page.route(/\/portal-users$/, async (route) => {
    const answer = await route.fetch();
    const list = (await answer.json()) as { portalUsers: Record<string, unknown>[] };
    for (const user of list.portalUsers) {
      Object.assign(user, { mail: { kind: "invitation", state: "queued", at: new Date().toISOString() } });
    }
    await route.fulfill({ response: answer, json: list });
  });
  const states = ["queued", "sent", "bounced"];
  let asked = 0;
  await page.route(/\/progress$/, (route) =>
    route.fulfill({
      json: {
        mail: {
          kind: "invitation",
          state: states[asked++] ?? "bounced",
          at: "2026-11-26T09:00:00Z",
          reason: "no such mailbox",
        },
      },
    }),
  );
  await page.goto(clientPage(client, "/portal"));
  await expect(row).toContainText("Invitation is on its way");
  await forward(page, "00:02");
  await forward(page, "00:04");
  await expect(row).toContainText("Invitation sent");
  await forward(page, "00:02");
  await expect(row).toContainText("Invitation bounced: no such mailbox.");
  await forward(page, "05:00");
  expect(asked).toBe(3);
  await forward(page, "23:00");
  await expect(page.getByRole("dialog", { name: "Are you still there?" })).toBeVisible();
});

test("the username of somebody is changed, after it was said what that ends", async ({ dana, desk }) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  const own = `own.${unique()}`;
  const sent: unknown[] = [];
  await dana.route(/\/portal-users\/[^/]+$/, async (route) => {
    if (route.request().method() !== "PATCH") return route.fallback();
    sent.push(route.request().postDataJSON());
    await route.continue();
  });
  await openUsers(dana, client);
  await choose(dana, client.name, "Edit");
  const form = dana.getByRole("dialog");
  const username = form.getByLabel("Username");
  await expect(username).toHaveAttribute("autocapitalize", "none");
  await expect(username).toHaveAccessibleDescription(/ends all sessions of this account/);
  await username.fill("");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form.getByRole("alert")).toContainText("Enter a username");
  await username.fill(own);
  await form.getByRole("button", { name: "Save" }).click();
  await expect(rowOf(dana, fullName(client.name))).toContainText(own);
  await expect(rowOf(dana, fullName(client.name))).toContainText(user.email);
  expect(sent).toEqual([{ version: expect.any(Number) as unknown, username: own }]);
});

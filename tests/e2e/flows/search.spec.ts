// "Search Clients": whatever is known of a client finds the client.
import { capital, expect, find, fullName, rowOf, test, unique } from "../world";

test("finds a client by everything that is known of them", async ({ dana, desk }) => {
  const word = unique();
  const email = `${word}@mail.example`;
  const client = await desk.client({
    name: { first: "Ottoline", last: capital(word) },
    dateOfBirth: "1931-02-27",
    emails: [email],
    phones: ["(207) 644-9173"],
  });
  const found = dana
    .getByRole("list", { name: "Clients found" })
    .getByRole("button", { name: fullName(client.name) });
  for (const query of [
    "Ottoline",
    `${word.slice(0, 4)} otto`,
    email,
    "9173",
    client.recordNumber,
    "1931-02-27",
    "2/27/1931",
    "02/27/1931",
  ]) {
    await test.step(query, async () => {
      await dana.getByRole("searchbox", { name: "Search Clients" }).fill(query);
      await expect(found).toBeVisible();
      await dana.getByRole("searchbox", { name: "Search Clients" }).fill("");
      await expect(found).toBeHidden();
    });
  }
});

test("finds names written in other ways", async ({ dana, desk }) => {
  const word = unique();
  await desk.client({ name: { first: "Zoë", last: `D’Angelo-Müller ${capital(word)}` } });
  const found = dana
    .getByRole("list", { name: "Clients found" })
    .getByRole("button", { name: "D’Angelo-Müller" });
  for (const query of [
    `d'angelo muller ${word}`,
    `dangelo ${word}`,
    `zoe müller ${word}`,
    `MULLER ${word.slice(0, 5)}`,
  ]) {
    await test.step(query, async () => {
      await dana.getByRole("searchbox", { name: "Search Clients" }).fill(query);
      await expect(found).toBeVisible();
      await dana.getByRole("searchbox", { name: "Search Clients" }).fill("");
      await expect(found).toBeHidden();
    });
  }
});

test("says who was found, and leads from there to everybody with access", async ({ dana, desk }) => {
  const client = await desk.client({ dateOfBirth: "1979-11-30" });
  const name = fullName(client.name);
  const enrolled = await desk.enrolled(client, { permissions: ["basic", "documents"] });
  const invited = await desk.invite(client, {
    name: { first: "Bram", last: client.name.last },
    relationship: "spouse",
    permissions: ["billing"],
  });
  await desk.mailbox.wait(invited.email, /^Your invitation/);

  await find(dana, client.name.last, name);
  const dialog = dana.getByRole("dialog", { name });
  await expect(dialog).toContainText("1979-11-30");
  await expect(dialog).toContainText(client.recordNumber);
  await dialog.getByRole("link", { name: "Go to Client Page" }).click();

  await expect(dana.getByRole("heading", { name, level: 1 })).toBeFocused();
  await expect(dana.getByText("Born November 30, 1979")).toBeVisible();
  await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "Client Portal" }).click();
  await expect(dana.getByRole("table").getByRole("columnheader")).toContainText([
    "Name",
    "Username",
    "Permissions",
    "Access",
    "Alerts",
  ]);

  const self = rowOf(dana, name);
  await expect(self).toContainText("Self");
  await expect(self).toContainText("Chart Owner");
  await expect(self.getByRole("cell").nth(0)).toContainText(enrolled.username);
  await expect(self.getByRole("listitem")).toHaveText(["Basic Functions", "Access to Documents"]);
  await expect(self).toContainText("Active");
  await expect(self).toContainText(/Last sign-in [A-Z][a-z]+\s\d+/);
  await expect(self).toContainText(/Invitation (sent|delivered|is on its way)/);

  const spouse = rowOf(dana, "Bram");
  await expect(spouse).toContainText("Spouse");
  await expect(spouse).toContainText("Invited");
  await expect(spouse).toContainText("Never signed in");
  await expect(spouse).toContainText("Invitation open until");
  await expect(spouse.getByRole("listitem")).toHaveText(["Billing, Invoicing & Insurance"]);
});

test("says plainly when nobody matches, or too little was typed", async ({ dana }) => {
  const box = dana.getByRole("searchbox", { name: "Search Clients" });
  await box.fill("q");
  await expect(dana.getByText("Type at least two characters.").last()).toBeVisible();
  await box.fill("qzxwvkjq");
  await expect(dana.getByText("No client matches “qzxwvkjq”.").last()).toBeVisible();
});

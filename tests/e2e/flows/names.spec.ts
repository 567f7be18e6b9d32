// Names are text, whatever they look like, on every page and in every mail.
import {
  clientPage,
  expect,
  fillBirth,
  fullName,
  INVITATION,
  linkIn,
  ownerCard,
  PASSWORD,
  rowOf,
  staffOrigin,
  test,
  toast,
  unique,
} from "../world";

for (const [what, name, query] of [
  ["a script", { first: "<script>alert(1)</script>", last: "" }, "<script>alert(1)</script>"],
  ["a command to a database", { first: "Robert'); DROP TABLE clients;--", last: "" }, "Robert'); DROP"],
  ["one word", { first: "", last: "Suharto<b>&amp;" }, "suharto"],
] as const) {
  test(`a client whose name is ${what}`, async ({ dana, desk, browse, mailbox }) => {
    const said = fullName(name);
    await dana.getByRole("link", { name: "+ New Client" }).click();
    await dana.getByLabel("First name").fill(name.first);
    await dana.getByLabel("Last name").fill(name.last);
    await dana.getByLabel("Date of birth").fill("1995-10-11");
    await dana.getByRole("button", { name: "Create Client" }).click();
    await expect(toast(dana)).toContainText(`${said} was added`);
    await expect(dana.getByRole("heading", { level: 1 })).toHaveText(said);
    const clientId = new URL(dana.url()).pathname.split("/").at(-1) ?? "";

    await dana.getByRole("searchbox", { name: "Search Clients" }).fill(query);
    await dana
      .getByRole("list", { name: "Clients found" })
      .getByRole("button")
      .filter({ hasText: said })
      .first()
      .click();
    await expect(dana.getByRole("dialog").getByRole("heading")).toHaveText(said);
    await dana.getByRole("button", { name: "Close" }).click();

    const email = `${unique()}@mail.example`;
    const client = { clientId, name, dateOfBirth: "1995-10-11", recordNumber: "" };
    const card = await ownerCard(dana, client);
    await card.getByRole("button", { name: "Activate Client Portal Access" }).click();
    const dialog = dana.getByRole("dialog");
    await expect(dialog).toContainText(`No e-mail address is known for ${said}.`);
    await dialog.getByLabel("E-mail address").fill(email);
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await expect(card).toContainText(said);
    await expect(card).toContainText("Invited");

    const mail = await mailbox.wait(email, INVITATION);
    expect(mail.text).toContain(said);
    const reader = await browse();
    await reader.goto(`${staffOrigin()}/mailbox`);
    await reader.getByRole("link").filter({ hasText: email }).click();
    await expect(reader.frameLocator("iframe").locator("body")).toContainText(said);

    await reader.goto(linkIn(mail));
    await reader.getByLabel("Client’s last name").fill(said);
    await fillBirth(reader, "1995-10-11");
    await reader.getByRole("button", { name: "Continue" }).click();
    await reader.getByLabel("New password").fill(PASSWORD);
    await reader.getByRole("button", { name: "Enroll in Client Portal" }).click();
    await expect(reader.getByRole("heading", { level: 1 })).toHaveText(`Welcome, ${said}`);
    await expect(reader.getByRole("list", { name: "Charts" }).getByRole("heading")).toHaveText(said);

    await dana.goto(clientPage(client, "/portal"));
    await expect(rowOf(dana, said)).toBeVisible();
    await dana.getByRole("button", { name: `Delete ${said}` }).click();
    await expect(dana.getByRole("dialog").getByRole("heading", { level: 2 })).toHaveText(`Delete ${said}?`);
    await dana.getByRole("button", { name: "Cancel" }).click();
    await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "History" }).click();
    await expect(dana.getByText(`${said} enrolled in the Client Portal`)).toBeVisible();
    expect((await desk.users(client)).map((user) => user.name)).toEqual([name]);
  });
}

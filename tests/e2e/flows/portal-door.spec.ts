// The client's door as people come to it: links that mail programs changed, and dates of birth as they are
// written.
import { LOCALE, Portal, test } from "../portal";
import { expect, harborPortal, PASSWORD, request, RESET, linkIn, unique } from "../world";

for (const [how, change] of [
  ["a full stop behind it", (link: string) => `${link}.`],
  ["a bracket behind it", (link: string) => `${link}>`],
  ["an encoded space behind it", (link: string) => `${link}%20`],
  ["a name before it", (link: string) => link.replace("#", "#token=")],
  ["quoted-printable around it", (link: string) => `${link.replace("#", "#token=3D")}=`],
] as const) {
  test(`an invitation opens with ${how}`, async ({ invited: { client, link, page, portal } }) => {
    await page.goto(change(link));
    await expect(page).toHaveURL(harborPortal("enroll"));
    await portal.prove(client);
    await portal.field("new.label").fill(PASSWORD);
    await portal.button("enroll.finish").click();
    await expect(portal.welcome).toBeVisible();
  });
}

test("a link that lost its token is pasted, with whatever is around it", async ({
  invited: { client, user, link, page, portal },
  mailbox,
}) => {
  await page.goto(harborPortal("enroll"));
  await expect(portal.heading("link.goneTitle")).toBeVisible();
  const box = portal.field("link.paste");
  await expect(box).toHaveAttribute("autocorrect", "off");
  await box.fill("https://portal.example/harbor/enroll");
  await portal.button("enroll.next").click();
  const problem = page.getByRole("alert");
  await expect(problem).toBeFocused();
  await expect(problem).toContainText("This is not a whole link of ours.");
  await expect(problem).toContainText("please ask Harbor Practice");
  await box.fill(`Your link: <${link.replace("#", "%23")}>.`);
  await portal.button("enroll.next").click();
  await expect(portal.heading("enroll.proveTitle")).toBeFocused();
  await portal.prove(client);
  await portal.field("new.label").fill(PASSWORD);
  await portal.button("enroll.finish").click();
  await expect(portal.welcome).toBeVisible();

  await test.step("also the one for a new password", async () => {
    await request(page, "POST", "/api/portal/password-reset", {
      practice: "harbor",
      username: user.username,
    });
    const reset = linkIn(await mailbox.wait(user.email, RESET));
    await page.goto(harborPortal("password"));
    await box.fill(reset);
    await portal.button("enroll.next").click();
    await expect(portal.heading("password.title")).toBeFocused();
    await page.goto(reset.replace("#", "#token=3D"));
    await expect(portal.heading("password.title")).toBeVisible();
    await portal.field("new.label").fill("copper window gallery 41");
    await portal.button("password.action").click();
    await expect(portal.heading("signIn.title")).toBeVisible();
  });
});

test("a link that does not work can be replaced by one that does", async ({
  invited: { link, page, portal },
}) => {
  const broken = harborPortal(`enroll#harbor.${"A".repeat(107)}`);
  await page.goto(broken);
  await expect(portal.heading("enroll.deadTitle")).toBeVisible();
  await portal.field("link.paste").fill(broken);
  await portal.button("enroll.next").click();
  await expect(page.getByRole("alert")).toContainText("This is the link that does not work.");
  await portal.field("link.paste").fill(link);
  await portal.button("enroll.next").click();
  await expect(portal.heading("enroll.proveTitle")).toBeFocused();
});

test("a date of birth is judged before a password is asked for", async ({
  invited: { client, link, page, portal },
}) => {
  const [day, month, year] = ["day", "month", "year"].map((part) => portal.field(`birth.label.${part}`));
  const problem = page.getByRole("alert");
  await page.goto(link);
  await portal.field("enroll.lastName").fill(client.name.last);
  const fields = page.getByRole("group", { name: portal.say("enroll.birth") }).getByRole("textbox");
  for (const field of await fields.all()) await expect(field).toHaveAttribute("inputmode", "numeric");

  for (const [typed, said, wrong] of [
    [["", "", ""], "Enter the client’s date of birth", month],
    [["1", "2", "84"], "Enter all four digits of the year: 1984?", year],
    [["1", "2", "2084"], "This date of birth lies in the future.", year],
    [["31", "2", "1984"], "There is no such day in this month", day],
  ] as const) {
    await day!.fill(typed[0]);
    await month!.fill(typed[1]);
    await year!.fill(typed[2]);
    await portal.button("enroll.next").click();
    await expect(problem).toBeFocused();
    await expect(problem.getByRole("link")).toHaveText([new RegExp(`^${said.replace(/[.?]/g, "\\$&")}`)]);
    await problem.getByRole("link").click();
    await expect(wrong!).toBeFocused();
    await expect(wrong!).toHaveAttribute("aria-invalid", "true");
  }
  const [bornIn = "", , bornOn = ""] = client.dateOfBirth.split("-");
  await day!.fill(bornOn);
  await month!.fill("may");
  await year!.fill(bornIn);
  await page.keyboard.press("Enter");
  await portal.field("new.label").fill(PASSWORD);
  await portal.button("enroll.finish").click();
  await expect(portal.welcome).toBeVisible();
});

for (const [language, order, may] of [
  ["es", ["day", "month", "year"], "mayo"],
  ["fr", ["day", "month", "year"], "mai"],
] as const) {
  test(`in ${language} the date of birth has the language's order and months`, async ({
    invited: { client, link },
    browse,
  }) => {
    const page = await browse({ locale: LOCALE[language] });
    const portal = new Portal(page, language);
    await page.goto(link);
    const fields = page.getByRole("group", { name: portal.say("enroll.birth") });
    for (const [n, part] of order.entries()) {
      await expect(fields.getByRole("textbox").nth(n)).toHaveAccessibleName(
        portal.say(`birth.label.${part}`),
      );
    }
    const [year = "", , day = ""] = client.dateOfBirth.split("-");
    await portal.field("enroll.lastName").fill(client.name.last);
    await portal.field("birth.label.day").fill(day);
    await portal.field("birth.label.month").fill(may);
    await portal.field("birth.label.year").fill(year);
    await portal.button("enroll.next").click();
    await portal.field("new.label").fill(PASSWORD);
    await portal.button("enroll.finish").click();
    await expect(portal.welcome).toBeVisible();
  });
}

test("names to sign in with and shown passwords are left as they are typed", async ({ browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  const asTyped = async (label: string) => {
    const field = page.getByLabel(label, { exact: true });
    await expect(field).toHaveAttribute("autocorrect", "off");
    await expect(field).toHaveAttribute("autocapitalize", "none");
    await expect(field).toHaveAttribute("spellcheck", "false");
  };
  await page.goto(harborPortal("sign-in"));
  await asTyped("Username");
  await page.getByRole("button", { name: "Show password" }).click();
  await asTyped("Password");
  await page.goto(harborPortal("reset"));
  await asTyped("Username or e-mail address");
  await portal.field("reset.who").fill(`${unique()}@mail.example`);
  await portal.button("reset.action").click();
  await expect(page.getByText("If there is something to send")).toBeVisible();
});

test("a server that is busy is not taken for a broken line, whoever says so", async ({ browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  const refused = (status: number, headers = {}) =>
    page.route(
      "**/api/portal/password-reset",
      (route) =>
        route.fulfill({ status, headers, contentType: "text/html", body: "<html><h1>Busy</h1></html>" }),
      { times: 1 },
    );
  await page.goto(harborPortal("reset"));
  await portal.field("reset.who").fill("somebody@mail.example");
  await refused(503);
  await portal.button("reset.action").click();
  await expect(page.getByRole("alert")).toContainText("The server could not answer just now.");
  await refused(429, { "Retry-After": "300" });
  await portal.button("reset.action").click();
  await expect(page.getByRole("alert")).toContainText("please wait 5 minutes");
  await expect(portal.field("reset.who")).toHaveValue("somebody@mail.example");
});

// A client who was entered twice: the chart is closed, everybody's access to it ends, and the people are taken
// over to the right chart one by one.
import { expectAccessible, expectAccessibleInAll, expectFits } from "../accessibility";
import { choose } from "../console";
import { clientPage, expect, fullName, rowOf, signIn, test, toast, unique } from "../world";

test("a duplicate is closed, its people are taken over, and it can be reopened", async ({
  dana,
  desk,
  browse,
}) => {
  // A whole life of a chart.
  test.slow();
  // The same person, entered twice.
  const name = { first: "Imani", last: unique() };
  const [twice, right] = [
    await desk.client({ name, dateOfBirth: "1984-03-12" }),
    await desk.client({ name, dateOfBirth: "1984-03-12" }),
  ];
  const who = fullName(name);
  const user = await desk.enrolled(twice);
  const parent = { first: "Vera", last: name.last };
  const email = `${unique()}@mail.example`;
  await desk.invite(twice, { name: parent, email, relationship: "parent", permissions: ["basic", "billing"] });
  const phone = await browse();
  await signIn(phone, user.username);
  await expect(phone.getByRole("heading", { name: `Welcome, ${who}` })).toBeVisible();

  await dana.goto(clientPage(twice));
  await dana.getByRole("button", { name: "Actions for the chart" }).click();
  await dana.getByRole("button", { name: "Close chart" }).click();
  const dialog = dana.getByRole("dialog", { name: `Close the chart of ${who}?` });

  await test.step("the dialog says who loses access, and asks for the right chart", async () => {
    await expect(dialog).toContainText(`${who}: access ends at once.`);
    await expect(dialog).toContainText(`${fullName(parent)}: the open invitation stops working.`);
    await dialog.getByRole("button", { name: "Close chart" }).click();
    await expect(dialog.getByRole("alert").first()).toContainText("Choose why the chart is closed.");
    await dialog.getByRole("radio", { name: /^Entered twice/ }).check();
    await dialog.getByRole("button", { name: "Close chart" }).click();
    await expect(dialog.getByRole("alert").first()).toContainText("Search for the right chart");
    await dialog.getByLabel("Right chart").fill(name.last);
    await dialog.getByRole("button", { name: new RegExp(`^Choose: .*${right.recordNumber}$`) }).waitFor();
    await expect(dialog.getByRole("listitem").filter({ hasText: twice.recordNumber })).toHaveCount(0);
    await expectAccessibleInAll(dana, "closing a chart");
    await dana.setViewportSize({ width: 320, height: 640 });
    await expectFits(dana, "closing a chart, narrow");
    await dana.setViewportSize({ width: 1280, height: 800 });
    await dialog.getByRole("button", { name: new RegExp(`^Choose: .*${right.recordNumber}$`) }).click();
    await expect(dialog).toContainText(`Right chart: ${who}`);
    await dialog.getByRole("button", { name: "Close chart" }).click();
  });

  await test.step("everybody's access ended", async () => {
    await expect(toast(dana)).toContainText(`The chart of ${who} was closed.`);
    await expect(toast(dana)).toContainText(`Access ended for ${who} and ${fullName(parent)}.`);
    await phone.getByRole("button", { name: "Sign out" }).click();
    await signIn(phone, user.username);
    await expect(phone.getByRole("heading", { name: "Your access is not active" })).toBeVisible();
  });

  await test.step("every page of the chart says that it is closed", async () => {
    const note = dana.getByText(/This chart was closed on .*: the client was entered twice\./);
    await expect(note).toBeVisible();
    await dana.getByRole("link", { name: "Client Portal", exact: true }).first().click();
    await expect(rowOf(dana, who)).toContainText("was given by mistake");
    await expect(note).toBeVisible();
    await expect(dana.getByRole("link", { name: "+ Add New User" })).toHaveCount(0);
    await expectAccessible(dana, "a closed chart");
    await dana.setViewportSize({ width: 320, height: 640 });
    await expectFits(dana, "a closed chart, narrow");
    await dana.setViewportSize({ width: 1280, height: 800 });
    await dana.getByRole("searchbox").fill(name.last);
    const hits = dana.getByRole("list", { name: "Clients found" }).getByRole("button");
    await expect(hits.filter({ hasText: twice.recordNumber })).toContainText("Closed");
    await expect(hits.filter({ hasText: right.recordNumber })).not.toContainText("Closed");
    await dana.keyboard.press("Escape");
  });

  await test.step("a person is taken over to the right chart", async () => {
    await choose(dana, parent, `Add to ${who}`);
    await expect(dana).toHaveURL(clientPage(right, "/portal/new"));
    const form = dana.getByRole("dialog", { name: "Add New User" });
    await expect(form.getByLabel("First name")).toHaveValue(parent.first);
    await expect(form.getByLabel("E-mail address")).toHaveValue(email);
    await expect(form.getByRole("radio", { name: "Parent" })).toBeChecked();
    await expect(form.getByRole("checkbox", { name: /^Billing/ })).toBeChecked();
    await form.getByRole("button", { name: "Add User" }).click();
    await expect(rowOf(dana, fullName(parent))).toContainText("Invited");
  });

  await test.step("the client too, who is nobody twice", async () => {
    await dana.goto(clientPage(twice, "/portal"));
    await choose(dana, name, `Add to ${who}`);
    await dana.getByRole("dialog").getByRole("button", { name: "Add User" }).click();
    await expect(rowOf(dana, who)).toContainText("Invited");
  });

  await test.step("reopened, it admits nobody by itself", async () => {
    await dana.goto(clientPage(twice, "/portal"));
    await dana.getByRole("button", { name: "Reopen" }).click();
    await dana.getByRole("dialog").getByRole("button", { name: "Reopen" }).click();
    await expect(toast(dana)).toContainText(`The chart of ${who} is open again.`);
    await expect(dana.getByText("This chart was closed")).toHaveCount(0);
    await expect(rowOf(dana, who)).toContainText("No Portal Access");
    await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "History" }).click();
    await expect(dana.getByText("Dana Whitfield reopened the client’s chart")).toBeVisible();
    await expect(dana.getByText("Dana Whitfield closed the client’s chart")).toBeVisible();
  });
});

// "Staff": who may sign in is kept by administrators, felt at the next click; and whose staff somebody is of several
// practices, they choose.
import { expectFits } from "../accessibility";
import { Desk, expect, rowOf, staffOrigin, test, toast, unique } from "../world";

interface Member {
  staffId: string;
  email: string;
}

test("a person is added, signs in, is demoted, signed out and removed", async ({ dana, staff }) => {
  const name = `Robin ${unique()}`;
  const email = `${unique()}@harbor.example`.toLowerCase();
  const nav = dana.getByRole("navigation", { name: "The practice" });
  await nav.getByRole("link", { name: "Staff" }).click();
  await expect(dana.getByRole("heading", { name: "Staff", level: 1 })).toBeFocused();
  await expect(dana).toHaveTitle("Staff · Harbor Practice");
  await expect(rowOf(dana, "Dana Whitfield")).toContainText("(you)");
  await expectFits(dana, "the staff list");

  const dialog = dana.getByRole("dialog");
  const save = (label: string) => dialog.getByRole("button", { name: label });
  await test.step("added once, whatever the case of the address", async () => {
    await dana.getByRole("button", { name: "+ Add a person" }).click();
    await expect(dialog.getByLabel("Name")).toBeFocused();
    await save("Add").click();
    await expect(dialog.getByRole("alert").first()).toContainText("Enter a name");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("E-mail address").fill("DANA@harbor.example");
    await dialog.getByLabel("Administrator").check();
    await save("Add").click();
    await expect(dialog.getByRole("alert").first()).toContainText("Somebody on the staff list has this address");
    await dialog.getByLabel("E-mail address").fill(email);
    await expectFits(dana, "the staff list");
    await save("Add").click();
    await expect(toast(dana)).toContainText(`${name} may sign in`);
    await expect(rowOf(dana, name)).toContainText("Never");
  });

  const robin = await staff(email);
  await expect(robin.getByRole("link", { name: "Staff" })).toBeVisible();
  await test.step("demoted: the next click has less", async () => {
    await dana.getByRole("button", { name: `Edit ${name}` }).click();
    await dialog.getByLabel("Auditor").check();
    await save("Save").click();
    await expect(rowOf(dana, name)).toContainText("Auditor");
    await robin.getByRole("link", { name: "Staff" }).click();
    await expect(robin.getByText("Only administrators may do this")).toBeVisible();
  });

  const more = async (item: string) => {
    await dana.getByRole("button", { name: `More for ${name}` }).click();
    await dana.getByRole("button", { name: item, exact: true }).click();
  };
  await test.step("the sessions end, and the person may sign in again", async () => {
    await more("End sessions");
    await save("End sessions").click();
    await expect(toast(dana)).toContainText(`The sessions of ${name} are over`);
    await robin.reload();
    await expect(robin.getByRole("link", { name: "Staff" })).toHaveCount(0);
    await (await staff(email)).close();
  });

  await test.step("removed: nobody signs in any more", async () => {
    const there = await staff(email);
    await more("Remove");
    await expect(dialog).toContainText("cannot sign in any more");
    await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
    await save("Remove").click();
    await expect(toast(dana)).toContainText(`${name} was removed from the staff`);
    await expect(rowOf(dana, name)).toHaveCount(0);
    await there.reload();
    await expect(there.getByRole("heading", { name: "Sign in" })).toBeVisible();
  });
});

test("staff of two practices go from one to the other", async ({ admin, staff, desk }) => {
  const email = `${unique()}@billing.example`.toLowerCase();
  const casey = await Desk.open("casey@cove.example", desk.mailbox);
  const body = { name: "Kim Lee", email, role: "staff" };
  const both: [Desk, Member][] = [];
  for (const of of [admin, casey]) both.push([of, await of.call<Member>("POST", "/api/staff", body)]);
  const kim = await staff(email);
  await expect(kim.getByRole("link", { name: "Cove Counseling" })).toBeVisible();
  await kim.getByRole("button", { name: "Other practices" }).click();
  await kim.getByRole("button", { name: "Harbor Practice" }).click();
  await expect(kim.getByRole("link", { name: "Harbor Practice" })).toBeVisible();
  await kim.reload();
  await expect(kim.getByRole("link", { name: "Harbor Practice" })).toBeVisible();
  await expect(kim).toHaveURL(`${staffOrigin()}/`);
  for (const [of, { staffId }] of both) await of.call("DELETE", `/api/staff/${staffId}`);
});

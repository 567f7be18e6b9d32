// The console in Spanish and French: chosen on any page, kept, and right in plurals, dates and hours.
import { choose, openUsers } from "../console";
import { clientPage, expect, fullName, rowOf, signIn, staffOrigin, test, toast } from "../world";

test("speaks the browser's language, and the one chosen once it is", async ({ browse, desk }) => {
  const client = await desk.client({ dateOfBirth: "1979-11-30" });
  const page = await browse({ locale: "es-MX" });
  await page.goto(staffOrigin());
  await expect(page.getByRole("heading", { name: "Inicie sesión en Latchkey" })).toBeVisible();
  await expect(page).toHaveTitle("Inicie sesión en Latchkey");
  await page.getByLabel("Idioma").selectOption("Français");
  await expect(page.getByRole("heading", { name: "Connectez-vous à Latchkey" })).toBeVisible();
  await page.getByRole("link", { name: "Se connecter" }).click();
  await page.getByRole("link", { name: /Dana Whitfield/ }).click();
  await expect(page.getByRole("heading", { name: "Aujourd’hui", level: 1 })).toBeVisible();
  await expect(page.getByRole("searchbox", { name: "Rechercher des clients" })).toBeVisible();

  await page.goto(clientPage(client));
  await expect(page.getByText("Date de naissance : 30 novembre 1979")).toBeVisible();
  await page.getByLabel("Langue").selectOption("Español");
  // What is on the page follows at once.
  await expect(page.getByText("Fecha de nacimiento: 30 de noviembre de 1979")).toBeVisible();
  await expect(page).toHaveTitle(/^Resumen · /);
  await page.getByRole("navigation", { name: "Cliente" }).getByRole("link", { name: "Historial" }).click();
  await expect(page.getByText(/^Felix Moreno añadió al cliente · \d+:\d\d/)).toBeVisible();
});

for (const [locale, language, words] of [
  [
    "es-ES",
    "es",
    {
      revoke: "Retirar el acceso",
      menu: "Más acciones: ",
      stays: "Qué se conserva",
      keeps: "Los datos del cliente y todo su expediente.",
      receipt:
        /Se ha retirado el acceso de .+ al portal\. El acceso terminó a las \d\d?:\d\d:\d\d\. Se cerraron 2 sesiones\./,
      tag: "Sin acceso al portal",
    },
  ],
  [
    "fr-FR",
    "fr",
    {
      revoke: "Retirer l’accès",
      menu: "Autres actions : ",
      stays: "Ce qui reste",
      keeps: "Les données du client et tout son dossier.",
      receipt:
        /L’accès de .+ au portail a été retiré\. L’accès a pris fin à \d\d:\d\d:\d\d\. 2 sessions ont pris fin\./,
      tag: "Pas d’accès au portail",
    },
  ],
] as const) {
  test(`says in ${language} what ends, what stays and what ended`, async ({ browse, desk }) => {
    const client = await desk.client();
    const name = fullName(client.name);
    const user = await desk.enrolled(client);
    const phone = await browse();
    await signIn(phone, user.username);
    await expect(phone.getByRole("heading", { name: /^Welcome/ })).toBeVisible();

    const page = await browse({ locale });
    await page.goto(
      `${staffOrigin()}/api/staff/sign-in?login_hint=dana@harbor.example&returnTo=/clients/${client.clientId}/portal`,
    );
    await expect(page.locator("html")).toHaveAttribute("lang", language);
    await page.getByRole("button", { name: `${words.menu}${name}` }).click();
    await page.getByRole("button", { name: words.revoke, exact: true }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByRole("list", { name: words.stays })).toContainText(words.keeps);
    await dialog.getByRole("button", { name: words.revoke }).click();
    await expect(toast(page)).toContainText(words.receipt);
    await expect(rowOf(page, name)).toContainText(words.tag);
  });
}

test("counts what ended in English too, and says when nothing did", async ({ staff, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const page = await staff();
  await openUsers(page, client);
  await choose(page, client.name, "Revoke Access");
  await page.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(page)).toContainText(/Access ended \d+:\d\d:\d\d.[AP]M\. 1 invitation ended\./);
  await page.getByRole("button", { name: `Delete ${fullName(client.name)}` }).click();
  await page.getByLabel("Type “delete” to confirm").fill("delete");
  await page.keyboard.press("Enter");
  await expect(toast(page)).toContainText("Nobody was signed in, and no link was open.");
});

// The console as its staff use it: what several tests press, and how they let it down.
import type { Page } from "@playwright/test";
import { type Client, clientPage, expect, fullName, type Name, rowOf } from "./world";

export const section = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "Client" }).getByRole("link", { name });

/** Opens "Client Portal", and waits for the row of somebody in it. */
export async function openUsers(page: Page, client: Client, name: Name = client.name): Promise<void> {
  await page.goto(clientPage(client, "/portal"));
  await expect(rowOf(page, fullName(name))).toBeVisible();
}

/** Opens somebody's ⋮ menu and chooses from it. */
export async function choose(page: Page, name: Name, item: string): Promise<void> {
  await page.getByRole("button", { name: `More for ${fullName(name)}` }).click();
  await page.getByRole("button", { name: item, exact: true }).click();
}

/** The next such request is lost on the way ("cut"), or answered with "not just now" ("busy"). */
export async function failOnce(page: Page, method: string, path: RegExp, how: "cut" | "busy"): Promise<void> {
  let failed = false;
  await page.route(path, (route) => {
    if (failed || route.request().method() !== method) return route.fallback();
    failed = true;
    return how === "cut"
      ? route.abort()
      : route.fulfill({
          status: 503,
          contentType: "application/problem+json",
          body: JSON.stringify({ status: 503, code: "unavailable", title: "Unavailable" }),
        });
  });
}

/** The next such request is done, and its answer is lost on the way. */
export async function loseAnswer(page: Page, method: string, path: string): Promise<void> {
  let lost = false;
  await page.route(path, async (route) => {
    if (lost || route.request().method() !== method) return route.fallback();
    lost = true;
    await route.fetch();
    await route.abort();
  });
}

export const CUT = "We could not reach the server.";
export const BUSY = "The server could not answer just now.";

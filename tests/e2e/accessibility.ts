// axe-core's findings, in a form in which a failing test can be read.
import axe from "axe-core";
import { expect, type Page } from "./world";

/** Also for what is no page: a mail has no landmarks. */
export const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PAGE = [...WCAG, "best-practice"];

/** Fails for anything axe finds against WCAG 2.2 AA and good practice in what the page shows now. */
export async function expectAccessible(page: Page, what: string, rules = PAGE): Promise<void> {
  // Evaluated, as the pages' policy allows no script of ours to be added to them.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const found = await page.evaluate(async (rules) => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const { violations, passes } = await axe.run(document, { runOnly: rules });
    if (!passes.length) return ["axe looked at nothing"];
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary ?? ""}`).join("; ")}`,
    );
  }, rules);
  expect.soft(found, what).toEqual([]);
}

/** Fails when the page has to be scrolled sideways. */
export async function expectFits(page: Page, what: string): Promise<void> {
  const [needs, has] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect.soft(needs, `${what} is as wide as its window`).toBeLessThanOrEqual(has ?? 0);
}

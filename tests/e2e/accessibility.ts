// axe-core's findings, in a form in which a failing test can be read.
import axe from "axe-core";
import { expect, type Page } from "./world";

/** Also for what is no page: a mail has no landmarks. */
export const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PAGE = [...WCAG, "best-practice"];
/** What depends on how a page is painted, and not only on what it says. */
const PAINTED = ["color-contrast", "link-in-text-block", "target-size"];

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

const LOOKS = [
  ["light", { colorScheme: "light", forcedColors: "none" }],
  ["dark", { colorScheme: "dark", forcedColors: "none" }],
  ["forced colours", { colorScheme: "dark", forcedColors: "active" }],
] as const;
const LANGUAGES = ["es", "fr", "en"];

/** axe reads `-webkit-text-fill-color`, which Chromium paints in forced colours but computes as if it did
 *  not; said outright, both are what one sees. */
function asPainted(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@media (forced-colors: active) {
    * { -webkit-text-fill-color: CanvasText }
    :any-link, :any-link * { -webkit-text-fill-color: LinkText }
    button, button * { -webkit-text-fill-color: ButtonText }
  }`);
  document.adoptedStyleSheets = [sheet];
}

/**
 * The same state in every look and language, without going there again: the look is the browser's to
 * change, and the language the page's own, whose choice is made even where a dialog lies over it. In
 * each language everything is asked; in the other looks, what depends on them. A narrow window changes
 * no colours.
 */
export async function expectAccessibleInAll(page: Page, what: string): Promise<void> {
  const narrow = (page.viewportSize()?.width ?? 0) < 400;
  for (const language of LANGUAGES) {
    await page.locator("#language").evaluate((select: HTMLSelectElement, language) => {
      select.value = language;
      select.dispatchEvent(new Event("change"));
    }, language);
    await expect(page.locator("html")).toHaveAttribute("lang", language);
    for (const [look, media] of narrow ? LOOKS.slice(0, 1) : LOOKS) {
      await page.emulateMedia(media);
      await page.evaluate(asPainted);
      await expectAccessible(page, `${what}, ${look}, ${language}`, look === "light" ? PAGE : PAINTED);
    }
    await page.emulateMedia(LOOKS[0][1]);
    await expectFits(page, `${what}, ${language}`);
  }
}

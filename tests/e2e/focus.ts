// Where the focus is: reached with the Tab key alone, and never lost.
import { expect, type Locator, type Page } from "@playwright/test";

/** Presses Tab until that is reached; how far it is says how hard the page is to use. */
export async function tabTo(page: Page, target: Locator, most: number): Promise<void> {
  await expect(target).toBeVisible();
  for (let pressed = 0; pressed < most; pressed++) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${target} is not reached with ${most} Tabs`);
}

/** Fails when a screen reader or a keyboard would have to start at the top of the page again. */
export const expectFocusKept = (page: Page, after: string): Promise<void> =>
  expect
    .poll(() => page.evaluate(() => document.hasFocus() && document.activeElement !== document.body), {
      message: `the focus is somewhere after: ${after}`,
    })
    .toBe(true);

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

/** Runs within every page: whatever is pressed, the focus is somewhere when the page has come to rest. */
export function complainOfLostFocus(): void {
  const REST_MS = 500;
  let timer: ReturnType<typeof setTimeout>;
  const pressed = (event: Event) => {
    const on =
      event.target instanceof Element && event.target.closest("a, button, input, select, summary, label");
    const after = `${event.type} on ${on ? on.textContent || on.id || on.tagName : "the page"}`;
    // A click beside everything takes the focus from wherever it was, and is meant to.
    if (event.type === "click" && !on) return;
    const look = () => {
      if (!document.querySelector("#app") || document.activeElement !== document.body) return;
      // On paper there is nothing to have it.
      if (matchMedia("print").matches) return;
      if (document.querySelector("[aria-busy=true]")) timer = setTimeout(look, REST_MS);
      else console.error(`the focus is nowhere after a ${after}`);
    };
    clearTimeout(timer);
    timer = setTimeout(look, REST_MS);
  };
  addEventListener("click", pressed, { capture: true });
  addEventListener("keydown", (event) => /^(Enter|Escape| )$/.test(event.key) && pressed(event), {
    capture: true,
  });
}

// What a telephone's camera reads.
import type { Locator, Page } from "@playwright/test";
import jsQR from "jsqr";

/** What a telephone reads in a picture on the page. */
export async function readBy(page: Page, picture: Locator): Promise<string | undefined> {
  const png = (await picture.screenshot()).toString("base64");
  const blank = await page.context().newPage();
  const { data, width, height } = await blank.evaluate(async (png) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    if (!context) throw new Error("no canvas");
    context.drawImage(image, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, image.width, image.height);
    return { data: [...data], width, height };
  }, png);
  await blank.close();
  return jsQR(Uint8ClampedArray.from(data), width, height)?.data;
}

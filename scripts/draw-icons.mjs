// draw-icons.mjs: draws the page's icons from frontend/public/icons/spark.svg. Run it in frontend/, where
// playwright-core is; CHROMIUM names another browser.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(join(process.cwd(), "package.json"))("playwright-core");

const folder = "public/icons/";
const spark = await readFile(`${folder}spark.svg`, "utf8");

// Systems cut maskable icons to a shape of their own, and a phone's home screen does so too. The others bring
// their corners with them.
const icons = [
  { name: "icon-192.png", size: 192, corner: 22 },
  { name: "icon-512.png", size: 512, corner: 22 },
  { name: "maskable-192.png", size: 192, corner: 0 },
  { name: "maskable-512.png", size: 512, corner: 0 },
  { name: "apple-touch-icon.png", size: 180, corner: 0 },
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage();
for (const { name, size, corner } of icons) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>body { margin: 0 } svg { display: block; width: 100vw; border-radius: ${corner}% }</style>${spark}`,
  );
  await page.screenshot({ path: folder + name, omitBackground: true });
}
await browser.close();

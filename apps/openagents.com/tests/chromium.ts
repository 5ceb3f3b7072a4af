// A real Chromium for tests of what only a browser does.

import { existsSync } from "node:fs";
import type { TestContext } from "node:test";
import { chromium, type Page } from "playwright-core";

const PATHS = [process.env["CHROMIUM_PATH"], "/usr/bin/chromium", "/usr/bin/chromium-browser"];

/** A page in a profile of its own. Throws where there is no Chromium: a test of the browser does not pass without one. */
export async function openPage(t: TestContext): Promise<Page> {
  const executablePath = PATHS.find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined)
    throw new Error("There is no Chromium. Install it: apt-get install -y chromium, or set CHROMIUM_PATH.");
  // As root Chromium has no sandbox; it visits this machine only.
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  t.after(() => browser.close());
  const context = await browser.newContext({ bypassCSP: true });
  return context.newPage();
}

// A real browser for tests of the console: Debian's Chromium, driven by
// playwright-core. What a page complains of is kept, because a page that works
// complains of nothing.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const PATHS = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const CHROMIUM = PATHS.find((path) => path !== undefined && existsSync(path));
const SCREENS = fileURLToPath(new URL("../../../output/screens", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Why there is no browser; undefined when there is one. */
export const noBrowser: string | undefined =
  CHROMIUM === undefined
    ? "NOT RUN: there is no Chromium. Install it: apt-get install -y chromium, or set CHROMIUM."
    : undefined;

export async function launch(t: TestContext): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error(noBrowser);
  // As root Chromium has no sandbox; it visits this machine only.
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  t.after(() => browser.close());
  return browser;
}

/** A page in a profile of its own, which scripts of the test may enter. */
export async function openPage(t: TestContext): Promise<Page> {
  const context = await (await launch(t)).newContext({ bypassCSP: true });
  return context.newPage();
}

export type Theme = "light" | "dark";

export type Visitor = {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors of the console and of scripts since the last look. */
  readonly complaints: () => readonly string[];
};

/** What is measured and looked at comes from the service, not from an earlier visit, unless the visitor's browser keeps files. */
export async function visitor(
  browser: Browser,
  baseURL: string,
  { serviceWorkers = "block" }: { readonly serviceWorkers?: "allow" | "block" } = {},
): Promise<Visitor> {
  const viewport = { width: 1280, height: 860 };
  const context = await browser.newContext({ baseURL, viewport, serviceWorkers });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  let heard: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") heard.push(`${message.text()} at ${message.location().url}`);
  });
  page.on("pageerror", (error) => heard.push(String(error)));
  return {
    context,
    page,
    complaints() {
      const all = heard;
      heard = [];
      return all;
    },
  };
}

/** What axe-core finds serious or critical on the page, as lines. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // By the protocol and not as a script of the page, whose policy refuses scripts from elsewhere.
  const found: unknown = await page.evaluate(`${AXE}; axe.run({ resultTypes: ["violations"] })`);
  const { violations }: { violations: Violation[] } = Object(found);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`));
}

type Violation = {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
};

/** Pictures of the page, in both themes and at a phone's width, for people to look at; or one of each. */
export async function takeScreens(page: Page, name: string, which: "all" | "few" = "all"): Promise<void> {
  mkdirSync(SCREENS, { recursive: true });
  const size = page.viewportSize();
  for (const theme of ["light", "dark"] satisfies Theme[]) {
    await page.emulateMedia({ colorScheme: theme });
    for (const width of [1280, 390]) {
      if (which === "few" && (theme === "light") !== (width === 1280)) continue;
      await page.setViewportSize({ width, height: 860 });
      await page.screenshot({ path: join(SCREENS, `${name}-${theme}-${width}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  if (size !== null) await page.setViewportSize(size);
}

// The console in a real browser, on a real stack: what a person does from the
// first look on, page by page. Pictures of all of them go to `output/screens`.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Agent } from "@openagents/agent";
import { runDevice } from "@openagents/autopilot";
import type { Browser, Page } from "playwright-core";
import { buildConsole } from "../web/build.ts";
import { launch, noBrowser, seriousFindings, takeScreens, visitor, type Visitor } from "./browser.ts";
import { enrolDevice, enrolKey } from "./page-device.ts";
import { runningStack, type RunningStack, type StackDevice } from "./running-stack.ts";

const SCRIPT_BYTES_MAX = 200_000;
/** What ends a session reaches every screen of it by then. */
const ENDED_MS_MAX = 5_000;

test("the console", { skip: noBrowser, timeout: 280_000 }, async (t) => {
  await buildConsole();
  const stack = await runningStack(t);
  const browser = await launch(t);
  const ada = await visitor(browser, stack.url);
  const part = (name: string, work: () => Promise<void>) => t.test(name, work);

  await part("an address and the code that was mailed to it make an account", () =>
    signUp(ada, "ada@example.org"),
  );
  await part("a passkey is added, and signs in", () => passkey(ada));
  await part("an organisation is made, and somebody invited joins it", () =>
    organisation(browser, stack, ada),
  );
  await part("a key is shown once", () => apiKey(ada));
  await part("every page works for a person who has nothing yet", () => everyPage(ada, "new"));
  await part("an autopilot gets a policy, which is read back as it was given", () => policy(ada));
  await part("a skill is written and published, and its hash is shown", () => skill(ada));
  const owner = await signedInOwner(browser, stack);
  let device: StackDevice | undefined;
  await part("a run is watched as it happens, replayed, and its receipt is verified here", async () => {
    device = await watchRun(stack, owner);
  });
  await part("the bundle that is downloaded is verified by the command line as it is", () =>
    downloadBundle(stack, owner),
  );
  await part("every page works for the owner of the stack", () => everyPage(owner, "owner"));
  await part("a stranger sees what it is, without complaints", () => stranger(t, browser, stack));
  await part("an agent on a device is talked to, and asks before it acts", () => talk(ada));
  await part("a device answers as fast as its agent, and catches up in order", () => answers(t, stack, ada));
  await part("a device is disabled in one click while it works, and its run is canceled", () =>
    disableAtWork(owner, device),
  );
  await part("a device that sells is disabled in one click", () => disable(owner));
  await part("an operator begins maintenance, which everybody is told, and ends it", () =>
    maintain(owner, ada),
  );
  await part("a person deletes the account, and comes back as somebody new", () =>
    deleteAccount(browser, stack),
  );
  await part("without a network it says so, and since when", () => withoutNetwork(browser, stack));
  await part("signing out everywhere ends the other session, too", () =>
    leaveEverywhere(browser, stack, ada),
  );
});

async function stranger(t: TestContext, browser: Browser, stack: RunningStack): Promise<void> {
  const { page, complaints } = await visitor(browser, stack.url);
  // The figures of a new installation are first counted after a minute.
  while (!(await page.request.get("/api/stats")).ok()) await page.waitForTimeout(500);
  await page.goto("/");
  await page.getByRole("heading", { level: 1, name: /proven right/ }).waitFor();
  await page.getByText("Receipts in the public log").waitFor();
  await tellFirstPaint(t, page);
  for (const [path, name] of [
    ["/", "landing"],
    ["/stats", "stats"],
    ["/sign-in", "sign-in"],
  ] as const) {
    await look({ page, complaints }, path, name);
  }
}

/** How soon the first paint comes is told, not judged: other tests share the machine. */
async function tellFirstPaint(t: TestContext, page: Page): Promise<void> {
  await page.reload();
  const { atMs, bytes } = await page.evaluate(firstPaint);
  t.diagnostic(`first contentful paint after ${Math.round(atMs)} ms, behind ${bytes} bytes of script`);
  assert.ok(bytes > 0 && bytes < SCRIPT_BYTES_MAX, `${bytes} bytes of script before it`);
}

/** In the page: when it was first painted, and how much script had come by then. */
async function firstPaint(): Promise<{ readonly atMs: number; readonly bytes: number }> {
  for (;;) {
    const atMs = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
    if (atMs !== undefined) {
      let bytes = 0;
      for (const entry of performance.getEntriesByType("resource")) {
        if (!entry.name.endsWith(".js") || !("responseEnd" in entry) || !("encodedBodySize" in entry))
          continue;
        if (Number(entry.responseEnd) < atMs) bytes += Number(entry.encodedBodySize);
      }
      return { atMs, bytes };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function signUp({ page }: Visitor, email: string): Promise<void> {
  await page.goto("/home");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel(/Six digits/).fill(await codeFor(page, email));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
}

async function codeFor(page: Page, email: string): Promise<string> {
  await page.getByLabel(/Six digits/).waitFor();
  const inbox = await page.request.get("/dev/mail", { headers: { accept: "application/json" } });
  const { mails }: { mails: { readonly to: string; readonly text: string }[] } = Object(await inbox.json());
  const mail = mails.find(({ to }) => to === email) ?? assert.fail(`no mail to ${email}`);
  return /code is (\d{6})\./.exec(mail.text)?.[1] ?? assert.fail(mail.text);
}

async function passkey({ page, context }: Visitor): Promise<void> {
  const cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto("/settings/sessions");
  await page.getByLabel("Its name").fill("test device");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("test device").waitFor();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: /proven right/ }).waitFor();
  await page.goto("/sign-in");
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
}

async function organisation(browser: Browser, stack: RunningStack, { page }: Visitor): Promise<void> {
  await page.goto("/settings/organisations");
  await page.getByLabel("Name", { exact: true }).fill("Analytical Engines");
  await page.getByLabel("Short name").fill("analytical-engines");
  await page.getByRole("button", { name: "Make it" }).click();
  const row = page.getByRole("listitem").filter({ hasText: "Analytical Engines" });
  await row.waitFor();
  const act = row.getByRole("button", { name: "Act in it" });
  if (await act.isVisible()) await act.click();
  await page.getByRole("heading", { name: "Members of Analytical Engines" }).waitFor();
  await page.getByLabel("Invite by e-mail").fill("grace@example.org");
  await page.getByRole("button", { name: "Invite" }).click();
  await page.locator("#field-email:placeholder-shown").waitFor();

  const grace = await visitor(browser, stack.url);
  const link = await invitationLink(grace.page);
  await signUp(grace, "grace@example.org");
  await grace.page.goto(link);
  await grace.page.getByRole("button", { name: "Accept" }).click();
  await grace.page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
  await grace.context.close();
  await page.reload();
  await page.getByRole("cell", { name: "grace@example.org" }).waitFor();
}

/** The mail leaves behind the answer. */
async function invitationLink(page: Page): Promise<string> {
  for (;;) {
    const inbox = await page.request.get("/dev/mail", { headers: { accept: "application/json" } });
    const link = /(\/invitations\/inv_[0-9a-z_]+)/.exec(await inbox.text())?.[1];
    if (link !== undefined) return link;
    await page.waitForTimeout(100);
  }
}

async function apiKey({ page }: Visitor): Promise<void> {
  await page.goto("/settings/keys");
  await page.getByLabel("Name", { exact: true }).fill("continuous integration");
  await page.getByLabel("runs:read").check();
  await page.getByRole("button", { name: "Make the key" }).click();
  await page.getByText("The new key, shown once").waitFor();
  await page.reload();
  await page.getByText("continuous integration", { exact: true }).waitFor();
  assert.equal(await page.getByText("The new key, shown once").count(), 0);
}

async function watchRun(stack: RunningStack, { page, complaints }: Visitor): Promise<StackDevice> {
  await page.goto("/runs");
  await page.getByText("No such runs").waitFor();
  const device = await stack.startDevice();
  await page.goto("/home");
  await page.getByText("1 of 1 connected").waitFor();
  await page.goto("/runs");
  await page.getByRole("button", { name: "Run the demo" }).click();
  // The device opens it, and it is watched from its first event on.
  await page.waitForURL(/\/runs\/run_/, { timeout: 60_000 });
  await page.getByRole("heading", { name: "The patch is proven to fix it" }).waitFor({ timeout: 120_000 });
  await page.getByText("Released after the verdict").waitFor();
  await page.getByText("Run finished: succeeded").waitFor();

  const scrub = page.getByRole("slider", { name: "Event" });
  await scrub.focus();
  await scrub.press("Home");
  await page.getByText("Nothing is changed yet").waitFor();
  assert.equal(await page.getByRole("region", { name: "Timeline" }).getByRole("listitem").count(), 1);
  await scrub.press("End");
  await page.getByRole("region", { name: "Lines of src/fill.js" }).waitFor();
  await page
    .getByText("show what it printed")
    .first()
    .click()
    .catch(() => undefined);
  await look({ page, complaints }, undefined, "run");

  await page.getByRole("link", { name: "Check the verdict’s receipt" }).click();
  await page.getByRole("heading", { name: /^It holds/ }).waitFor({ timeout: 20_000 });
  await look({ page, complaints }, undefined, "receipt");
  await page.goto("/home");
  await plotted(page, "Earnings over time, in sats");
  return device;
}

/** A plot is a picture: that it is drawn at all is what a page can be asked for. */
async function plotted(page: Page, name: string): Promise<void> {
  await page.getByRole("img", { name }).locator("canvas").waitFor();
}

/** The newest run's, unchanged: what the command line makes on the computer that ran it. */
async function downloadBundle(stack: RunningStack, { page }: Visitor): Promise<void> {
  await page.goto("/runs");
  await page.getByRole("region", { name: "Runs" }).getByRole("link").first().click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download the evidence" }).click(),
  ]);
  const told: unknown = JSON.parse(await stack.run("verify", await download.path(), "--json"));
  const { ok, claims }: { ok: boolean; claims: { name: string; state: string }[] } = Object(told);
  assert.equal(ok, true);
  assert.deepEqual(
    claims.filter(({ state }) => state === "fails"),
    [],
  );
  assert.equal(claims.find(({ name }) => name === "verdict")?.state, "holds");
}

async function policy(ada: Visitor): Promise<void> {
  const { page } = ada;
  await page.goto("/autopilots");
  await page.getByLabel("Name", { exact: true }).fill("Night shift");
  await page.getByLabel("What it is for").fill("Keeps dependencies current");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("heading", { level: 1, name: "Night shift" }).waitFor();
  await page.getByText("Version 1", { exact: true }).waitFor();

  const tools = page.getByRole("group", { name: "Tools that it may use" }).getByRole("checkbox");
  await tools.first().waitFor();
  const count = await tools.count();
  // All but the last two, which are another tool and the leave to write without asking.
  for (let place = 0; place < count; place += 1) await tools.nth(place).setChecked(place < count - 2);
  await page.getByLabel("A call, at most").fill("many");
  await page.getByRole("button", { name: "Save the policy" }).click();
  await page.getByText(/is no amount of sats/).waitFor();
  await page.getByLabel("A call, at most").fill("0.5");
  await page.getByLabel("A day, at most").fill("1,000");
  await page.getByLabel("A month, at most").fill("20000");
  await page.getByLabel("Asks you above").fill("100");
  await page.getByLabel("Hosts that tools may reach").fill("github.com\ncodeberg.org");
  await page.getByLabel("Where work goes, in this order").fill("local_codex\nruntime");
  await page.getByRole("button", { name: "Save the policy" }).click();
  await page.getByText("Version 2", { exact: true }).waitFor();

  await page.reload();
  await tools.first().waitFor();
  for (let place = 0; place < count; place += 1)
    assert.equal(await tools.nth(place).isChecked(), place < count - 2, `tool ${place}`);
  assert.equal(await page.getByLabel("A call, at most").inputValue(), "0.5");
  assert.equal(await page.getByLabel("A month, at most").inputValue(), "20,000");
  assert.equal(await page.getByLabel("Hosts that tools may reach").inputValue(), "github.com\ncodeberg.org");
  await look(ada, undefined, "autopilot");
}

async function skill(ada: Visitor): Promise<void> {
  const { page } = ada;
  await page.goto("/skills");
  await page.getByLabel("Name", { exact: true }).fill("review-etiquette");
  await page.getByLabel("When it helps").fill("Whenever a pull request is opened");
  await page.getByLabel("What the agent is told, in Markdown").fill("One idea in each commit. Say why.");
  await page.getByRole("button", { name: "Save the draft" }).click();
  const versions = page.getByRole("region", { name: "review-etiquette" });
  await versions.getByText("Draft", { exact: true }).waitFor();
  await versions.getByRole("button", { name: "Publish" }).click();
  await page.getByRole("button", { name: "Publish it" }).click();
  await versions.getByText("Published", { exact: true }).waitFor();
  await versions.getByText("version 1 is published").waitFor();
  assert.equal(await page.getByText("the content has another hash").count(), 0);
  await look(ada, undefined, "skill");
}

const PAGES = [
  "home",
  "runs",
  "chat",
  "autopilots",
  "skills",
  "inbox",
  "feed",
  "fleet",
  "compute",
  "receipts",
  "admin",
  "settings/profile",
  "settings/organisations",
  "settings/devices",
  "settings/keys",
  "settings/integrations",
  "settings/sessions",
];

async function everyPage(who: Visitor, as: string): Promise<void> {
  for (const path of PAGES) await look(who, `/${path}`, `${path.replace("/", "-")}-${as}`);
}

/** Visit, wait until it rests, and find nothing to complain of. */
async function look(
  who: Pick<Visitor, "page" | "complaints">,
  path: string | undefined,
  name: string,
): Promise<void> {
  const { page, complaints } = who;
  if (path !== undefined) await page.goto(path);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  const loading = page.locator('[aria-label="Loading"], .figures-to-come');
  while ((await loading.count()) > 0) await loading.first().waitFor({ state: "detached" });
  await takeScreens(page, name, name.endsWith("-new") ? "few" : "all");
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await seriousFindings(page), [], `${name}, ${colorScheme}`);
  }
  assert.deepEqual(complaints(), [], name);
  const wide: unknown = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
  assert.equal(wide, false, `${name} scrolls sideways`);
}

/** The device is played by the test. */
async function talk(ada: Visitor): Promise<void> {
  const { page } = ada;
  const device = await enrolDevice(page, "desk");
  await page.goto("/chat");
  await page.getByRole("button", { name: "New thread" }).first().click();
  await page.getByRole("textbox", { name: "Message" }).fill("Why is the test red?");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("log").getByText("Why is the test red?").waitFor();

  const requestId = await device.claim();
  await device.tell([
    { event_type: "worker.turn_started", request_id: requestId },
    { event_type: "worker.turn_delta", request_id: requestId, item_id: "item_1", text: "A comma " },
  ]);
  await page.getByText("A comma").waitFor();
  await device.tell([
    { event_type: "worker.turn_delta", request_id: requestId, item_id: "item_1", text: "is missing." },
    {
      event_type: "worker.turn_tool",
      request_id: requestId,
      item_id: "item_2",
      payload: { name: "apply_patch" },
    },
  ]);
  await page.getByText("A comma is missing.").waitFor();
  await page.getByRole("heading", { name: "apply_patch" }).waitFor();

  const { approval } = await device.post("/api/inbox/approvals", {
    kind: "draft",
    title: "Answer the reporter",
    detail: "A comma is missing in line 3; a fix is on its way.",
  });
  const action = page.getByRole("article", { name: "Answer the reporter" });
  await action.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("button", { name: "Approve it" }).click();
  await action.waitFor({ state: "detached" });
  const decided = await device.get(`/api/inbox/approvals/${approval.approval_id}`);
  assert.equal(decided.approval.status, "approved");

  await device.post("/api/inbox/approvals", {
    kind: "question",
    title: "May I push to main?",
    detail: "One commit.",
  });
  const card = page.getByRole("article", { name: "May I push to main?" });
  await card.getByRole("button", { name: "Answer" }).click();
  await page.getByLabel("Your answer").fill("Yes, this once.");
  const keys = await askForFreshSignIn(page);
  await page.getByRole("button", { name: "Send the answer" }).click();
  await signInAgain(page, "ada@example.org");
  await card.waitFor({ state: "detached" });
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1], "the command is repeated under its key");
  // The browser tells of the refusal that the test made.
  ada.complaints();
  await look(ada, undefined, "chat-talk");
  await page.goto("/inbox");
  await page.getByText("Decided").waitFor();
  await page.getByText("May I push to main?").waitFor();

  await page.goto("/settings/devices");
  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByRole("button", { name: "Disable it now" }).click();
  await page.getByText("Disabled", { exact: true }).waitFor();
  while ((await device.status()) !== 401) await page.waitForTimeout(100);
}

/** Stands in for a sign-in that is too old: the first answer to a decision says so. Answers the keys that were sent. */
async function askForFreshSignIn(page: Page): Promise<readonly string[]> {
  const keys: string[] = [];
  await page.route(/\/api\/inbox\/approvals\/[^/]+\/approve$/, async (route) => {
    keys.push(route.request().headers()["idempotency-key"] ?? "");
    if (keys.length > 1) return route.continue();
    const problem = { status: 403, code: "fresh_sign_in_required", detail: "Sign in again." };
    return route.fulfill({
      status: 403,
      contentType: "application/problem+json",
      body: JSON.stringify(problem),
    });
  });
  return keys;
}

/** Over what waits for it, which then goes on. */
async function signInAgain(page: Page, email: string): Promise<void> {
  const dialog = page.getByRole("dialog", { name: "Confirm that it is you" });
  await dialog.getByRole("button", { name: "Send me a code" }).click();
  await dialog.getByLabel(/Six digits/).fill(await codeFor(page, email));
  await dialog.getByRole("button", { name: "Confirm", exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
}

const ANSWERS = 20;

/**
 * From the click on Send to the first word of the answer on the screen, by the
 * clock of the page. The agent takes no time of its own, so all of it is ours.
 */
async function answers(t: TestContext, stack: RunningStack, { page }: Visitor): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "oa-answers-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { token } = await enrolKey(page, "laptop");
  const agent: Agent = {
    name: "echo",
    kind: "scripted",
    assertReady: () => undefined,
    async run({ issue, onEvent }) {
      await onEvent({ type: "message", text: `heard ${issue.title}` });
      return { kind: "finished", summary: "" };
    },
  };
  const begin = async () => {
    const stop = new AbortController();
    const opened = Promise.withResolvers<void>();
    const ended = runDevice({
      client: { baseUrl: stack.url, token },
      name: "laptop",
      agent,
      dataDir: join(folder, "device"),
      signal: stop.signal,
      onEvent: ({ type }) => type === "opened" && opened.resolve(),
    });
    await Promise.race([opened.promise, ended]);
    return async () => {
      stop.abort();
      await ended;
    };
  };
  let end = await begin();
  t.after(() => end());
  await page.goto("/chat");
  await page.getByRole("button", { name: "New thread" }).first().click();
  await page.getByText("Say what you want done").waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  const ms: number[] = [];
  for (let n = 1; n <= ANSWERS; n += 1) {
    ms.push(Number(await page.evaluate(sendAndWait(`number ${n}.`))));
    await page.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
  }
  ms.sort((a, b) => a - b);
  const at = (share: number) => Math.round(ms[Math.ceil(share * ms.length) - 1] ?? 0);
  t.diagnostic(`message to first word on the screen: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, of ${ANSWERS}`);

  await end();
  for (const word of ["first", "second", "third"]) {
    await page.getByRole("textbox", { name: "Message" }).fill(`the ${word}.`);
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("log").getByText(`the ${word}.`).waitFor();
  }
  end = await begin();
  await page.getByText("heard the third.").waitFor();
  const said = await page
    .getByRole("log")
    .getByText(/^heard the/)
    .allInnerTexts();
  assert.deepEqual(
    said.map((text) => /heard the (\w+)/.exec(text)?.[1]),
    ["first", "second", "third"],
  );
  await end();
}

/** Runs in the page: how long it took until the answer stood there. */
function sendAndWait(text: string): string {
  return `new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("no answer within 15 s")), 15_000);
    const log = document.querySelector('[role="log"]');
    const field = document.querySelector('textarea[aria-label="Message"]');
    const send = [...document.querySelectorAll("button")].find((each) => each.textContent === "Send");
    const observer = new MutationObserver(() => {
      if (!log.textContent.includes(${JSON.stringify(`heard ${text}`)})) return;
      observer.disconnect();
      resolve(performance.now() - began);
    });
    observer.observe(log, { childList: true, subtree: true, characterData: true });
    field.value = ${JSON.stringify(text)};
    const began = performance.now();
    send.click();
  })`;
}

/** Held still with a job in its hands, so that the click comes while it works. */
async function disableAtWork(owner: Visitor, device: StackDevice | undefined): Promise<void> {
  const { page } = owner;
  assert.ok(device !== undefined, "there is a device");
  await page.goto("/runs");
  await page.getByRole("button", { name: "Run the demo" }).click();
  await page.waitForURL(/\/runs\/run_/, { timeout: 60_000 });
  const run = page.url();
  await page
    .getByRole("region", { name: "Timeline" })
    .getByText(/^(Check|Second run) ordered/)
    .first()
    .waitFor({ timeout: 60_000 });
  device.hold();

  await page.goto("/fleet");
  const row = page.getByRole("region", { name: "Devices that act for you" }).getByRole("listitem");
  await row.getByText("Connected", { exact: true }).waitFor();
  await row.getByRole("button", { name: "Disable" }).click();
  await page.getByRole("button", { name: "Disable it now" }).click();
  await row.getByText("Disabled", { exact: true }).waitFor();
  await look(owner, undefined, "fleet-disabled");
  await page.goto(run);
  await page.getByRole("heading", { name: "It was canceled" }).waitFor();
  await page.getByText(/The device .+ was disabled\. Nothing was verified, so nobody was paid\./).waitFor();
  await page.getByText("Job called off").first().waitFor();
  await page.getByRole("region", { name: "The money" }).getByText("Given back").waitFor();
  await look(owner, undefined, "run-canceled");
  await page.goto("/compute");
  await plotted(page, "Quoted prices over time, in sats");
  await device.goOnToItsEnd();
}

async function disable({ page }: Visitor): Promise<void> {
  await page.goto("/fleet");
  const panel = page.getByRole("region", { name: "This computer" });
  await panel.getByRole("button", { name: "Disable" }).click();
  await page.getByLabel("Why, for the receipt").fill("It is needed for something else.");
  await page.getByRole("button", { name: "Disable it now" }).click();
  await panel.getByText("Disabled", { exact: true }).waitFor();
}

async function maintain({ page }: Visitor, other: Visitor): Promise<void> {
  await page.goto("/admin");
  await page.getByRole("button", { name: "Begin maintenance" }).click();
  await page.getByLabel("What people are told").fill("Moving the database");
  await page.getByRole("button", { name: "Begin now" }).click();
  await page.getByText("Under maintenance.").waitFor();
  await other.page.goto("/feed");
  await other.page.getByText("Moving the database").waitFor();
  await page.getByRole("button", { name: "End the maintenance" }).click();
  await page.getByLabel("What people are told").fill("It is over");
  await page.getByRole("button", { name: "End it" }).click();
  await page.getByText("Under maintenance.").waitFor({ state: "detached" });
}

async function deleteAccount(browser: Browser, stack: RunningStack): Promise<void> {
  const eve = await visitor(browser, stack.url);
  const { page } = eve;
  await signUp(eve, "eve@example.org");
  const idOf = async () => {
    await page.goto("/settings/profile");
    return page.getByTitle(/^usr_/).first().getAttribute("title");
  };
  const before = await idOf();
  await page.getByRole("button", { name: "Delete your account" }).click();
  await page.getByLabel("Your e-mail address, so that it is no slip").fill("eve@example.org");
  await page.getByRole("button", { name: "Delete it for ever" }).click();
  await page.getByRole("heading", { level: 1, name: /proven right/ }).waitFor();
  await signUp(eve, "eve@example.org");
  assert.notEqual(await idOf(), before);
  await eve.context.close();
}

/** In a browser that keeps the console's own files, as people's browsers do. */
async function withoutNetwork(browser: Browser, stack: RunningStack): Promise<void> {
  const reader = await visitor(browser, stack.url, { serviceWorkers: "allow" });
  const { page, context } = reader;
  const cdp = await context.newCDPSession(page);
  await page.goto("/");
  await page.evaluate("navigator.serviceWorker.ready");
  const { installabilityErrors } = await cdp.send("Page.getInstallabilityErrors");
  const missing = installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito");
  assert.deepEqual(missing, []);
  await signUp(reader, "mary@example.org");

  await context.setOffline(true);
  await page.getByRole("status").getByText("Not connected.").waitFor();
  await takeScreens(page, "home-offline");
  await page.goto("/home");
  await page.getByRole("heading", { level: 1, name: "Not connected" }).waitFor();
  await page.getByText(/Last seen/).waitFor();
  await takeScreens(page, "offline");
  assert.deepEqual(await seriousFindings(page), []);
  await context.setOffline(false);
  await page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  await context.close();
}

async function leaveEverywhere(browser: Browser, stack: RunningStack, { page }: Visitor): Promise<void> {
  const other = await visitor(browser, stack.url);
  await signUp(other, "ada@example.org");
  await page.goto("/settings/sessions");
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await other.page.getByText(/This session is over/).waitFor({ timeout: ENDED_MS_MAX });
  // That it was refused meanwhile is right.
  other.complaints();
  await look(other, undefined, "signed-out");
  await other.context.close();
  await page.getByRole("heading", { level: 1, name: /proven right/ }).waitFor();
  await page.goto("/home");
  await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
}

/** The owner of the stack, by the link that its terminal prints. */
async function signedInOwner(browser: Browser, stack: RunningStack): Promise<Visitor> {
  const owner = await visitor(browser, stack.url);
  await owner.page.goto(await stack.run("console"));
  await owner.page.goto("/home");
  await owner.page.getByRole("heading", { level: 1, name: "Home" }).waitFor();
  return owner;
}

// What only a browser can show: that it keeps our cookies on plain localhost, and
// that a passkey is made and signs in. The authenticator is Chromium's virtual one.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { noBrowser, openPage } from "./browser.ts";
import { startHarness } from "./harness.ts";
import { SESSION_COOKIE, codeOf } from "./person.ts";
import { query } from "./rows.ts";

test(
  "a browser keeps the session in a cookie that its pages cannot read, and a passkey signs in",
  { skip: noBrowser },
  async (t) => {
    const control = await startHarness(t);
    const origin = `http://localhost:${new URL(control.url).port}`;
    const page = await openPage(t);
    await page.goto(`${origin}/dev/mail`);
    await addAuthenticator(page, { verifiesUser: true });
    await signInByCode(page, "ada@example.com");

    const [cookie] = await page.context().cookies();
    assert.deepEqual(
      [cookie?.name, cookie?.httpOnly, cookie?.secure, cookie?.sameSite, cookie?.domain, cookie?.path],
      [SESSION_COOKIE, true, true, "Lax", "localhost", "/"],
    );
    assert.equal(await page.evaluate("document.cookie"), "");

    const added = await addPasskey(page);
    assert.equal(added.status, 200, JSON.stringify(added.body));
    assert.equal((await post(page, "/api/auth/sign-out", {})).status, 200);
    const left = await page.context().cookies();
    assert.deepEqual(
      left.filter(({ name }) => name === SESSION_COOKIE),
      [],
    );

    const signedIn = await signInByPasskey(page);
    assert.equal(signedIn.status, 200, JSON.stringify(signedIn.body));
    const { body } = await get(page, "/api/auth/get-session");
    assert.deepEqual([body.user.email, body.session.methods], ["ada@example.com", "passkey"]);
  },
);

test("a passkey that has not verified its person signs nobody in", { skip: noBrowser }, async (t) => {
  const control = await startHarness(t);
  const page = await openPage(t);
  await page.goto(`http://localhost:${new URL(control.url).port}/dev/mail`);
  const authenticator = await addAuthenticator(page, { verifiesUser: true });
  await signInByCode(page, "ada@example.com");
  assert.equal((await addPasskey(page)).status, 200);
  await post(page, "/api/auth/sign-out", {});
  await authenticator.setUserVerified(false);
  const refused = await signInByPasskey(page, "discouraged");
  assert.deepEqual([refused.status, refused.body.code], [403, "user_not_verified"]);
});

test("a passkey is added only by who has just signed in", { skip: noBrowser }, async (t) => {
  const control = await startHarness(t);
  const page = await openPage(t);
  await page.goto(`http://localhost:${new URL(control.url).port}/dev/mail`);
  await addAuthenticator(page, { verifiesUser: true });
  await signInByCode(page, "ada@example.com");
  await query(
    control.databaseUrl,
    `UPDATE auth.session SET "createdAt" = "createdAt" - interval '16 minutes'`,
  );
  const { status, body } = await get(page, "/api/auth/passkey/generate-register-options");
  assert.deepEqual([status, body.code], [403, "session_not_fresh"]);
});

// oxlint-disable-next-line typescript/no-explicit-any
type Answer = { readonly status: number; readonly body: any };

function get(page: Page, path: string): Promise<Answer> {
  return page.evaluate(`(async () => {
    const response = await fetch(${JSON.stringify(path)});
    return { status: response.status, body: await response.json() };
  })()`);
}

/** As our pages do: with the CSRF token, where there is a session. */
function post(page: Page, path: string, body: unknown): Promise<Answer> {
  return page.evaluate(`(async () => {
    const { csrf_token: token } = await (await fetch("/api/auth/csrf")).json();
    const headers = { "content-type": "application/json", ...(token ? { "x-csrf-token": token } : {}) };
    const body = ${JSON.stringify(JSON.stringify(body))};
    const response = await fetch(${JSON.stringify(path)}, { method: "POST", headers, body });
    return { status: response.status, body: await response.json() };
  })()`);
}

async function signInByCode(page: Page, email: string): Promise<void> {
  await post(page, "/api/auth/email-otp/send-verification-otp", { email, type: "sign-in" });
  await page.reload();
  const otp = codeOf((await page.textContent("pre")) ?? "");
  const { status, body } = await post(page, "/api/auth/sign-in/email-otp", { email, otp });
  assert.equal(status, 200, JSON.stringify(body));
}

async function addPasskey(page: Page): Promise<Answer> {
  const { body: options } = await get(page, "/api/auth/passkey/generate-register-options");
  const response = await ceremony(page, "create", "parseCreationOptionsFromJSON", options);
  return post(page, "/api/auth/passkey/verify-registration", { response, name: "Laptop" });
}

async function signInByPasskey(page: Page, userVerification?: string): Promise<Answer> {
  const { body } = await get(page, "/api/auth/passkey/generate-authenticate-options");
  const options = userVerification === undefined ? body : { ...body, userVerification };
  const response = await ceremony(page, "get", "parseRequestOptionsFromJSON", options);
  return post(page, "/api/auth/passkey/verify-authentication", { response });
}

/** What the browser and its authenticator make of the options that we sent. */
function ceremony(page: Page, call: "create" | "get", parse: string, options: object): Promise<unknown> {
  return page.evaluate(`(async () => {
    const publicKey = PublicKeyCredential.${parse}(${JSON.stringify(options)});
    return (await navigator.credentials.${call}({ publicKey })).toJSON();
  })()`);
}

async function addAuthenticator(page: Page, { verifiesUser }: { readonly verifiesUser: boolean }) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: verifiesUser,
      automaticPresenceSimulation: true,
    },
  });
  return {
    setUserVerified: (isUserVerified: boolean) =>
      cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
  };
}

// The document of `/api/auth/*` names what is mounted there, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@openagents/postgres";
import { silentLogger } from "@openagents/service";
import Fastify from "fastify";
import { createIdentity } from "../src/identity/index.ts";
import { authOpenApi } from "../src/identity/auth-openapi.ts";
import { createMailer } from "../src/mail/index.ts";
import { registerTokenRoutes, type TokenRoutesDeps } from "../src/tokens/token-routes.ts";

test("every route of the sign-in is documented, and every documented one is mounted", async (t) => {
  const mounted = await mountedRoutes(t);
  const documented = Object.entries(pathsOf(authOpenApi("0.0.0"))).flatMap(([path, item]) =>
    Object.keys(item).map((verb) => `${verb.toUpperCase()} ${path}`),
  );
  assert.deepEqual(documented.toSorted(), mounted.toSorted());
  assert.equal(new Set(documented).size, documented.length);
});

test("what needs a session says how one is shown, and what is sent is described", () => {
  const paths = pathsOf(authOpenApi("0.0.0"));
  assert.deepEqual(paths["/api/auth/sessions/revoke"]?.["post"].security, [
    { sessionCookie: [], csrfToken: [] },
    { sessionToken: [] },
  ]);
  const signIn = paths["/api/auth/sign-in/email-otp"]?.["post"];
  const { schema } = signIn.requestBody.content["application/json"];
  assert.deepEqual(schema.required, ["email", "otp"]);
  assert.deepEqual(Object.keys(schema.properties), ["email", "otp", "name"]);
});

// oxlint-disable-next-line typescript/no-explicit-any
function pathsOf(document: object): Record<string, Record<string, any>> {
  return Object(document).paths;
}

/** As the service mounts them; nothing is asked of a database. */
async function mountedRoutes(t: { after: (work: () => Promise<void>) => void }): Promise<string[]> {
  const databaseUrl = "postgres://nobody@127.0.0.1:9/none";
  const db = connect({ url: databaseUrl, applicationName: "openapi_test" });
  const log = silentLogger();
  const identity = createIdentity({
    config: {
      host: "127.0.0.1",
      databaseUrl,
      authSecret: "44".repeat(32),
      trustedProxies: [],
      development: false,
      version: "0.0.0",
    },
    publicUrl: () => "http://localhost",
    db,
    mail: createMailer({ kind: "development" }, { nowMs: Date.now, log }),
    audit: { record: async () => {} },
    events: { sessionEnded: async () => {} },
    log,
    nowMs: Date.now,
  });
  const app = Fastify();
  t.after(async () => {
    await app.close();
    await identity[Symbol.asyncDispose]();
    await db.close();
  });
  const routes: string[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    for (const verb of [method].flat())
      if (url.startsWith("/api/auth/") && !["HEAD", "OPTIONS"].includes(verb)) routes.push(`${verb} ${url}`);
  });
  identity.register(app);
  const nobody: unknown = {};
  registerTokenRoutes(app, nobody as TokenRoutesDeps);
  await app.ready();
  return routes;
}

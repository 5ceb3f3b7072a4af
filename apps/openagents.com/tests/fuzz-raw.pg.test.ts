// Requests outside of the contract: pages, files, what is handed on, webhooks and
// lanes that ended, by addresses and bodies that nobody thought of.

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import fc from "fast-check";
import { startHarness } from "./harness.ts";

/** What is away here, or was never set up. */
const DOCUMENTED_503 = new Set(["runtime_unavailable", "console_not_built", "webhook_not_configured"]);

const PLACES = [
  "/",
  "/assets/",
  "/runs/",
  "/internal/v1/",
  "/log/",
  "/api/",
  "/api/runtime/workers",
  "/api/webhooks/resend",
  "/api/chat/",
  "/api/v1/",
  "/download-desktop",
];

const VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

const HEADERS = fc.record(
  {
    accept: fc.constantFrom("*/*", "text/html", "application/json", "text/event-stream", ","),
    "accept-encoding": fc.constantFrom("br", "gzip;q=0", "*", ""),
    "content-type": fc.constantFrom("application/json", "text/plain", "multipart/form-data", ";"),
    "if-none-match": fc.constantFrom("*", '"x"', "W/"),
    range: fc.constantFrom("bytes=0-1", "bytes=9-1", "x"),
    "x-request-id": fc.constantFrom("mine", "a b", "x".repeat(300)),
    "svix-id": fc.constantFrom("evt_1", "a.b"),
    "svix-timestamp": fc.constantFrom("1", "x"),
    "svix-signature": fc.constantFrom("v1,AAAA", "v1", " "),
    connection: fc.constantFrom("close, authorization", "keep-alive"),
    authorization: fc.constantFrom("Bearer x", "Basic eDp5"),
  },
  { requiredKeys: [] },
);

/** Visible ASCII, whole and broken escapes among it, as it goes on the wire. */
const SUFFIX = fc
  .array(
    fc.constantFrom(
      "a",
      "..",
      ".",
      "/",
      "%2e",
      "%2f",
      "%00",
      "%",
      "%ff",
      "\\",
      ".js",
      "?",
      "&",
      "=",
      "*",
      ";",
      "~",
      "'",
      "x".repeat(600),
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(""));

test("whatever is asked outside of the contract, nothing fails inside, and an error is a problem", async (t) => {
  const control = await startHarness(t, { consoleDir: import.meta.dirname });
  const { hostname, port } = new URL(control.url);
  const send = (verb: string, path: string, headers: Record<string, string>, body: string) =>
    new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
      const outgoing = httpRequest(
        { hostname, port, path, method: verb, headers, agent: false },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.once("error", reject);
          answer.once("end", () =>
            resolve({
              status: answer.statusCode ?? 0,
              type: answer.headers["content-type"] ?? "",
              text: Buffer.concat(chunks).toString(),
            }),
          );
        },
      );
      outgoing.once("error", reject);
      outgoing.end(body);
    });

  const request = fc.record({
    verb: fc.constantFrom(...VERBS),
    path: fc.tuple(fc.constantFrom(...PLACES), SUFFIX).map((parts) => parts.join("")),
    headers: HEADERS,
    body: fc.oneof(fc.constant(""), fc.json(), fc.string({ maxLength: 2_000 })),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ verb, path, headers, body }) => {
      const hasBody = ["POST", "PUT", "PATCH"].includes(verb);
      const answer = await send(verb, path, headers, hasBody ? body : "");
      const said = `${answer.status} ${answer.type} ${answer.text.slice(0, 200)}`;
      if (answer.status < 400 || verb === "HEAD") return assert.notEqual(answer.status, 500, said);
      const isPage = answer.type.startsWith("text/html") && [404, 503].includes(answer.status);
      assert.ok(isPage || answer.type === "application/problem+json", said);
      if (answer.status >= 500 && !isPage)
        assert.ok(DOCUMENTED_503.has(String(JSON.parse(answer.text).code)), said);
    }),
    { numRuns: 2_000 },
  );
});

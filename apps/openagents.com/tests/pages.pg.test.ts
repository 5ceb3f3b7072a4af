// What browsers get: the console's document and files, and how a page elsewhere is kept out.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { startHarness } from "./harness.ts";

const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

test("every page address answers the one document, with a policy that lets it reach the lane and nothing else", async (t) => {
  const control = await startHarness(t, {
    consoleDir: await consoleDir(t),
    config: { syncUrl: "https://sync.example.org:3000" },
  });
  for (const path of ["/", "/runs", "/runs/run_0123", "/settings/integrations?x=1", "/stats"]) {
    const answer = await control.get(path, { token: "", headers: HTML });
    assert.equal(answer.status, 200, path);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(answer.text, /console/);
    assert.equal(answer.headers.get("cache-control"), "no-cache");
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(
      policy,
      /connect-src 'self' https:\/\/sync\.example\.org:3000 wss:\/\/sync\.example\.org:3000(;|$)/,
    );
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    assert.equal(answer.headers.get("x-frame-options"), "DENY");
  }
});

test("a document that the browser has already is not sent again", async (t) => {
  const control = await startHarness(t, { consoleDir: await consoleDir(t) });
  const first = await control.get("/", { token: "", headers: HTML });
  const etag = first.headers.get("etag") ?? assert.fail("no tag");
  const second = await rawGet(control.url, "/", { ...HTML, "if-none-match": etag });
  assert.deepEqual([second.status, second.body], [304, ""]);
});

test("files with a hash in their name are kept for ever, packed as the browser takes them", async (t) => {
  const control = await startHarness(t, { consoleDir: await consoleDir(t) });
  for (const [accepted, encoding] of [
    ["br, gzip", "br"],
    ["gzip", "gzip"],
    ["identity", null],
  ] as const) {
    const answer = await rawGet(control.url, "/assets/app-1a2b3c4d.js", { "accept-encoding": accepted });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-encoding"] ?? null, encoding);
    assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable");
    assert.match(answer.headers["content-type"] ?? "", /javascript/);
    assert.match(answer.headers["vary"] ?? "", /accept-encoding/i);
  }
});

test("what is not there is not answered with the document, and nothing outside of the console is reached", async (t) => {
  const control = await startHarness(t, { consoleDir: await consoleDir(t) });
  for (const path of [
    "/assets/none-1a2b3c4d.js",
    "/favicon.ico",
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
    "/..%5csecret.txt",
    "/%00secret.txt",
    "/.hidden.txt",
    "//etc/passwd.txt",
  ]) {
    const answer = await rawGet(control.url, path, HTML);
    assert.ok(
      answer.status === 404 || answer.status === 400 || answer.status === 403,
      `${path}: ${answer.status}`,
    );
    assert.doesNotMatch(answer.body, /SECRET|console/, path);
    assert.equal(answer.headers["content-type"], "application/problem+json", path);
  }
});

test("addresses of the API answer problems, also to a browser and whatever their verb", async (t) => {
  const control = await startHarness(t, { consoleDir: await consoleDir(t) });
  const unknown = await control.get("/api/no-such-route", { headers: HTML });
  assert.deepEqual([unknown.status, unknown.json.code], [404, "route_not_found"]);
  assert.equal(unknown.headers.get("cache-control"), "no-store");
  const wrongVerb = await control.post("/openapi.json", {});
  assert.deepEqual([wrongVerb.status, wrongVerb.json.code], [405, "method_not_allowed"]);
  const mistyped = await control.get("/runz", { headers: { accept: "application/json" } });
  assert.deepEqual([mistyped.status, mistyped.json.code], [404, "route_not_found"]);
});

test("without a built console the pages say how to build it", async (t) => {
  const control = await startHarness(t, { consoleDir: join(tmpdir(), "no-console-is-here") });
  const page = await control.get("/", { token: "", headers: HTML });
  assert.equal(page.status, 503);
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(page.text, /web\/build\.ts/);
  const problem = await control.get("/", { token: "" });
  assert.deepEqual([problem.status, problem.json.code], [503, "console_not_built"]);
});

test("the download leads where the operator says, and says so where there is none", async (t) => {
  const away = await startHarness(t);
  const none = await away.get("/download-desktop", { token: "" });
  assert.deepEqual([none.status, none.json.code], [404, "download_not_configured"]);
  const control = await startHarness(t, { config: { desktopDownloadUrl: "https://dl.example.org/desktop" } });
  const answer = await control.get("/download-desktop", { token: "" });
  assert.equal(answer.status, 307);
  assert.equal(answer.headers.get("location"), "https://dl.example.org/desktop");
});

test("the document of the API lists what is mounted, and who has it is not sent it again", async (t) => {
  const control = await startHarness(t);
  const first = await control.get("/openapi.json", { token: "" });
  assert.equal(first.status, 200);
  assert.equal(first.json.openapi, "3.1.1");
  assert.ok(first.json.paths["/openapi.json"]);
  const etag = first.headers.get("etag") ?? assert.fail("no tag");
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const again = await control.get("/openapi.json", { token: "", headers: { "if-none-match": tag } });
    assert.deepEqual([again.status, again.text], [304, ""], tag);
  }
  const changed = await control.get("/openapi.json", { token: "", headers: { "if-none-match": '"other"' } });
  assert.equal(changed.status, 200);
});

test("a page whose name was turned to this machine is refused by the Host that it sends", async (t) => {
  const control = await startHarness(t, { consoleDir: await consoleDir(t) });
  for (const path of ["/", "/api/no-such-route", "/internal/v1/runs", "/openapi.json"]) {
    const rebound = await rawGet(control.url, path, { ...HTML, host: "evil.example:8787" });
    assert.equal(rebound.status, 403, path);
    assert.equal(JSON.parse(rebound.body).code, "host_not_allowed");
    const elsewhere = await rawGet(control.url, path, { ...HTML, origin: "https://evil.example" });
    assert.equal(JSON.parse(elsewhere.body).code, "origin_not_allowed", path);
  }
});

async function consoleDir(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), "oa-console-"));
  t.after(() => rm(parent, { recursive: true, force: true }));
  const dir = join(parent, "dist");
  await mkdir(join(dir, "assets"), { recursive: true });
  await writeFile(join(parent, "secret.txt"), "SECRET");
  await writeFile(join(dir, ".hidden.txt"), "SECRET");
  await writeFile(join(dir, "index.html"), "<!doctype html><title>console</title>");
  for (const packed of ["", ".br", ".gz"])
    await writeFile(join(dir, `assets/app-1a2b3c4d.js${packed}`), "export {}");
  return dir;
}

/** As `fetch` would not send it: the path and the Host as they are given. */
function rawGet(url: string, path: string, headers: Readonly<Record<string, string>>) {
  return new Promise<{ status: number; headers: Record<string, string | undefined>; body: string }>(
    (resolve, reject) => {
      const { hostname, port } = new URL(url);
      httpRequest({ hostname, port, path, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.once("error", reject);
        answer.once("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers as Record<string, string | undefined>,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      })
        .once("error", reject)
        .end();
    },
  );
}

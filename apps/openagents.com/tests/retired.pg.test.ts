// Lanes that ended say so, and where to go; what has no wallet says so and makes nothing up.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { AgentPayments, L402, Payments, methodsOf } from "@openagents/contracts";
import { contractCases, runContractCase } from "@openagents/testing";
import { RETIRED } from "../src/retired/retired.ts";
import { startHarness } from "./harness.ts";

test("each retired lane answers 410 under every verb, with its sunset and its successor, without a token", async (t) => {
  const control = await startHarness(t);
  const paths = RETIRED.flatMap(({ routes, successor }) =>
    routes.flatMap((route) =>
      (route.endsWith("*") ? [route.replace("*", "x"), route.replace("*", "x/y/stream?a=1")] : [route]).map(
        (path) => [path, successor] as const,
      ),
    ),
  );
  for (const [path, successor] of [...paths, ["/api/chat/stream", "/api/runtime/threads"] as const]) {
    for (const verb of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      const body = verb === "POST" ? { text: "hello" } : undefined;
      const answer = await control.send(verb, path, body, { token: "" });
      assert.equal(answer.status, 410, `${verb} ${path}`);
      assert.equal(answer.headers.get("content-type"), "application/problem+json");
      assert.equal(answer.json.code, "lane_retired");
      assert.equal(answer.headers.get("x-oa-compat-sunset-date"), "2026-06-30");
      assert.equal(answer.headers.get("sunset"), "Tue, 30 Jun 2026 00:00:00 GMT");
      assert.equal(answer.headers.get("link"), `<${successor}>; rel="successor-version"`);
    }
  }
});

test("a body that nobody will look at is not waited for", async (t) => {
  const control = await startHarness(t);
  const { hostname, port } = new URL(control.url);
  const { connect } = await import("node:net");
  const socket = connect(Number(port), hostname);
  socket.write("POST /api/chat/stream HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n{");
  const answer = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
  assert.match(answer, /^HTTP\/1\.1 410 /);
  socket.destroy();
});

test("the document lists each lane with its successor and its test", async () => {
  const text = await readFile(new URL("../../../docs/compatibility.md", import.meta.url), "utf8");
  for (const { routes, successor } of RETIRED)
    for (const route of routes) {
      const row = text.split("\n").find((line) => line.includes(`\`${route}\``));
      assert.ok(row?.includes(`\`${successor}\``) && row.includes("retired.pg.test.ts"), route);
    }
});

test("without a wallet every route of payments says so and what to do, after the contract's own checks", async (t) => {
  const control = await startHarness(t);
  const contracts = [AgentPayments, Payments, L402];
  for (const each of contractCases(contracts)) {
    if (each.expect.kind === "refused") continue;
    const answer = await control.send(each.request.verb, each.request.path, each.request.body, {});
    assert.ok(answer.status === 503 || answer.status === 400, `${each.name}: ${answer.status}`);
  }
  const token = (caller: { readonly kind: string; readonly scopes: readonly string[] }) =>
    control.token({ sub: caller.kind === "service" ? "svc_x" : "usr_x", scopes: caller.scopes });
  for (const each of contractCases(contracts)) await runContractCase({ baseUrl: control.url, token }, each);
  const balance = await control.get("/api/agent-payments/balance");
  assert.deepEqual([balance.status, balance.json.code], [503, "lightning_not_configured"]);
  assert.match(balance.json.detail, /wallet executor/);
  assert.equal(contracts.flatMap((contract) => methodsOf(contract)).length, 16);
});

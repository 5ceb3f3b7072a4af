import assert from "node:assert/strict";
import { test } from "node:test";
import { ProblemError } from "@openagents/contracts";
import { assertLoopbackRequest } from "./loopback.ts";

test("loopback names pass, with and without port and origin", () => {
  for (const host of ["127.0.0.1:4100", "localhost", "LOCALHOST:1", "[::1]:4100"]) {
    assertLoopbackRequest(host, undefined);
    assertLoopbackRequest(host, "http://localhost:8787");
  }
});

test("a page that rebinds its name to loopback is refused by its Host", () => {
  for (const host of [undefined, "", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"]) {
    assert.throws(() => assertLoopbackRequest(host, undefined), isProblem("host_not_allowed"));
  }
});

test("a page of another origin is refused by its Origin", () => {
  for (const origin of ["https://evil.example", "null", "http://localhost.evil.example", "file://"]) {
    assert.throws(() => assertLoopbackRequest("127.0.0.1", origin), isProblem("origin_not_allowed"));
  }
});

function isProblem(code: string) {
  return (error: unknown) => error instanceof ProblemError && error.code === code;
}

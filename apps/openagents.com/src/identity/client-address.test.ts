import assert from "node:assert/strict";
import { test } from "node:test";
import { createClientAddress } from "./client-address.ts";

test("nobody's word is taken where no proxy is trusted", () => {
  const addressOf = createClientAddress([]);
  assert.equal(addressOf("198.51.100.7", "203.0.113.1"), "198.51.100.7");
  assert.equal(addressOf("::ffff:198.51.100.7", undefined), "198.51.100.7");
});

test("the address is the last one that no trusted proxy has", () => {
  const addressOf = createClientAddress(["10.0.0.0/8", "::1"]);
  const cases: readonly [string, string | undefined, string][] = [
    ["10.0.0.1", "203.0.113.1", "203.0.113.1"],
    ["10.0.0.1", "198.51.100.66, 203.0.113.1", "203.0.113.1"],
    ["10.0.0.1", "203.0.113.1, 10.9.9.9", "203.0.113.1"],
    ["::1", "2001:db8::7", "2001:db8::7"],
    ["203.0.113.1", "198.51.100.66", "203.0.113.1"],
    ["10.0.0.1", undefined, "10.0.0.1"],
    ["10.0.0.1", "unknown", "10.0.0.1"],
    ["10.0.0.1", "198.51.100.66, <script>", "10.0.0.1"],
  ];
  for (const [remote, forwarded, expected] of cases) assert.equal(addressOf(remote, forwarded), expected);
});

test("a proxy that is no address is refused at the start", () => {
  for (const proxy of ["nginx", "10.0.0.0/40", "", "10.0.0.1/-1"])
    assert.throws(() => createClientAddress([proxy]), { name: "ConfigError" }, proxy);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { L402Error } from "../l402-error.ts";
import { formatCaveats, isPathInside, readCaveats, type Grant } from "./caveats.ts";

const grants: fc.Arbitrary<Grant> = fc.record(
  {
    service: fc.constantFrom("weather", "a", "a_b", "x-1.y"),
    tier: fc.nat(999),
    capabilities: fc.uniqueArray(fc.constantFrom("read", "write", "list"), { maxLength: 3 }),
    validUntilSeconds: fc.option(fc.nat(4_000_000_000), { nil: undefined }),
    path: fc.option(fc.constantFrom("/", "/v1", "/v1/cities"), { nil: undefined }),
    quota: fc.option(fc.nat(1_000_000), { nil: undefined }),
  },
  { noNullPrototype: true },
);

test("what a seller grants is what its caveats say", () => {
  fc.assert(
    fc.property(grants, (grant) => assert.deepEqual(readCaveats(formatCaveats(grant), grant.service), grant)),
  );
});

test("a further caveat only takes away", () => {
  const base = ["services=w:1", "w_capabilities=read,write", "w_valid_until=100", "w_path=/v1", "w_quota=5"];
  const left = readCaveats(
    [...base, "w_capabilities=read", "w_valid_until=90", "w_path=/v1/x", "w_quota=2", "services=w:0"],
    "w",
  );
  assert.deepEqual(left, {
    service: "w",
    tier: 0,
    capabilities: ["read"],
    validUntilSeconds: 90,
    path: "/v1/x",
    quota: 2,
  });
  for (const wider of [
    "w_capabilities=read,list",
    "w_valid_until=101",
    "w_path=/",
    "w_path=/v10",
    "w_quota=6",
    "services=w:2",
    "services=w:1,v:0",
  ])
    assert.throws(() => readCaveats([...base, wider], "w"), { rule: "caveat_widened" }, wider);
});

test("a caveat that we cannot keep refuses all, and one of another service of the same macaroon does not", () => {
  const refuses = (rule: string, ...caveats: string[]) =>
    assert.throws(() => readCaveats(caveats, "w"), { rule }, caveats.join(" "));
  refuses("service_mismatch");
  refuses("service_mismatch", "services=other:0");
  refuses("service_mismatch", "services=w:0,v:0", "services=v:0");
  refuses("caveat_unknown", "services=w:0", "ip=127.0.0.1");
  refuses("caveat_unknown", "services=w:0", "other_quota=3");
  refuses("caveat_malformed", "services=w");
  refuses("caveat_malformed", "services=w:0", "w_quota=-1");
  refuses("caveat_malformed", "services=w:0", "w_quota=1e3");
  refuses("caveat_malformed", "services=w:0", "w_path=v1");
  refuses("caveat_malformed", "no equals sign");
  assert.equal(readCaveats(["services=w:0,v:0", "v_quota=1"], "w").quota, undefined);
});

test("no list of texts does anything but grant or name a rule", () => {
  const words = fc.constantFrom(
    "services",
    "w",
    ":",
    "0",
    "=",
    ",",
    "_quota",
    "_path",
    "/",
    "_valid_until",
    "é",
    " ",
  );
  const text = fc.array(words, { maxLength: 8 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 4 }), (caveats) => {
      try {
        assert.equal(readCaveats(caveats, "w").service, "w");
      } catch (error) {
        assert.ok(error instanceof L402Error, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test("names that would end their caveat are not written", () => {
  const grant: Grant = {
    service: "w",
    tier: 0,
    capabilities: [],
    validUntilSeconds: undefined,
    path: undefined,
    quota: undefined,
  };
  for (const changed of [
    { ...grant, service: "w:9,x" },
    { ...grant, capabilities: ["read,write"] },
    { ...grant, service: "" },
  ])
    assert.throws(() => formatCaveats(changed), { rule: "caveat_malformed" });
});

test("inside a path is itself and what is below it", () => {
  const inside = ["/v1", "/v1/", "/v1/a"].map((path) => isPathInside(path, "/v1"));
  assert.deepEqual(inside, [true, true, true]);
  assert.deepEqual(
    ["/v10", "/", "/V1"].map((path) => isPathInside(path, "/v1")),
    [false, false, false],
  );
  assert.equal(isPathInside("/anything", "/"), true);
});

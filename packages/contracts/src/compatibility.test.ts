import assert from "node:assert/strict";
import { test } from "node:test";
import { decideCompatibility, type CompatibilityWindow } from "./compatibility.ts";

const window: CompatibilityWindow = {
  protocolVersion: "openagents.v1",
  clientBuildIdMin: "20260221T120000Z",
  clientBuildIdMax: "20260221T180000Z",
  schemaVersionMin: 1,
  schemaVersionMax: 2,
};

const fits = { buildId: "20260221T130000Z", protocolVersion: "openagents.v1", schemaVersion: "1" };

for (const [name, client, expected] of [
  ["all inside", fits, undefined],
  ["nothing said", { buildId: undefined, protocolVersion: undefined, schemaVersion: undefined }, undefined],
  ["both ends belong to the window", { ...fits, buildId: "20260221T180000Z", schemaVersion: "2" }, undefined],
  [
    "blank build, wrong everything",
    { buildId: " ", protocolVersion: "x", schemaVersion: "9" },
    "invalid_client_build",
  ],
  [
    "other protocol before schema",
    { ...fits, protocolVersion: "x", schemaVersion: "9" },
    "unsupported_protocol_version",
  ],
  ["schema above", { ...fits, schemaVersion: "3" }, "unsupported_schema_version"],
  ["schema that is no number counts as 0", { ...fits, schemaVersion: "one" }, "unsupported_schema_version"],
  ["schema before build", { ...fits, schemaVersion: "0", buildId: "2" }, "unsupported_schema_version"],
  ["build too old", { ...fits, buildId: "20260221T115959Z" }, "upgrade_required"],
  ["build too new", { ...fits, buildId: "20260221T180001Z" }, "unsupported_client_build"],
] as const) {
  test(`compatibility: ${name} → ${expected ?? "served"}`, () => {
    assert.equal(decideCompatibility(client, window), expected);
  });
}

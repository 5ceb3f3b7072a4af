import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsExitCode, type Claim } from "./claims.ts";

const claim = (name: string, state: Claim["state"]): Claim => ({ name, state, detail: "" });

test("a failing claim outweighs everything, then an unpinned signer or a check that was not run again", () => {
  const cases: [Claim[], number][] = [
    [[claim("hash", "holds"), claim("signer", "holds")], 0],
    [[claim("hash", "holds"), claim("payment", "not_checked"), claim("signer", "holds")], 0],
    [[claim("hash", "holds"), claim("signer", "not_checked")], 2],
    [[claim("hash", "fails"), claim("signer", "not_checked")], 1],
    [[claim("hash", "fails"), claim("signer", "holds")], 1],
    [[claim("hash", "holds")], 2],
    [[claim("signer", "holds"), claim("rerun", "holds")], 0],
    [[claim("signer", "holds"), claim("rerun", "not_checked")], 2],
    [[claim("signer", "holds"), claim("rerun", "fails")], 1],
    [[], 1],
  ];
  for (const [claims, code] of cases) assert.equal(claimsExitCode(claims), code, JSON.stringify(claims));
});

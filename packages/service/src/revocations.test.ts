import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { createRevocationSet, followRevocations, silentLogger } from "./index.ts";

const NOW = 1_790_000_000_000;
const token = { tokenId: "t1", session: "ses_1", id: "usr_1", issuedAtMs: NOW };

test("a token falls by its id, its session, its principal, and by whom it acts for", () => {
  for (const [by, value] of [
    ["jti", "t1"],
    ["sid", "ses_1"],
    ["sub", "usr_1"],
    ["sub", "usr_2"],
  ] as const) {
    const known = createRevocationSet(() => NOW);
    known.take([{ by, value, revokedAtMs: NOW }]);
    assert.ok(known.isRevoked({ ...token, actingFor: "usr_2" }), `${by} ${value}`);
    assert.ok(
      !known.isRevoked({ tokenId: "t2", session: "ses_2", id: "usr_3", issuedAtMs: NOW }),
      `${by} ${value}`,
    );
  }
});

test("a principal that comes in again is let in by a token that is newer, and a session is not", () => {
  const known = createRevocationSet(() => NOW);
  known.take([
    { by: "sub", value: "usr_1", revokedAtMs: NOW },
    { by: "sid", value: "ses_9", revokedAtMs: NOW },
  ]);
  assert.ok(!known.isRevoked({ ...token, issuedAtMs: NOW + 1 }));
  assert.ok(known.isRevoked({ ...token, session: "ses_9", issuedAtMs: NOW + 1 }));
});

test("the newer of two revocations of a principal counts, in whichever order they arrive", () => {
  const known = createRevocationSet(() => NOW);
  known.take([
    { by: "sub", value: "usr_1", revokedAtMs: NOW + 10 },
    { by: "sub", value: "usr_1", revokedAtMs: NOW },
  ]);
  assert.ok(known.isRevoked({ ...token, issuedAtMs: NOW + 5 }));
});

test("nothing is current before it was heard, nor 15 s after the last sign of life", () => {
  let nowMs = NOW;
  const known = createRevocationSet(() => nowMs);
  assert.ok(!known.isCurrent());
  known.heard();
  nowMs += 15_000;
  assert.ok(known.isCurrent());
  nowMs += 1;
  assert.ok(!known.isCurrent());
});

test("a follower asks behind what it has, takes what comes, and goes on after an outage", async (t) => {
  const asked: string[] = [];
  let outages = 1;
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.setHeader("content-type", "application/json");
    if (asked.length === 2 && outages-- > 0) {
      response.writeHead(500).end("{}");
      return;
    }
    const isFirst = !(request.url ?? "").includes("after_seq");
    const revocations = isFirst
      ? []
      : [{ seq: 8, by: "sub", value: "usr_1", revoked_at: new Date(NOW).toISOString() }];
    // As a long poll that has nothing does, later ones do not answer.
    if (asked.length <= 3) response.end(JSON.stringify({ revocations, through_seq: isFirst ? 7 : 8 }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);

  await using followed = followRevocations({
    url: `http://127.0.0.1:${address.port}`,
    token: () => "token",
    nowMs: () => NOW,
    log: silentLogger(),
    retryMs: 1,
  });
  await until(() => followed.isRevoked({ ...token, issuedAtMs: 0 }));
  assert.ok(followed.isCurrent());
  assert.deepEqual(asked.slice(0, 3), [
    "/api/internal/revocations",
    "/api/internal/revocations?after_seq=7&wait_ms=5000",
    "/api/internal/revocations?after_seq=7&wait_ms=5000",
  ]);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

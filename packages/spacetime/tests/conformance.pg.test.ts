// One suite for every server of the lane: ours always, a real SpacetimeDB where
// SPACETIME_URL, SPACETIME_TOKEN (of the publisher) and SPACETIME_CLIENT_TOKEN (a
// sync token whose first stream is new) are given.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MODULE_NAME } from "@openagents/spacetime";
import { hashPayload, idempotencyKeyOf, payloadText } from "@openagents/streams";
import { decodeJwt } from "jose";
import { RULES, type Target } from "./conformance.ts";
import { startHarness } from "./harness.ts";

const STREAM = "runtime.run.run_1.events";
const STRANGER = "runtime.run.run_2.events";

for (const [rule, holds] of RULES) {
  test(`our server: ${rule}`, async (t) => {
    const sync = await startHarness(t);
    await holds(t, {
      url: sync.url,
      token: await sync.token({ streams: [STREAM] }),
      stream: STREAM,
      stranger: STRANGER,
      clientIdOf: () => "usr_1:conformance",
      async append(stream, count) {
        await sync.append(stream, count);
        await sync.announce(stream);
      },
    });
  });
}

const real = realTarget();
for (const [rule, holds] of RULES) {
  test(
    `a real SpacetimeDB: ${rule}`,
    { skip: real === undefined && "SPACETIME_URL is not set" },
    async (t) => {
      if (real !== undefined) await holds(t, real);
    },
  );
}

function realTarget(): Target | undefined {
  const { SPACETIME_URL: url, SPACETIME_TOKEN: publisher, SPACETIME_CLIENT_TOKEN: token } = process.env;
  if (url === undefined || publisher === undefined || token === undefined) return undefined;
  const { streams } = decodeJwt(token);
  const stream: unknown = Array.isArray(streams) ? streams[0] : undefined;
  if (typeof stream !== "string") throw new Error("SPACETIME_CLIENT_TOKEN names no stream");
  const heads = new Map<string, bigint>();
  return {
    url,
    token,
    stream,
    stranger: `${stream.replace(/\.events$/, "")}_other.events`,
    clientIdOf: (identityHex) => `${identityHex}:conformance`,
    async append(streamId, count) {
      for (let n = 0; n < count; n += 1) {
        const seq = (heads.get(streamId) ?? 0n) + 1n;
        heads.set(streamId, seq);
        const payload = payloadText("test.happened", Date.now(), { n: Number(seq) });
        const args = [streamId, idempotencyKeyOf(streamId, seq), hashPayload(payload), payload];
        const response = await fetch(`${url}/v1/database/${MODULE_NAME}/call/append_sync_event`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${publisher}` },
          body: JSON.stringify([...args, Date.now(), Number(seq), true, Number(seq)]),
        });
        assert.ok(response.ok, await response.text());
      }
    },
  };
}

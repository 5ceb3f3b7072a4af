// What happens is followed live, replayed, and proven, by the command line alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { freshHome } from "./openagents.ts";

test("streams are listed, replayed, followed live and proven", async (t) => {
  const home = freshHome(t);
  const up = JSON.parse((await home.run(["up", "-d", "--port-base", "0", "--json"])).out);
  const demo = await home.run(["demo"]);
  assert.equal(demo.code, 0, demo.out + demo.err);
  assert.match(demo.out, /◦ 1 run\.started/, "the demo shows its run as the lane delivers it");
  assert.match(demo.out, /◦ \d+ run\.finished/);

  const listed = JSON.parse((await home.run(["streams", "ls", "--json"])).out).streams;
  const { stream_id: runStream, head_seq: headSeq } = listed.find(
    ({ stream_id: id }: { stream_id: string }) => id.startsWith("runtime.run."),
  );
  const replayed = linesOf((await home.run(["streams", "replay", runStream, "--json"])).out);
  assert.deepEqual(
    replayed.map(({ seq }) => seq),
    Array.from({ length: headSeq }, (_, index) => index + 1),
  );
  const proof = await home.run(["streams", "prove", runStream, "--json"]);
  assert.equal(proof.code, 0, proof.err);
  assert.deepEqual([JSON.parse(proof.out).kind, JSON.parse(proof.out).seq], ["complete", headSeq]);

  const money = listed.find(({ stream_id: id }: { stream_id: string }) => id.startsWith("runtime.treasury."));
  const tail = home.start(["streams", "tail", money.stream_id, "--from", "0", "--json"]);
  await tail.waitFor(seqLine(money.head_seq));
  assert.equal((await home.run(["budget", "set", "5000sat", "--each", "day"])).code, 0);
  // What commits now comes by itself.
  await tail.waitFor(seqLine(money.head_seq + 1));
  const status = JSON.parse((await home.run(["status", "--json"])).out);
  assert.deepEqual(
    status.sync.streams.map((stream: { stream_id: string; lag_events: number }) => [
      stream.stream_id,
      stream.lag_events,
    ]),
    [[money.stream_id, 0]],
  );
  tail.child.kill("SIGINT");
  const ended = await tail.ended;
  assert.equal(ended.code, 0, "Ctrl-C is how a tail ends");
  assert.deepEqual(
    linesOf(ended.out).map(({ seq }) => seq),
    Array.from({ length: money.head_seq + 1 }, (_, index) => index + 1),
  );

  const minted = await home.run([
    "token",
    "--stream",
    runStream,
    "--stream",
    "runtime.run.*.events",
    "--json",
  ]);
  assert.equal(JSON.parse(minted.out).ttl_seconds, 300);
  const identity = await fetch(`${up.sync_url}/v1/identity/websocket-token`, {
    method: "POST",
    headers: { authorization: `Bearer ${JSON.parse(minted.out).token}` },
  });
  assert.equal(identity.status, 200, "the sync server takes it");
  assert.equal((await home.run(["token", "--stream", "everything"])).code, 1);

  for (const [args, says] of [
    [["streams", "prove", "runtime.run.run_0.events"], /streams ls/],
    [["streams", "tail", "no stream"], /streams ls/],
  ] as const) {
    const refused = await home.run([...args]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.err, says);
  }
  assert.equal((await home.run(["down"])).code, 0);
  assert.notEqual((await home.run(["streams", "ls"])).code, 0);
});

type Line = { readonly seq: number };

function linesOf(text: string): Line[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

function seqLine(seq: number): RegExp {
  return new RegExp(`"seq":${seq},`);
}

// A question that takes judgement, on the real stack: real providers answer it in the
// sandbox with programs of their owners, and the answers are decided on and paid.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { freshHome, type Home } from "./openagents.ts";

/** Puts texts in the order of how many words of the query they have. */
const BY_WORDS = `#!/usr/bin/env node
const { query, candidates, top_k } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const hits = ({ text }) => query.split(" ").filter((word) => text.includes(word)).length;
const ranked = candidates.toSorted((a, b) => hits(b) - hits(a)).slice(0, top_k);
console.log(JSON.stringify({ ranked_ids: ranked.map((each) => each.candidate_id), remarks: "by words" }));
`;

/** Says always the same ids. */
const saying = (...ids: string[]) => `#!/bin/sh\necho '${JSON.stringify({ ranked_ids: ids })}'\n`;

test("three owners answer with programs of their own: two agree and are paid, by a majority; a tie is a person's", async (t) => {
  const home = freshHome(t);
  const up = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(up.code, 0, up.err);
  const question = writeQuestion(home, 2);

  // What cannot be asked or answered is said before anything is set aside.
  const nobody = await home.run(["panels", "ask", question, "--own-devices"]);
  assert.deepEqual([nobody.code, /too_few_owners/.test(nobody.err)], [1, true], nobody.err);
  const tooMany = await home.run(["panels", "ask", writeQuestion(home, 9), "--own-devices"]);
  assert.match(tooMany.err, /more candidates than there are/);
  const missing = await home.run(["provider", "start", "--opinions", home.folder]);
  assert.deepEqual([missing.code, /program_missing/.test(missing.err)], [2, true], missing.err);

  await sell(home, "p1", BY_WORDS);
  await sell(home, "p2", BY_WORDS);
  await sell(home, "p3", saying("cat", "sum"));
  const asked = await home.run(["panels", "ask", question, "--own-devices", "--json"]);
  assert.equal(asked.code, 0, asked.err);
  const { panel } = JSON.parse(asked.out);
  assert.deepEqual([panel.status, panel.redundancy, panel.quorum], ["open", 3, 2]);
  await answered(home, panel.panel_id, 3);
  const decided = await home.run(["panels", "decide", panel.panel_id]);
  assert.equal(decided.code, 0, decided.err);
  assert.match(decided.out, /sum > sub \(by words\)/);
  assert.match(decided.out, /2 of 3 answers credited/);
  assert.match((await home.run(["panels", "decide", panel.panel_id])).out, /decided by +majority_vote/);

  const tied = JSON.parse(
    (await home.run(["panels", "ask", question, "--own-devices", "--quorum", "3", "--json"])).out,
  ).panel;
  await answered(home, tied.panel_id, 3);
  const open = JSON.parse((await home.run(["panels", "decide", tied.panel_id, "--json"])).out).panel;
  assert.equal(open.status, "needs_review");
  const [first] = open.copies;
  const word = ["--pick", first.answer_sha256, "--reason", "It is the one that I meant."];
  const picked = await home.run(["panels", "adjudicate", tied.panel_id, ...word]);
  assert.equal(picked.code, 0, picked.err);
  assert.match(picked.out, /because +It is the one that I meant\./);
  const again = await home.run(["panels", "adjudicate", tied.panel_id, "--reject", "--reason", "no"]);
  assert.deepEqual([again.code, /already_decided/.test(again.err)], [1, true]);
  const audit = await home.run(["ledger", "audit", "--json"]);
  assert.equal(JSON.parse(audit.out).ok, true, audit.out);
});

async function sell(home: Home, name: string, program: string): Promise<void> {
  const folder = join(home.folder, `judge-${name}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "answer"), program);
  chmodSync(join(folder, "answer"), 0o755);
  const started = await home.run(["provider", "start", "--as", name, "--opinions", folder, "--detach"]);
  assert.equal(started.code, 0, started.err);
}

function writeQuestion(home: Home, topK: number): string {
  const texts = { sum: "how to add two numbers", sub: "how to take numbers apart", cat: "draw a cat" };
  for (const [id, text] of Object.entries(texts)) writeFileSync(join(home.folder, `${id}.txt`), text);
  const candidates = Object.keys(texts).map((id) => ({ candidate_id: id, path: `${id}.txt` }));
  const file = join(home.folder, `question-${topK}.json`);
  writeFileSync(file, JSON.stringify({ query: "add two numbers", top_k: topK, candidates }));
  return file;
}

async function answered(home: Home, panelId: string, copies: number): Promise<void> {
  for (;;) {
    const shown = JSON.parse((await home.run(["panels", "show", panelId, "--json"])).out).panel;
    const said = shown.copies.filter((copy: { answer_sha256?: string }) => copy.answer_sha256);
    if (said.length === copies) return;
    await delay(200);
  }
}

// A provider's own program answers what takes judgement, in the real sandbox.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { createSandbox } from "@openagents/sandbox";
import { analyseChunks, rankCandidates } from "../src/opinions/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const node = { name: "node", version: process.versions.node, prefix: dirname(dirname(process.execPath)) };

/** By how many words of the query a text has; labels whatever calls `eval`. */
const HONEST = `#!/usr/bin/env node
const asked = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const words = (asked.query ?? "").split(" ");
const hits = ({ text }) => words.filter((word) => text.includes(word)).length;
const answer = asked.chunks
  ? { findings: asked.chunks.map(({ chunk_id, text }) => ({ chunk_id, label: /eval\\(/.test(text) ? "unsafe" : "safe" })) }
  : { ranked_ids: asked.candidates.sort((a, b) => hits(b) - hits(a)).slice(0, asked.top_k).map((each) => each.candidate_id), remarks: asked.job_type };
console.log(JSON.stringify(answer));
`;

const TEXTS = ["draw a cat", "add two numbers", "numbers"];
const sha256Of = (text: string) => createHash("sha256").update(text).digest("hex");
const STORED = new Map(["eval(input)", "1 + 1", ...TEXTS].map((text) => [sha256Of(text), Buffer.from(text)]));

const RERANK = {
  query: "add numbers",
  candidates: TEXTS.map((text, index) => ({ candidateId: `c${index}`, textSha256: sha256Of(text) })),
  topK: 2,
  wallMs: 20_000n,
};

async function open(t: TestContext, program: string) {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "program"));
  await writeFile(join(folder, "program", "answer"), program);
  await chmod(join(folder, "program", "answer"), 0o755);
  await mkdir(join(folder, "work"));
  const deps = {
    sandbox: await createSandbox(),
    toolchains: [node],
    program: join(folder, "program"),
    caps: { memoryMibMax: 1_024, diskMibMax: 64 },
    readInput: async (sha256: string) => STORED.get(sha256) ?? Buffer.alloc(0),
  };
  return { deps, work: join(folder, "work"), signal: new AbortController().signal };
}

test("a program reads the question and its texts, and its answer is the result", async (t) => {
  const { deps, work, signal } = await open(t, HONEST);
  assert.deepEqual(await rankCandidates(deps, RERANK, work, signal), {
    rankedIds: ["c1", "c2"],
    remarks: "oa.retrieval_rerank.v1",
  });
});

test("a program labels chunks of code", async (t) => {
  const { deps, work, signal } = await open(t, HONEST);
  const chunks = ["eval(input)", "1 + 1"].map((text, index) => ({
    chunkId: `k${index}`,
    path: `${index}.js`,
    textSha256: sha256Of(text),
  }));
  const spec = { question: "Is it safe?", chunks, labels: ["safe", "unsafe"], wallMs: 20_000n };
  const { findings } = await analyseChunks(deps, spec, work, signal);
  assert.deepEqual(
    findings.map(({ label }) => label),
    ["unsafe", "safe"],
  );
});

const FAILING: readonly (readonly [string, string, RegExp])[] = [
  ["fails", "#!/bin/sh\nexit 3\n", /ended with 3/],
  ["prints no JSON", "#!/bin/sh\necho I think not\n", /no answer to this work/],
  [
    "prints more than its work asks for",
    `#!/bin/sh\necho '{"ranked_ids":["c1","c0"],"score":1}'\n`,
    /no answer/,
  ],
  ["names what is no candidate", `#!/bin/sh\necho '{"ranked_ids":["c1","c9"]}'\n`, /c9 is no candidate/],
  ["takes too long", "#!/bin/sh\nsleep 60\n", /limit of wall/],
];

for (const [what, program, why] of FAILING) {
  test(`a program that ${what} gives no answer, and none is made up for it`, async (t) => {
    const { deps, work, signal } = await open(t, program);
    const spec = { ...RERANK, wallMs: what === "takes too long" ? 1_000n : RERANK.wallMs };
    await assert.rejects(rankCandidates(deps, spec, work, signal), { code: "no_answer", message: why });
  });
}

test("a program reaches no server, not even of its own machine", async (t) => {
  let reached = 0;
  const server = createServer((_request, response) => {
    reached += 1;
    response.end('{"ranked_ids":["c0","c1"]}');
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const program = `#!/usr/bin/env node
fetch("http://127.0.0.1:${port}").then((answer) => answer.text()).then((text) => console.log(text));
`;
  const { deps, work, signal } = await open(t, program);
  await assert.rejects(rankCandidates(deps, RERANK, work, signal), { code: "no_answer" });
  assert.equal(reached, 0);
});

// What the agent's commands cannot find out, whatever the model asks for.

import assert from "node:assert/strict";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { API_KEY, codexProgram, openScene } from "./codex-fixture.ts";

const TOKEN = "canary-token-5d1f0c";
const AWS = "canaryAWS/5d1f0c+secret==";
const FILE = "canary-file-5d1f0c";
const IN_WORKSPACE = "canary-workspace-5d1f0c";

/** Every regular file below, as one text by path. */
async function textsBelow(folder: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    texts.set(path, await readFile(path, "latin1"));
  }
  return texts;
}

test("no secret of the environment, of the key, or of a file outside gets into an event, the workspace, or the state", async (t) => {
  const program = await codexProgram(t);
  if (program === undefined) return;
  const attempts = [
    "env; export; set",
    "cat /proc/self/environ | tr '\\0' '\\n'",
    "for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ; tr '\\0' ' ' < $p/cmdline; done; ls /proc/1/root/",
    "cat ../outside.txt ../home/.codex/auth.json ../home/.npmrc ../state/codex/config.toml",
    "cat ../state/codex/auth.json; find / -name outside.txt -not -path '/proc/*' | xargs cat",
    "ln -s $PWD/../outside.txt link; cat link; cp link copy; base64 ../outside.txt > b64",
    "echo $CANARY_TOKEN $AWS_SECRET_ACCESS_KEY $SCRIPTED_KEY $OPENAGENTS_CODEX_CONFIG > stolen; cat stolen",
  ];
  const scene = await openScene(
    t,
    program,
    [[...attempts.map((run) => ({ run })), { say: "I found nothing." }]],
    { CANARY_TOKEN: TOKEN, AWS_SECRET_ACCESS_KEY: AWS },
  );
  await writeFile(join(scene.root, "outside.txt"), FILE);
  await mkdir(join(scene.root, "home", ".codex"), { recursive: true });
  for (const name of [".codex/auth.json", ".npmrc"]) await writeFile(join(scene.root, "home", name), FILE);
  await scene.run();

  assert.equal(scene.server.outputs().length, attempts.length, "every attempt was made");
  const places = new Map([
    ["an event", JSON.stringify(scene.events)],
    ["what the model was told", scene.server.requests.map(({ body }) => body).join("\n")],
    ...(await textsBelow(scene.workspace)),
    ...(await textsBelow(join(scene.root, "state"))),
  ]);
  for (const [place, text] of places) {
    for (const canary of [TOKEN, AWS, FILE, API_KEY]) {
      for (const spelling of [canary, Buffer.from(canary).toString("base64")])
        assert.ok(!text.includes(spelling), `${canary} is in ${place}`);
    }
  }
});

test("a secret that the workspace itself holds is not in an event", async (t) => {
  const program = await codexProgram(t);
  if (program === undefined) return;
  const scene = await openScene(
    t,
    program,
    [[{ run: "cat .env; base64 -w 20 .env" }, { say: `It is ${IN_WORKSPACE}.` }]],
    { DEPLOY_TOKEN: IN_WORKSPACE },
  );
  await writeFile(join(scene.workspace, ".env"), `DEPLOY_TOKEN=${IN_WORKSPACE}\n`);
  const outcome = await scene.run();
  const told = JSON.stringify([scene.events, outcome]);
  assert.match(told, /DEPLOY_TOKEN=\[redacted\]/);
  assert.doesNotMatch(told, /canary-workspace/);
  assert.deepEqual(outcome, { kind: "finished", summary: "It is [redacted]." });
});

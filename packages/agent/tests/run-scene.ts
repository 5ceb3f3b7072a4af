// Runs one attempt of codex as a process of its own, for the tests that kill it.
// Its only argument is JSON; its environment is the one that the agent gets.

import { codexAgent } from "../src/index.ts";

const { workspace, stateDir, installFolder } = JSON.parse(process.argv[2] ?? "{}");
const outcome = await codexAgent({ env: process.env, installFolder }).run({
  workspace: { dir: workspace, applyPatch: async () => [] },
  issue: { title: "The file says one", body: "It should say two." },
  attempt: 1,
  stateDir,
  signal: new AbortController().signal,
  onEvent: async () => undefined,
});
process.stdout.write(JSON.stringify(outcome));

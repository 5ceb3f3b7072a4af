// Runs one attempt of an agent as a process of its own, for the tests that kill it.
// Its only argument is JSON; its environment is the one that the agent gets.

import { agentFrom } from "../src/index.ts";

const { spec, workspace, stateDir } = JSON.parse(process.argv[2] ?? "{}");
const outcome = await agentFrom(spec, { env: process.env, dataDir: stateDir }).run({
  workspace: { dir: workspace, applyPatch: async () => [] },
  issue: { title: "The file says one", body: "It should say two." },
  attempt: 1,
  stateDir,
  signal: new AbortController().signal,
  onEvent: async () => undefined,
});
process.stdout.write(JSON.stringify(outcome));

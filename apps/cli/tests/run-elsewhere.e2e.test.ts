// A run whose machine died goes on from another data directory, which has access
// to the same runtime and nothing else of the first one's.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { putDoor, type Passing } from "./door.ts";
import { freshHome } from "./openagents.ts";
import { startProvidersApart } from "./providers-apart.ts";
import { FIX, ISSUE, NO_FIX, smallProject } from "./small-project.ts";

/** When the first machine dies, and how often the agent has its turns then: what was kept is not done again. */
const DEATHS: readonly {
  readonly name: string;
  readonly is: (passing: Passing) => boolean;
  readonly turns: number;
}[] = [
  {
    name: "the first patch, before it is kept",
    is: ({ path, body }) => path.endsWith("/events") && body.includes("patch.made"),
    turns: 3,
  },
  { name: "the dispatch", is: ({ path }) => path.endsWith("/dispatch/sandbox-run"), turns: 2 },
  { name: "the settlement", is: ({ path }) => path.endsWith("/settle/sandbox-run"), turns: 2 },
];

test("killed on one machine, a run goes on from another data directory: one payment, and no kept turn again", async (t) => {
  await using parts = new AsyncDisposableStack();
  const home = freshHome(t);
  assert.equal((await home.run(["up", "--detach", "--port-base", "0"])).code, 0);
  parts.use(await startProvidersApart(home));
  const { runtime_url: runtimeUrl } = JSON.parse(readFileSync(join(home.folder, "stack.json"), "utf8"));
  const door = parts.use(await putDoor(home.folder));
  const project = smallProject(t);
  const agent = `script:${project.script(NO_FIX, FIX)}`;

  const dead: { name: string; runId: string; turns: number }[] = [];
  for (const { name, is, turns } of DEATHS) {
    const ordered = ["--repo", project.repo, "--issue", ISSUE, "--agent", agent, "--attempts", "2"];
    const run = home.start(["run", ...ordered, "--json"]);
    let hit = false;
    door.onAnswered = (passing) => {
      if (hit || !is(passing)) return hit;
      hit = true;
      run.child.kill("SIGKILL");
      return true;
    };
    const { err } = await run.ended;
    assert.ok(hit, `${name} did not come by: ${err}`);
    const [, runId = ""] = /run (run_[0-9a-f]{32})/.exec(err) ?? [];
    dead.push({ name, runId, turns });
  }
  door.onAnswered = () => false;
  rmSync(join(home.folder, "runs"), { recursive: true });

  const env = { OPENAGENTS_TOKEN: (await home.run(["token"])).out.trim() };
  const resumptions = await Promise.allSettled(
    dead.map(async ({ name, runId, turns }) => {
      const other = freshHome(t);
      const resumed = await other.start(["run", "--resume", runId, "--runtime", runtimeUrl, "--json"], {
        env,
      }).ended;
      assert.equal(resumed.code, 0, `${name}: ${resumed.err}${resumed.out}`);
      const result = JSON.parse(resumed.out);
      assert.deepEqual(
        [result.run_id, result.state, result.verdict, result.attempts, result.reserved_msats],
        [runId, "succeeded", "proven", 2, 0],
        name,
      );
      assert.ok(result.bundle_dir.startsWith(other.folder), "the bundle is where the run ended");
      const { events } = JSON.parse((await home.run(["runs", "show", runId, "--json"])).out);
      const count = (type: string) =>
        events.filter((event: { event_type: string }) => event.event_type === type).length;
      assert.equal(count("agent.tool_call"), turns, `${name}: turns of the agent`);
      assert.equal(count("payment.released"), 1, name);
      assert.equal(count("payment.withheld"), 1, name);
      assert.equal(count("budget.reserved"), 2, name);
      assert.equal(count("run.finished"), 1, name);
      assert.equal(project.git("rev-list", "--count", `main..${result.branch}`).trim(), "1", name);
      const verified = await other.run(["verify", result.bundle_dir, "--operator", runtimeUrl]);
      assert.equal(verified.code, 0, `${name}: ${verified.out}`);
    }),
  );
  for (const resumption of resumptions) if (resumption.status === "rejected") throw resumption.reason;
  const audit = await home.run(["ledger", "audit", "--json"]);
  assert.equal(JSON.parse(audit.out).ok, true, audit.out);
});

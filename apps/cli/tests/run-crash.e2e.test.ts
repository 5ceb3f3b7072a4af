// A run under kill −9: killed after each step's answer was given and before it
// was known, it goes on to the same end, and nothing is paid or done twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { putDoor, type Passing } from "./door.ts";
import { freshHome } from "./openagents.ts";
import { startProvidersApart } from "./providers-apart.ts";
import { FIX, ISSUE, smallProject } from "./small-project.ts";

const STEPS: readonly (readonly [name: string, is: (passing: Passing) => boolean])[] = [
  ["the lease", ({ path }) => path.endsWith("/executor")],
  ["the agent's first words", ({ path, body }) => path.endsWith("/events") && body.includes("agent.message")],
  ["the patch", ({ path, body }) => path.endsWith("/events") && body.includes("patch.made")],
  ["the quote", ({ path }) => path.endsWith("/quote/sandbox-run")],
  ["the reservation", ({ path }) => path.endsWith("/compute/reserve")],
  ["the dispatch", ({ path }) => path.endsWith("/dispatch/sandbox-run")],
  ["waiting for the provider", ({ path, method }) => method === "GET" && path.includes("/jobs/")],
  ["the first verification", ({ path }) => path.endsWith("/verifications/sandbox-run")],
  ["the settlement", ({ path }) => path.endsWith("/settle/sandbox-run")],
  ["the end", ({ path, body }) => path.endsWith("/events") && body.includes("run.finished")],
  ["the bundle", ({ path }) => path.endsWith("/bundle")],
];

test("killed at any step, a run is resumed to the same end, with one payment and one turn of the agent", async (t) => {
  // Before the home's own clean-up, which ends whoever still runs providers.
  await using parts = new AsyncDisposableStack();
  const home = freshHome(t);
  assert.equal((await home.run(["up", "--detach", "--port-base", "0"])).code, 0);
  parts.use(await startProvidersApart(home));
  const door = parts.use(await putDoor(home.folder));
  const project = smallProject(t);
  const script = project.script(FIX);

  const killed: { name: string; runId: string }[] = [];
  for (const [name, is] of STEPS) {
    const run = home.start([
      "run",
      "--repo",
      project.repo,
      "--issue",
      ISSUE,
      "--agent",
      `script:${script}`,
      "--json",
    ]);
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
    killed.push({ name, runId });
  }
  door.onAnswered = () => false;

  // Together, because each waits for the dead one's lease to lapse.
  const resumptions = await Promise.allSettled(
    killed.map(async ({ name, runId }) => {
      const resumed = await home.run(["run", "--resume", runId, "--json"]);
      assert.equal(resumed.code, 0, `${name}: ${resumed.err}${resumed.out}`);
      const result = JSON.parse(resumed.out);
      assert.deepEqual(
        [result.run_id, result.state, result.verdict, result.attempts, result.reserved_msats],
        [runId, "succeeded", "proven", 1, 0],
        name,
      );
      const { events } = JSON.parse((await home.run(["runs", "show", runId, "--json"])).out);
      const count = (type: string) =>
        events.filter((event: { event_type: string }) => event.event_type === type).length;
      for (const type of [
        "issue.claimed",
        "agent.tool_call",
        "patch.made",
        "quote.selected",
        "budget.reserved",
        "payment.released",
        "run.finished",
      ])
        assert.equal(count(type), 1, `${name}: ${type}`);
      assert.equal(project.git("rev-list", "--count", `main..${result.branch}`).trim(), "1", name);
      const verified = await home.run(["verify", result.bundle_dir]);
      assert.equal(verified.code, 0, `${name}: ${verified.out}`);
    }),
  );
  for (const resumption of resumptions) if (resumption.status === "rejected") throw resumption.reason;
  const audit = await home.run(["ledger", "audit", "--json"]);
  assert.equal(JSON.parse(audit.out).ok, true, audit.out);
});

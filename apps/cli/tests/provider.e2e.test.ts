// Selling from this computer, on real processes.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { freshHome, isRunning, until, type Home } from "./openagents.ts";
import { order } from "./buyer.ts";

test("a provider sells in the background, is refused twice, does a job, is credited, and stops", async (t) => {
  const home = await homeWithStack(t);
  const port = portOfOurOwn();
  const eve = await detached(home, ["--as", "eve", "--price", "150sat", "--name", "Eve", "--listen", port]);
  assert.deepEqual([eve.display_name, eve.price_msats, isRunning(eve.pid)], ["Eve", 150_000, true]);
  const own = await detached(home, []);
  assert.equal(own.price_msats, 1_000);
  const record = join(home.folder, "providers", "dev_provider_eve", "provider.json");
  assert.equal(statSync(record).mode & 0o777, 0o600);

  for (const extra of [[], ["--detach"]]) {
    const second = await home.run(["provider", "start", "--as", "eve", ...extra]);
    assert.equal(second.code, 1);
    assert.match(
      second.err,
      new RegExp(`runs already \\(pid ${eve.pid}\\).*provider stop.*provider_running`),
    );
  }

  const bought = await order(home, "test -f fixed");
  await bought.settle();
  const state = await status(home, "eve");
  assert.deepEqual(
    [state.running, state.worker_id, state.worker, state.jobs_done, state.working],
    [true, eve.worker_id, { status: "running", liveness: "fresh", strikes: 0, quarantined: false }, 1, []],
  );
  assert.deepEqual([state.last_job.job_id, state.last_payment.state], [bought.jobId, "credited"]);
  assert.match((await home.run(["provider", "status"])).out, /1 done.*\n.*credited, a second opinion/);

  const stopped = JSON.parse((await home.run(["provider", "stop", "--as", "eve", "--json"])).out);
  assert.deepEqual([stopped.outcome, stopped.pid, stopped.interrupted], ["stopped", eve.pid, []]);
  assert.equal(isRunning(eve.pid), false);
  assert.equal(existsSync(record), false);
  assert.equal((await status(home, "eve")).worker.status, "stopped");
  assert.match((await home.run(["provider", "stop", "--as", "eve"])).out, /no provider is running/);
  assert.equal(isRunning(own.pid), true);
  assert.match((await home.run(["down"])).out, new RegExp(`This computer \\(pid ${own.pid}\\) still sells`));
});

test("a job that proves nothing is told to its provider as not paid, with the reason", async (t) => {
  const home = await homeWithStack(t);
  await detached(home, ["--as", "eve"]);
  await detached(home, []);
  await (await order(home, "true")).settle();
  const out = (await home.run(["provider", "status", "--as", "eve"])).out;
  assert.match(out, /last job .*not paid, passed_only: /);
});

test("prices by way of payment and by band are what the market has, also in the background", async (t) => {
  const home = await homeWithStack(t);
  const band = ["--price-band", "outcome=150sat+50sat..400sat"];
  await detached(home, ["--as", "eve", ...band, "--execution-price", "90sat"]);
  await detached(home, ["--as", "bob", "--pay-on", "execution"]);
  const listed = await home.run(["market", "providers", "--json"]);
  const sold = Object.fromEntries(
    JSON.parse(listed.out).providers.map((each: Record<string, unknown>) => [each["display_name"], each]),
  );
  assert.deepEqual(sold["Provider eve"].price_bands, [
    {
      capability: "oa.sandbox_run.v1",
      pay_on: "outcome",
      min_price_msats: 150_000,
      max_price_msats: 400_000,
      step_msats: 50_000,
    },
  ]);
  assert.equal(sold["Provider eve"].execution_price_msats, 90_000);
  assert.deepEqual(
    [sold["Provider bob"].price_msats, sold["Provider bob"].execution_price_msats],
    [0, 200_000],
  );
  assert.match((await home.run(["market", "providers"])).out, /Provider eve +150 sat–400 sat +90 sat/);
  const eve = await home.run(["provider", "status", "--as", "eve"]);
  assert.match(
    eve.out,
    /price .*90 sat a job whatever its verdict; oa\.sandbox_run\.v1 on outcome: 150 sat to/,
  );
  const mixed = await home.run([
    "provider",
    "start",
    "--as",
    "eva",
    "--pay-on",
    "outcome",
    "--execution-price",
    "1sat",
  ]);
  assert.equal(mixed.code, 2);
  assert.match(mixed.err, /--pay-on says that none of them is sold; give --price/);
});

test("Ctrl-C gives the running job back, tells the runtime, and leaves nothing", async (t) => {
  const home = await homeWithStack(t);
  const own = await detached(home, []);
  const eve = home.start(["provider", "start", "--as", "eve"]);
  await eve.waitFor(/Ctrl-C stops it/);
  const bought = await order(home, "sleep 100");
  await eve.waitFor(/claimed +job_[0-9a-f]+ +work: sleep 100/);
  eve.child.kill("SIGINT");
  const { code, out } = await eve.ended;
  assert.equal(code, 0);
  assert.match(out, /gave back .*provider_stopped[^]*✓ stopped\n$/);
  assert.equal((await bought.until((job) => job.status !== "leased")).failure?.code, "provider_stopped");
  const state = await status(home, "eve");
  assert.deepEqual(
    [state.running, state.worker.status, state.last_job.outcome, state.working],
    [false, "stopped", "failure", []],
  );
  assert.equal(isRunning(own.pid), true);
});

test("after kill -9 in the middle of a job the next start is the same worker, and its leftovers are gone", async (t) => {
  const home = await homeWithStack(t);
  await detached(home, []);
  const eve = await detached(home, ["--as", "eve"]);
  const bought = await order(home, "sleep 101");
  await bought.until((job) => job.status === "leased");
  const jobs = join(home.folder, "providers", "dev_provider_eve", "jobs");
  await until(() => existsSync(jobs) && readdirSync(jobs).length === 1 && sleepers(101).length > 0);
  process.kill(eve.pid, "SIGKILL");
  await until(() => sleepers(101).length === 0);
  assert.equal((await status(home, "eve")).running, false);

  const again = await detached(home, ["--as", "eve"]);
  assert.equal(again.worker_id, eve.worker_id);
  assert.notEqual(again.pid, eve.pid);
  assert.equal(existsSync(join(jobs, bought.jobId)), false);
  assert.equal((await home.run(["provider", "stop", "--as", "eve"])).code, 0);
});

test("a provider without a stack, a token or its tool says what to do", async (t) => {
  const home = freshHome(t);
  const refused = async (...args: string[]) => {
    const { code, out, err } = await home.run(["provider", ...args]);
    return `${code} ${out}${err}`;
  };
  assert.match(await refused("start"), /^1 .*has no stack yet; run `openagents up` first/);
  assert.match(await refused("status"), /^1 .*has no stack yet; run `openagents up` first/);
  assert.match(await refused("stop"), /^0 no provider is running/);
  assert.match(await refused("start", "--runtime", "http://example.org"), /^2 .*https/);
  assert.match(await refused("start", "--runtime", "https://example.org"), /^2 .*OPENAGENTS_TOKEN/);
  assert.match(
    await refused("start", "--runtime", "http://127.0.0.1:1", "--token-file", "/no/such"),
    /^1 .*\/no\/such cannot be read/,
  );
  const { runtime_url: url } = JSON.parse((await home.run(["up", "-d", "--port-base", "0", "--json"])).out);
  const tokenFile = join(home.folder, "token");
  writeFileSync(tokenFile, "x".repeat(40));
  const remote = (address: string) => refused("start", "--runtime", address, "--token-file", tokenFile);
  assert.match(await remote("http://127.0.0.1:1"), /^1 .*no runtime answers at .*runtime_unreachable/);
  assert.match(await remote(url), /^1 [^]*✗ .*token_invalid/);
  writeFileSync(tokenFile, (await home.run(["token"])).out);
  const started = await home.run(["provider", "start", "-d", "--runtime", url, "--token-file", tokenFile]);
  assert.equal(started.code, 0, started.err);
  const there = await refused("status", "--runtime", url, "--token-file", tokenFile);
  assert.match(there, /● selling[^]*running, fresh/);
  assert.match(await refused("stop", "--runtime", url), /✓ stopped/);
  assert.match(
    await refused("status"),
    /^0 ○ not selling, and never did; `openagents provider start` begins/,
  );
  assert.match(
    await refused("start", "--endpoint", "https://provider.example"),
    /^2 .*--endpoint leads nowhere without --listen/,
  );
  assert.match(
    await refused("start", "--toolchain", "go=/no/such"),
    /^1 [^]*is not a folder.*toolchain_invalid/,
  );
  assert.match(await refused("start", "--detach", "--toolchain", "go=/usr"), /^1 [^]*has no program bin\/go/);
  await home.run(["down"]);
  assert.match(await refused("start"), /^1 .*no stack is running on .*openagents up/);
});

test("commands on one stack share its local providers, and one that ends first leaves nobody's order unanswered", async (t) => {
  const home = await homeWithStack(t);
  const first = home.start(["demo"]);
  await first.waitFor(/✓ providers/);
  const refused = await home.run(["provider", "stop"]);
  assert.deepEqual([refused.code, /provider_of_other_command/.test(refused.err)], [1, true]);
  const second = home.start(["demo"]);
  await second.waitFor(/✓ providers/);
  const third = home.start(["demo"]);
  for (const { ended } of [first, second, third]) {
    const { code, out, err } = await ended;
    assert.equal(code, 0, out + err);
  }
  assert.equal(JSON.parse((await home.run(["provider", "status", "--json"])).out).running, false);
});

type Registered = {
  readonly pid: number;
  readonly worker_id: string;
  readonly display_name: string;
  readonly price_msats: number;
};

async function homeWithStack(t: TestContext): Promise<Home> {
  const home = freshHome(t);
  const up = await home.run(["up", "--detach", "--port-base", "0"]);
  assert.equal(up.code, 0, up.err);
  return home;
}

/** Start one in the background; freshHome ends it. */
async function detached(home: Home, args: readonly string[]): Promise<Registered> {
  const { code, out, err } = await home.run(["provider", "start", "--detach", "--json", ...args]);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

/** Below those that the kernel hands out by itself, so that nobody gets it by chance before us. */
function portOfOurOwn(): string {
  return String(10_000 + (process.pid % 20_000));
}

async function status(home: Home, name: string) {
  return JSON.parse((await home.run(["provider", "status", "--as", name, "--json"])).out);
}

/** Processes of ours that sleep for that long, as nothing else does. */
function sleepers(seconds: number): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${seconds}\0`;
    } catch {
      return false;
    }
  });
}

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { buildProgram, runProgram } from "./program.ts";
import { noStyle, type Output } from "./terminal/index.ts";
import type { Context } from "./context.ts";

test("an unknown command ends with 2 and names the nearest one", async (t) => {
  const run = runner(t);
  const { code, out, err } = await run("statsu");
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /^✗ unknown command 'statsu'; \(Did you mean status\?\)\n$/);
});

test("wrong arguments end with 2, in one line that says what is right", async (t) => {
  const run = runner(t);
  const cases: [string[], RegExp][] = [
    [["up", "--port-base", "80"], /0 for any free port, or a number from 1024 to 65535/],
    [["up", "--port-base", "4100x"], /0 for any free port/],
    [["token", "--ttl", "601"], /1 to 600/],
    [["runs", "list", "--limit", "0"], /1 to 200/],
    [["runs", "show"], /missing required argument 'run-id'/],
    [["status", "--colour"], /unknown option '--colour'/],
    [["status", "now"], /too many arguments/],
    [["provider", "start", "--price", "200"], /with its unit, such as 200sat/],
    [["provider", "start", "--price", "0sat"], /above 0/],
    [["provider", "statement", "--csv", "--json"], /do not go together/],
    [["provider", "statement", "--from", "yesterday"], /a day such as 2027-01-31/],
    [["provider", "start", "--as", "Eve"], /lower-case letters/],
    [["provider", "start", "--memory", "63"], /from 64 to/],
    [["provider", "start", "--pay-on", "luck"], /Allowed choices are outcome, execution/],
    [["provider", "start", "--price-band", "outcome=5sat"], /outcome=MIN\+STEP\.\.MAX/],
    [["provider", "start", "--price-band", "outcome=5sat..4sat"], /maximum is at least its minimum/],
    [["run", "--issue", "x", "--fallback", "friends"], /Allowed choices are market, reserve, none/],
    [["provider", "status", "--runtime", "https://a.example", "--as", "eve"], /the token says who you are/],
    [["verify", ".", "--toolchain", "go=/usr"], /goes with --rerun/],
    [["help", "fly"], /there is no command `fly`/],
    [["verify", ".", "--operator", "http://example.org"], /https address/],
    [["verify", ".", "--operator", "AB".repeat(32)], /64 lower-case hex digits/],
    [["verify", "."], /holds no bundle/],
    [["verify", "./nowhere"], /there is no .*nowhere/],
    [["incidents", "dispute", "nonsense", "--claim", "x"], /job_ and 32 hex digits/],
    [["incidents", "resolve", `inc_${"0".repeat(32)}`, "--note", "x"], /--uphold or --dismiss/],
    [["workers", "disable", `wrk_${"0".repeat(32)}`], /required option '--reason/],
    [["runs", "cancel", `run_${"0".repeat(32)}`, "--runtime", "https://a.example"], /OPENAGENTS_TOKEN/],
    [["runs", "accept", `run_${"0".repeat(32)}`, "--token-file", "x"], /goes with --runtime/],
    [["log", "check", "a", "--tiles", "b", "--url", "https://a.example"], /do not go together/],
    [["run", "--resume", "nonsense"], /run_ and 32 hex digits/],
    [["runs", "accept", "nonsense"], /run_ and 32 hex digits/],
    [["runs", "reject", "../x"], /run_ and 32 hex digits/],
    [["runs", "cancel", "nonsense"], /run_ and 32 hex digits/],
    [["run", "--issue", "./nope"], /there is no file .*nope/],
    [["run", "--issue", "missing-file.md"], /there is no file .*missing-file\.md/],
    [["run", "--issue", "x", "--repo", "nothere"], /there is no folder .*nothere/],
    [["run", "--issue", "x", "--agent", "nonsense"], /agent_unknown/],
    [["run", "--issue", "x", "--agent", "script:missing.patch"], /there is no file .*missing\.patch/],
  ];
  for (const [argv, says] of cases) {
    const { code, out, err, home } = await run(...argv);
    assert.equal(code, 2, argv.join(" "));
    assert.equal(out, "", argv.join(" "));
    assert.match(err, says);
    assert.equal(err.trimEnd().split("\n").length, 1, err);
    assert.equal(existsSync(home), false, argv.join(" "));
  }
});

test("a tool that is no name and prefix is refused before a bundle is run again", async (t) => {
  const { context, written, folder } = contextOf(t);
  writeFileSync(join(folder, "BUNDLE.json"), "{}");
  assert.equal(await runProgram(["verify", folder, "--rerun", "--toolchain", "go"], context), 2);
  assert.match(written.err, /name=prefix/);
});

test("every command explains itself with examples and exit codes", async (t) => {
  const run = runner(t);
  for (const command of buildProgram(contextOf(t).context).commands) {
    if (command.name() === "help") continue;
    const { code, out } = await run(command.name(), "--help");
    assert.equal(code, 0);
    assert.match(out, /Usage: openagents /, command.name());
    assert.match(out, /Examples?:/, command.name());
    assert.match(out, /Exit codes:/, command.name());
    assert.equal((await run("help", command.name())).out, out, command.name());
  }
});

test("help names every exit code, and the version is one line", async (t) => {
  const run = runner(t);
  assert.match((await run("help", "exit-codes")).out, /\b0 .*\n *1 .*[^]*\n *2 .*[^]*\n *130 /);
  const { code, out, err } = await run("--version");
  assert.deepEqual({ code, out, err }, { code: 0, out: "9.9.9\n", err: "" });
});

test("commands that need a stack say how to start one, and leave nothing behind", async (t) => {
  const run = runner(t);
  for (const argv of [
    ["runs", "list"],
    ["ledger", "audit"],
    ["market", "providers"],
    ["market", "telemetry"],
    ["panels", "show", `pnl_${"0".repeat(32)}`],
    ["panels", "decide", `pnl_${"0".repeat(32)}`],
    ["market", "seeds"],
    ["incidents", "list"],
    ["workers", "list"],
    ["ledger", "statement"],
    ["receipts", "list"],
    ["market", "quote", `qte_${"0".repeat(32)}`],
    ["receipts", "get", "pay_0123456789abcdef01234567"],
  ]) {
    const { code, out, err } = await run(...argv);
    assert.equal(code, 1);
    assert.equal(out, "");
    assert.match(
      err,
      /^✗ no stack is running on .*; start one with `openagents up --detach` \(stack_not_running\)\n$/,
    );
  }
  assert.match((await run("token")).err, /has no stack yet; run `openagents up` first/);
  assert.deepEqual((await run("down")).code, 0);
  assert.match((await run("status")).out, /not running/);
});

test("with --json an error is one object on standard error, wherever the option stands", async (t) => {
  const run = runner(t);
  for (const argv of [
    ["--json", "runs", "list"],
    ["runs", "list", "--json"],
  ]) {
    const { out, err } = await run(...argv);
    assert.equal(out, "");
    assert.equal(JSON.parse(err).error.code, "stack_not_running");
  }
  assert.equal(JSON.parse((await run("status", "--json")).out).running, false);
});

test("canonicalize prints exactly the canonical bytes", async (t) => {
  const { code, out, err } = await runner(t, '{"b":[1e2, 0.10],\n"a":"\\u20ac\\u0007", "\\ud83d\\ude00":-0}')(
    "receipts",
    "canonicalize",
  );
  assert.deepEqual({ code, out, err }, { code: 0, out: '{"a":"€\\u0007","b":[100,0.1],"😀":0}', err: "" });
});

test("canonicalize refuses what has no one meaning, and prints nothing of it", async (t) => {
  const bad: (string | Uint8Array)[] = [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '["\\ud800"]',
    new Uint8Array([0x22, 0xff, 0x22]),
    new Uint8Array([0xef, 0xbb, 0xbf, 0x31]),
    "",
    "1 2",
    "{a:1}",
    "[1,]",
    "NaN",
  ];
  for (const input of bad) {
    const { code, out, err } = await runner(t, input)("receipts", "canonicalize");
    assert.equal(code, 1, String(input));
    assert.equal(out, "", String(input));
    assert.match(err, /^✗ standard input is not strict JSON: .*\(json_refused\)\n$/, String(input));
  }
});

test("a receipt that is none fails every check, and a missing file is named", async (t) => {
  const { code, out } = await runner(t, '{"receipt":{},"signature":{}}')("receipts", "verify", "-");
  assert.equal(code, 1);
  assert.match(out, /✗ fails/);
  const missing = await runner(t)("receipts", "verify", "/no/such/receipt.json");
  assert.equal(missing.code, 1);
  assert.match(missing.err, /\/no\/such\/receipt\.json cannot be read/);
});

test("an agent without login is told before anything is started, and a run of another's runtime is only resumed", async (t) => {
  const { context, written, folder } = contextOf(t);
  const env = { ...context.env, CODEX_HOME: folder };
  assert.equal(await runProgram(["run", "--issue", "x", "--repo", folder], { ...context, env }), 1);
  assert.match(written.err, /codex login.*codex_not_signed_in/);
  assert.equal(existsSync(join(folder, "home")), false);
  const run = runner(t);
  const remote = ["--runtime", "https://a.example"];
  assert.match((await run("run", "--issue", "x", ...remote)).err, /--resume only/);
  const resume = ["run", "--resume", `run_${"0".repeat(32)}`];
  assert.match((await run(...resume, ...remote)).err, /OPENAGENTS_TOKEN/);
  assert.match((await run(...resume, "--token-file", "x")).err, /goes with --runtime/);
});

function runner(t: TestContext, stdin: string | Uint8Array = "") {
  return async (...argv: string[]) => {
    const { context, written, folder } = contextOf(t, stdin);
    const code = await runProgram(argv, context);
    return { code, out: written.out, err: written.err, home: join(folder, "home") };
  };
}

function contextOf(t: TestContext, stdin: string | Uint8Array = "") {
  const folder = mkdtempSync(join(tmpdir(), "oa-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const written = { out: "", err: "" };
  const context: Context = {
    out: outputTo((text) => (written.out += text)),
    err: outputTo((text) => (written.err += text)),
    env: { OPENAGENTS_HOME: join(folder, "home") },
    stdin: Readable.from([Buffer.from(stdin)]),
    version: "9.9.9",
    root: folder,
    nowMs: () => Date.parse("2026-11-24T02:00:00Z"),
  };
  return { context, written, folder };
}

function outputTo(write: (text: string) => void): Output {
  return {
    isTty: false,
    style: noStyle,
    columns: () => 80,
    line: (text) => write(`${text}\n`),
    raw: (data) => write(typeof data === "string" ? data : Buffer.from(data).toString()),
    isOpen: () => true,
    flush: async () => undefined,
  };
}

// Commands for those who work on this repository: they run its scripts.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { setBody, type Context, type GlobalOptions } from "../context.ts";

type Script = { readonly name: string; readonly description: string; readonly help: string };

const SCRIPTS: readonly Script[] = [
  {
    name: "test",
    description: "run every check and every test",
    help: "\nRuns documents, types, lint, format, contract and the tests on a real PostgreSQL. With --full also those that take\nminutes each: providers that are killed at every step of a run, and twenty liars over a thousand jobs. With --lightning only those on real lnd\nnodes, which it builds first where Go is installed; without Go it says that they were skipped.\n\nExamples:\n  openagents test\n  openagents test --full\n  openagents test --lightning\n\nExit codes: that of the first thing that fails; 0 when all pass.",
  },
  {
    name: "check",
    description: "run the fast checks",
    help: "\nRuns documents, types, lint, format, contract and the tests that need no database.\n\nExamples:\n  openagents check\n\nExit codes: that of the first thing that fails; 0 when all pass.",
  },
  {
    name: "bench",
    description: "measure the bars of the authority path",
    help: "\nMeasures beside pgbench on the same server and prints a table; --full also with ten million events stored. `sync` measures the sync lane instead, with --minutes its memory under load; `control` the edge of control, while people sign in. Arguments go to the bench as they are.\n\nExamples:\n  openagents bench\n  openagents bench --seconds 10 --rounds 5\n  openagents bench --full\n  openagents bench sync --seconds 10\n  openagents bench sync --minutes 10\n  openagents bench control\n\nExit codes: the bench's own.",
  },
];

export function scriptCommands(context: Context): Command[] {
  return SCRIPTS.map(({ name, description, help }) => {
    const command = new Command(name)
      .description(description)
      .argument("[args...]", "passed on as they are")
      .allowUnknownOption()
      .addHelpText("after", help);
    return setBody<GlobalOptions>(command, (options, args) => {
      const passed = options.json === true && name === "bench" ? [...args, "--json"] : args;
      const [program, ...first] =
        name === "bench"
          ? [process.execPath, ...process.execArgv, join(context.root, "bench/src/main.ts")]
          : [join(context.root, "scripts/local-ci.sh"), name];
      return run(context, program, [...first, ...passed]);
    });
  });
}

/** Run a program on our own terminal and answer its exit code, 128 + n when signal n ended it. */
async function run(context: Context, program: string, args: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: "inherit", cwd: context.root, env: { ...context.env } });
  // Ctrl-C reaches the child by the terminal; we only have to outlive it.
  const ignore = () => undefined;
  const pass = () => child.kill("SIGTERM");
  process.on("SIGINT", ignore);
  process.on("SIGTERM", pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (cause) =>
        reject(
          new CliError("script_missing", `${program} cannot be run: ${cause.message}`, {
            nextStep: "run it from a full checkout",
            cause,
          }),
        ),
      );
      child.once("exit", (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", pass);
  }
}

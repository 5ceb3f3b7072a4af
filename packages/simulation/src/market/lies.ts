// Twenty ways to lie about a job, and what must catch each.
//
// `rule`: the report contradicts itself, its job, or what is stored, so that the
// verifier alone finds it, each time. `second_run`: only somebody else's run of the
// same work can tell, so it is found as often as that is made.

import type { SandboxRunResult } from "@openagents/contracts";
import { reportOf } from "./work.ts";

export type Lie = {
  readonly name: string;
  readonly caughtBy: "rule" | "second_run";
  /** The report of a patch that really passes or fails; its outputs are stored under this hash. */
  readonly tell: (holds: boolean, outputSha256: string, repeats: number) => SandboxRunResult;
  /** The outputs are named, and never handed in. */
  readonly keepsOutputs?: true;
};

type Leg = SandboxRunResult["legs"][number];
type Command = Leg["commands"][number];

const OTHER_TREE = "e".repeat(40);
const NEVER_STORED = "0".repeat(63);

/** Claim that it passes, in a report that is changed so. */
function claim(change: (result: SandboxRunResult) => SandboxRunResult): Lie["tell"] {
  return (_holds, outputSha256, repeats) => change(reportOf(true, outputSha256, repeats));
}

function onLegs(
  change: (legs: readonly Leg[]) => readonly Leg[],
): (result: SandboxRunResult) => SandboxRunResult {
  return (result) => ({ ...result, legs: change(result.legs) });
}

function onCommands(
  change: (command: Command, leg: Leg) => Command,
): (result: SandboxRunResult) => SandboxRunResult {
  return onLegs((legs) =>
    legs.map((leg) => ({ ...leg, commands: leg.commands.map((command) => change(command, leg)) })),
  );
}

const BY_RULE: readonly (readonly [name: string, tell: Lie["tell"], keepsOutputs?: true])[] = [
  ["names outputs that it never handed in", claim((result) => result), true],
  [
    "names an output of nobody",
    claim(onCommands((command) => ({ ...command, stdoutSha256: `${NEVER_STORED}1` }))),
  ],
  [
    "names errors of nobody",
    claim(onCommands((command) => ({ ...command, stderrSha256: `${NEVER_STORED}2` }))),
  ],
  ["leaves the base leg out", claim(onLegs((legs) => legs.filter(({ leg }) => leg !== "base")))],
  ["leaves the patched leg out", claim(onLegs((legs) => legs.filter(({ leg }) => leg !== "patched")))],
  ["tells the legs in the wrong order", claim(onLegs((legs) => legs.toReversed()))],
  ["tells each leg twice", claim(onLegs((legs) => [...legs, ...legs]))],
  [
    "adds a guard leg that nobody asked for",
    claim(onLegs((legs) => [...legs, ...legs.slice(-1).map((leg): Leg => ({ ...leg, leg: "guard" }))])),
  ],
  ["runs another command", claim(onCommands((command) => ({ ...command, command: "true" })))],
  [
    "runs one command more",
    claim(onLegs((legs) => legs.map((leg) => ({ ...leg, commands: [...leg.commands, ...leg.commands] })))),
  ],
  ["runs no command", claim(onLegs((legs) => legs.map((leg) => ({ ...leg, commands: [] }))))],
  [
    "runs the base as the patch",
    claim(onLegs((legs) => legs.map((leg) => ({ ...leg, tree: legs[0]?.tree ?? leg.tree })))),
  ],
  ["exits and is killed at once", claim(onCommands((command) => ({ ...command, signal: "SIGKILL" })))],
  [
    "ends in no way",
    claim(
      onCommands(({ command, durationMs, stdoutSha256, stderrSha256 }) => ({
        command,
        durationMs,
        stdoutSha256,
        stderrSha256,
      })),
    ),
  ],
  [
    "runs another base",
    claim(onLegs((legs) => legs.map((leg) => (leg.leg === "base" ? { ...leg, tree: OTHER_TREE } : leg)))),
  ],
];

const BY_SECOND_RUN: readonly (readonly [name: string, tell: Lie["tell"]])[] = [
  ["says that everything passes", (_holds, output, repeats) => reportOf(true, output, repeats)],
  ["says the opposite", (holds, output, repeats) => reportOf(!holds, output, repeats)],
  ["tosses a coin", (_holds, output, repeats) => reportOf(output.charCodeAt(0) % 2 === 0, output, repeats)],
  [
    "runs another patch",
    claim(onLegs((legs) => legs.map((leg) => (leg.leg === "patched" ? { ...leg, tree: OTHER_TREE } : leg)))),
  ],
  [
    "breaks the base in a way of its own",
    claim(onCommands((command, { leg }) => (leg === "base" ? { ...command, exitCode: 3 } : command))),
  ],
];

export const LIES: readonly Lie[] = [
  ...BY_RULE.map(([name, tell, keepsOutputs]): Lie => ({
    name,
    caughtBy: "rule",
    tell,
    ...(keepsOutputs === undefined ? {} : { keepsOutputs }),
  })),
  ...BY_SECOND_RUN.map(([name, tell]): Lie => ({ name, caughtBy: "second_run", tell })),
];

// What a repository says about its own checks, in `.openagents/config.json`.
//
// Always read from the base: a patch that touches the file is judged by what the
// file said before, and counts as changing check configuration.

import { globProblem } from "./glob.ts";

export type CheckConfig = {
  readonly version: 1;
  /** The commands that decide; absent when the repository leaves it to detection. */
  readonly check?: readonly string[];
  /** Globs of files that are tests although the table does not know them. */
  readonly testPaths: readonly string[];
  /** Globs of files that are source although a folder's name says test or script. */
  readonly sourcePaths: readonly string[];
  /** Globs of files that say how checks are run although the table does not know them. */
  readonly configPaths: readonly string[];
};

/** The message names the member and what it may be. */
export class CheckConfigError extends Error {
  constructor(problem: string) {
    super(`.openagents/config.json: ${problem}`);
    this.name = "CheckConfigError";
  }
}

/** The largest `.openagents/config.json` that anyone reads, in bytes: for buyer, provider and operator alike. */
export const CHECK_CONFIG_BYTES_MAX = 64 * 1024;

const COMMANDS_MAX = 16;
const COMMAND_CHARS_MAX = 4_096;
const GLOBS_MAX = 200;
const MEMBERS = ["version", "check", "test_paths", "source_paths", "config_paths"];

/** Throws `CheckConfigError` for anything but an object of exactly the known members. */
export function parseCheckConfig(text: string): CheckConfig {
  const members = parseObject(text);
  for (const name of Object.keys(members)) {
    if (!MEMBERS.includes(name)) {
      throw new CheckConfigError(`${JSON.stringify(name)} is not a member; known are ${MEMBERS.join(", ")}`);
    }
  }
  if (members["version"] !== 1) throw new CheckConfigError("version must be 1");
  const check = members["check"] === undefined ? undefined : commandsOf(members["check"]);
  return {
    version: 1,
    ...(check === undefined ? {} : { check }),
    testPaths: globsOf("test_paths", members["test_paths"]),
    sourcePaths: globsOf("source_paths", members["source_paths"]),
    configPaths: globsOf("config_paths", members["config_paths"]),
  };
}

/** For who does not read that much. */
export function tooLargeConfig(): CheckConfigError {
  return new CheckConfigError(`is larger than ${CHECK_CONFIG_BYTES_MAX} bytes`);
}

function parseObject(text: string): Record<string, unknown> {
  if (Buffer.byteLength(text) > CHECK_CONFIG_BYTES_MAX) throw tooLargeConfig();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CheckConfigError("is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CheckConfigError("must be a JSON object");
  }
  return { ...value };
}

function commandsOf(value: unknown): readonly string[] {
  const commands = stringsOf("check", value, COMMANDS_MAX);
  if (commands.length === 0)
    throw new CheckConfigError("check must name at least one command, or be left out");
  for (const command of commands) {
    if (command.trim() === "" || command.length > COMMAND_CHARS_MAX || command.includes("\0")) {
      throw new CheckConfigError(`check: a command is empty, or longer than ${COMMAND_CHARS_MAX} characters`);
    }
  }
  return commands;
}

function globsOf(member: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  const globs = stringsOf(member, value, GLOBS_MAX);
  for (const glob of globs) {
    const problem = globProblem(glob);
    if (problem !== undefined) throw new CheckConfigError(`${member}: ${JSON.stringify(glob)} ${problem}`);
  }
  return globs;
}

function stringsOf(member: string, value: unknown, max: number): readonly string[] {
  if (!Array.isArray(value) || value.length > max) {
    throw new CheckConfigError(`${member} must be a list of at most ${max} strings`);
  }
  return value.map((one: unknown) => {
    if (typeof one !== "string") throw new CheckConfigError(`${member} must be a list of strings`);
    return one;
  });
}

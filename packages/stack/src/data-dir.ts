// Where a stack keeps what it must not lose.

import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export type DataDir = {
  readonly root: string;
  readonly lock: string;
  /** Shared by the commands that use a stack of another process. */
  readonly users: string;
  /** Written when the stack is ready, removed when it stops. */
  readonly record: string;
  readonly keys: string;
  readonly postgres: string;
  readonly artifacts: string;
  /** One bundle per run. */
  readonly sessions: string;
  /** Of each run that was started here, what it needs to be resumed. */
  readonly runs: string;
  readonly providers: string;
  readonly logs: string;
};

/** A folder has one name here, also when it is reached through a link. */
export function dataDirAt(folder: string): DataDir {
  const root = existsSync(folder) ? realpathSync(folder) : resolve(folder);
  return {
    root,
    lock: join(root, "stack.lock"),
    users: join(root, "stack.users"),
    record: join(root, "stack.json"),
    keys: join(root, "keys"),
    postgres: join(root, "postgres"),
    artifacts: join(root, "artifacts"),
    sessions: join(root, "sessions"),
    runs: join(root, "runs"),
    providers: join(root, "providers"),
    logs: join(root, "logs"),
  };
}

/** The folder of this user: `OPENAGENTS_HOME`, else `~/.openagents`. */
export function homeFolder(env: Readonly<Record<string, string | undefined>>): string {
  const named = env["OPENAGENTS_HOME"];
  return named === undefined || named === "" ? join(homedir(), ".openagents") : resolve(named);
}

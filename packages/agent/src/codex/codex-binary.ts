// Which codex is used: the one that OPENAGENTS_CODEX names, else the pinned one
// in the user's folder, installed when it is not there. A codex that happens to
// be on PATH is not used: its protocol may be another version's.

import { access, constants } from "node:fs/promises";
import { AgentError } from "../agent.ts";
import { installCodex, type InstallRequest } from "./install-codex.ts";

/** An absolute path. Throws `AgentError` `codex_not_found` or `codex_install_failed`. */
export async function codexBinary(request: InstallRequest): Promise<string> {
  const named = request.env["OPENAGENTS_CODEX"];
  if (named === undefined) return installCodex(request);
  const usable =
    named.startsWith("/") &&
    (await access(named, constants.X_OK).then(
      () => true,
      () => false,
    ));
  if (usable) return named;
  throw new AgentError(
    "codex_not_found",
    `OPENAGENTS_CODEX must be the absolute path of a codex program; ${named} is none. Unset it to use the pinned one.`,
  );
}

// Carries out what a tool writes on a forge, once: what may have been sent is
// looked for, and never sent again.

import type { Effect, Intent, IntentHandler } from "@openagents/authority";
import { ForgeError } from "@openagents/autopilot";
import { Tools, methodsOf } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { getAutopilot } from "../autopilots/index.ts";
import { decideTool } from "./decide-tool.ts";
import { openForge, originOf, providerOf, type Connection, type ForgeAccess } from "./forge-access.ts";
import type { ForgeWrite } from "./forge-writes.ts";
import { findExecution, markExecutionEnded } from "./store.ts";
import { toolNamed } from "./tool.ts";

/** Longer than a forge takes over a request, so that what is not there by then never comes. */
const LOST_AFTER_MS = 120_000;

export function writeHandler(
  deps: ForgeAccess & { readonly db: Database; readonly nowMs: () => number },
  write: ForgeWrite,
): IntentHandler {
  const method = methodsOf(Tools).find(({ localName }) => localName === "executeTool");
  if (method === undefined) throw new Error("the contract has no executeTool");

  const connectionOf = (intent: Intent) =>
    deps.findConnection(deps.db, intent.tenant, providerOf(intent.payload));

  /** By the policy as it is now: who stops an autopilot stops what it has not sent yet. */
  async function judge({ subject }: Intent, connection: Connection) {
    const execution = await findExecution(deps.db, subject);
    if (execution === undefined) throw new Error(`there is no execution ${subject}`);
    const autopilot = await getAutopilot(deps.db, execution.autopilotId);
    const [pack = "", operation = ""] = execution.tool.split("/");
    return decideTool(autopilot, toolNamed(pack, operation), new URL(originOf(connection)).host);
  }

  return {
    kind: write.kind,
    method,
    async act(intent, signal) {
      const { payload } = intent;
      try {
        const connection = await connectionOf(intent);
        if (connection === undefined)
          return failed("integration_missing", "The forge is not connected any more.");
        const decision = await judge(intent, connection);
        if (decision.kind === "refused")
          return failed(decision.reason, "The autopilot's policy changed before it was sent.");
        const forge = await openForge(deps, connection, payload, signal);
        return { kind: "succeeded", facts: await write.send(forge, payload, markOf(intent)) };
      } catch (cause) {
        if (cause instanceof ForgeError && cause.failure === "rejected")
          return failed(cause.code, cause.message);
        throw cause;
      }
    },
    async ask(intent, signal) {
      const connection = await connectionOf(intent);
      if (connection === undefined)
        return { kind: "unknown", detail: "The forge is not connected any more." };
      const forge = await openForge(deps, connection, intent.payload, signal);
      const facts = await write.find(forge, intent.payload, markOf(intent));
      if (facts !== undefined) return { kind: "succeeded", facts };
      return deps.nowMs() - (intent.sentAtMs ?? 0) > LOST_AFTER_MS
        ? failed("not_made", "The forge has nothing of it: the request was lost.")
        : { kind: "unknown", detail: "It is not there yet." };
    },
    async conclude(_command, intent, effect) {
      const result =
        effect.kind === "succeeded" ? effect.facts : { code: effect.reason, detail: effect.detail };
      return { kind: "recorded", writes: [markExecutionEnded(intent.subject, effect.kind, result)] };
    },
  };
}

/** By this line what was written is found again. */
function markOf({ effectKey }: Intent): string {
  return `<!-- openagents ${effectKey} -->`;
}

function failed(reason: string, detail: string): Effect & { readonly kind: "failed" } {
  return { kind: "failed", reason, detail };
}

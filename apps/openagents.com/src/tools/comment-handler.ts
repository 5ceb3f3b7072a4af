// Puts a comment on a forge, once: it carries a mark by which it is found again.

import type { Effect, Intent, IntentHandler } from "@openagents/authority";
import { ForgeError } from "@openagents/autopilot";
import { Tools, methodsOf } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { openForge, providerOf, type ForgeAccess } from "./forge-access.ts";
import { markExecutionEnded } from "./store.ts";

export const FORGE_COMMENT = "forge.comment";

/** Longer than a forge takes over a request, so that what is not there by then never comes. */
const LOST_AFTER_MS = 120_000;

export function commentHandler(
  deps: ForgeAccess & { readonly db: Database; readonly nowMs: () => number },
): IntentHandler {
  const method = methodsOf(Tools).find(({ localName }) => localName === "executeTool");
  if (method === undefined) throw new Error("the contract has no executeTool");

  async function open(intent: Intent, signal: AbortSignal) {
    const connection = await deps.findConnection(deps.db, intent.tenant, providerOf(intent.payload));
    return connection === undefined ? undefined : openForge(deps, connection, intent.payload, signal);
  }

  return {
    kind: FORGE_COMMENT,
    method,
    async act(intent, signal) {
      const forge = await open(intent, signal);
      if (forge === undefined) return failed("integration_missing", "The forge is not connected any more.");
      const { issue_number: issue, body } = intent.payload;
      try {
        const text = `${typeof body === "string" ? body : ""}\n\n${markOf(intent)}`;
        const { url } = await forge.createComment(Number(issue), text);
        return { kind: "succeeded", facts: { url } };
      } catch (cause) {
        if (cause instanceof ForgeError && cause.failure === "rejected")
          return failed(cause.code, cause.message);
        throw cause;
      }
    },
    async ask(intent, signal) {
      const forge = await open(intent, signal);
      if (forge === undefined) return { kind: "unknown", detail: "The forge is not connected any more." };
      const found = await forge.findComment(Number(intent.payload["issue_number"]), markOf(intent));
      if (found !== undefined) return { kind: "succeeded", facts: { url: found.url } };
      return deps.nowMs() - (intent.sentAtMs ?? 0) > LOST_AFTER_MS
        ? failed("not_made", "The forge has no such comment: the request was lost.")
        : { kind: "unknown", detail: "It is not there yet." };
    },
    async conclude(_command, intent, effect) {
      const result =
        effect.kind === "succeeded" ? effect.facts : { code: effect.reason, detail: effect.detail };
      return { kind: "recorded", writes: [markExecutionEnded(intent.subject, effect.kind, result)] };
    },
  };
}

function markOf({ effectKey }: Intent): string {
  return `<!-- openagents ${effectKey} -->`;
}

function failed(reason: string, detail: string): Effect & { readonly kind: "failed" } {
  return { kind: "failed", reason, detail };
}

// One turn: the agent works on a message in the thread's own workspace, and what
// it says is told as it says it.
//
// TURN-1  A turn that has an answer on disk is not done again; the answer is sent again.
// TURN-2  A turn that was broken off goes on where the agent was, and says nothing twice that was told.
// TURN-3  Whoever stops the device answers nothing: the next process goes on.
// Held by apps/openagents.com/tests/device-run.pg.test.ts.

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, type Agent } from "@openagents/agent";
import type { CodexWorkerCall, CodexWorkerError, JsonObject } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { reading } from "../clients.ts";
import { makeWorkspace, openWorkspace, type BaseFacts } from "../workspace/index.ts";
import { writeDurably } from "../write-durably.ts";
import { askPerson } from "./ask-person.ts";
import { conversation } from "./conversation.ts";
import type { DeviceDeps } from "./deps.ts";
import { nothingYet } from "./nothing-yet.ts";
import { openOutbox, type Outbox, type TurnTold } from "./outbox.ts";
import { saysTheSame, toldOf } from "./told.ts";

export type TurnAnswer = { readonly response: JsonObject } | { readonly error: CodexWorkerError };

/** A person asked for the end of a turn. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * Do a turn, or what is left of it, and answer it. `stop` ends the process: it
 * rejects with its reason and the turn stays open. `interrupt` ends the turn.
 */
export async function doTurn(
  deps: DeviceDeps,
  call: CodexWorkerCall,
  stop: AbortSignal,
  interrupt: AbortSignal,
): Promise<TurnAnswer> {
  const folder = join(deps.dataDir, "requests", call.requestId);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const outbox = await openOutbox(folder);
  const answerFile = join(folder, "answer.json");
  const kept = await readAnswer(answerFile);
  const answer = kept ?? (await work(deps, call, folder, outbox, stop, interrupt));
  if (kept === undefined) await writeDurably(answerFile, JSON.stringify(answer));
  await reading(() => outbox.flush(senderOf(deps, call, stop)), stop, deps.pause);
  return answer;
}

async function work(
  deps: DeviceDeps,
  call: CodexWorkerCall,
  folder: string,
  outbox: Outbox,
  stop: AbortSignal,
  interrupt: AbortSignal,
): Promise<TurnAnswer> {
  const signal = AbortSignal.any([stop, interrupt]);
  const sending = new AbortController();
  const send = senderOf(deps, call, AbortSignal.any([stop, sending.signal]));
  let repeats = outbox.last;
  const tell = async (event: TurnTold) => {
    // A killed process may have told this and not noted that it had.
    const repeated = repeats !== undefined && saysTheSame(repeats, event);
    repeats = undefined;
    if (repeated) return;
    await outbox.append(event);
    // What cannot be sent now is sent with the next, or at the end.
    outbox.flush(send).catch(() => undefined);
  };
  try {
    // It may lack a login today and have one tomorrow; the device does other things meanwhile.
    deps.agent.assertReady();
    if (outbox.count === 0)
      await tell({ eventType: "worker.turn_started", payload: { agent: deps.agent.name } });
    const workspace = await openThreadWorkspace(deps, call.threadId ?? call.requestId, signal);
    const outcome = await deps.agent.run({
      workspace,
      issue: await conversation(deps, call, signal),
      attempt: 1,
      stateDir: join(folder, "agent"),
      signal,
      approve: askPerson(deps, call, signal),
      async onEvent(event) {
        const told = toldOf(event, outbox.count);
        if (told !== undefined) await tell(told);
      },
    });
    if (outcome.kind === "gave_up") return failed(outcome.reason, true);
    const closing: TurnTold = {
      eventType: "worker.turn_delta",
      itemId: `e${outbox.count}`,
      text: outcome.summary,
      payload: {},
    };
    if (outbox.last === undefined || !saysTheSame(outbox.last, closing)) await tell(closing);
    return { response: { outcome: "finished", summary: outcome.summary, ...agentFacts(deps.agent) } };
  } catch (cause) {
    stop.throwIfAborted();
    if (interrupt.aborted)
      return { error: { code: "conflict", message: "The turn was interrupted.", retryable: false } };
    if (cause instanceof AgentError || cause instanceof AutopilotError) return failed(cause.message, false);
    throw cause;
  } finally {
    sending.abort();
  }
}

function failed(message: string, retryable: boolean): TurnAnswer {
  return { error: { code: "internal_error", message: message.slice(0, 2_000), retryable } };
}

function agentFacts({ name, kind }: Agent): JsonObject {
  return { agent: name, agent_kind: kind };
}

/** A turn's events belong to its request, and so do their keys. */
function senderOf({ clients, workerId }: DeviceDeps, { requestId }: CodexWorkerCall, signal: AbortSignal) {
  return async (events: readonly TurnTold[], key: string) => {
    await clients.workers.appendCodexWorkerEvents(
      { workerId, events: events.map((event) => ({ ...event, requestId })) },
      { idempotencyKey: `${requestId}:${key}`, signal },
    );
  };
}

/** The thread's folder, which its turns share, so that the agent finds what it did before. */
async function openThreadWorkspace(deps: DeviceDeps, threadId: string, signal: AbortSignal) {
  const folder = join(deps.dataDir, "threads", threadId);
  const factsFile = join(folder, "base.json");
  const files = join(folder, "workspace");
  const known = await readFile(factsFile, "utf8").catch(() => undefined);
  if (known !== undefined) return openWorkspace(files, JSON.parse(known) as BaseFacts, signal);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const facts = await makeWorkspace(deps.source ?? (await nothingYet(deps.dataDir)), files, signal);
  await writeDurably(factsFile, JSON.stringify(facts));
  return openWorkspace(files, facts, signal);
}

async function readAnswer(file: string): Promise<TurnAnswer | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as TurnAnswer);
}

// One attempt's work: the agent's turn, and the patch that it leaves.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentEvent } from "@openagents/agent";
import { PatchError, classifyPatch, patchFiles, type CheckConfig } from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import { reading } from "../clients.ts";
import type { Workspace } from "../workspace/index.ts";
import { writeDurably } from "../write-durably.ts";
import type { Prepared } from "./prepare.ts";
import { patchFile, sha256Of } from "./run-files.ts";
import type { Session } from "./session.ts";

type AgentsPart = Pick<Prepared, "workspace" | "dependencies">;

/**
 * Let the agent work, unless it did already in this attempt. Throws
 * `agent_gave_up`, and what the agent throws.
 */
export async function letAgentWork(session: Session, prepared: AgentsPart): Promise<void> {
  const { journal, steps } = session;
  const attempt = journal.current.attempts.length;
  const done = journal.current.attempts.at(-1)?.agent;
  if (done === undefined) {
    await steps.step(
      "agent",
      (say) => takeTurn(session, prepared, attempt, say),
      (summary) => (attempt === 1 ? summary : `attempt ${attempt}: ${summary}`),
    );
  }
  const outcome = journal.current.attempts.at(-1)?.agent;
  if (outcome?.kind === "gave_up")
    throw new AutopilotError("agent_gave_up", `The agent gave up: ${outcome.text}`);
}

async function takeTurn(
  session: Session,
  { workspace, dependencies }: AgentsPart,
  attempt: number,
  say: (detail: string) => void,
): Promise<string> {
  const { deps, journal, log, signal } = session;
  const { issue, agent: spec } = journal.current.request;
  const feedback = journal.current.attempts.at(-2)?.feedback;
  const { readable, writable, env } = dependencies;
  const outcome = await deps.agentOf(spec).run({
    workspace,
    readable,
    writable,
    env,
    issue: { title: issue.title, body: issue.body },
    ...(feedback === undefined ? {} : { feedback }),
    attempt,
    stateDir: join(session.folder, "agent"),
    signal,
    async onEvent(event) {
      say(wordsOf(event));
      deps.onAgentEvent?.(event);
      await log.appendAgentEvent(event, attempt, signal);
    },
    ...(deps.approve === undefined ? {} : { approve: deps.approve }),
  });
  signal.throwIfAborted();
  const agent = {
    kind: outcome.kind,
    text: outcome.kind === "finished" ? outcome.summary : outcome.reason,
  };
  await journal.saveAttempt({ agent });
  return agent.text;
}

function wordsOf(event: AgentEvent): string {
  switch (event.type) {
    case "message":
      return event.text;
    case "tool_call":
      return event.summary;
    case "command":
      return event.exitCode === undefined ? event.command : `${event.command} exits ${event.exitCode}`;
    case "file_change":
      return `${event.change} ${event.path}`;
    case "approval":
      return `${event.decision === "accept" ? "accepted" : "declined"}: ${event.what}`;
    case "usage":
      return `${event.inputTokens + event.outputTokens} tokens`;
  }
}

/**
 * The attempt's patch, kept beside the journal. Throws `patch_empty`,
 * `patch_unchanged`, `PatchError` and `patch_too_large`, which the agent can mend, and
 * `patch_contains_secret`, which ends the run.
 */
export async function takePatch(
  session: Session,
  { workspace, checkPaths }: Pick<Prepared, "workspace" | "checkPaths">,
  config: CheckConfig | undefined,
): Promise<Buffer> {
  const { folder, journal, steps } = session;
  const { attempts } = journal.current;
  const file = patchFile(folder, attempts.length);
  const sha256 = attempts.at(-1)?.patchSha256;
  if (sha256 !== undefined) {
    const kept = await readPatch(file, sha256);
    if (attempts.at(-1)?.patchTold !== true && !(await isPatchTold(session))) await tellPatch(session, kept);
    return kept;
  }
  const patch = await steps.step(
    "patch",
    async () => {
      const made = await workspace.diff();
      await refuseSecrets(session, workspace, made);
      const before = attempts.at(-2)?.patchSha256;
      if (made.length === 0)
        throw new AutopilotError("patch_empty", "The agent changed nothing, so there is nothing to check.");
      if (before === sha256Of(made))
        throw new AutopilotError(
          "patch_unchanged",
          "The agent left the patch as it was, so the check would say the same.",
        );
      describePatch(made, config, checkPaths);
      return made;
    },
    (made) => describePatch(made, config, checkPaths),
  );
  await writeDurably(file, patch);
  await journal.saveAttempt({ patchSha256: sha256Of(patch) });
  await tellPatch(session, patch);
  return patch;
}

const PATCH_MADE = "patch.made";
const EVENTS_PER_PAGE = 500;

async function tellPatch({ journal, log, signal }: Session, patch: Buffer): Promise<void> {
  const facts = { attempt: journal.current.attempts.length, sha256: sha256Of(patch), bytes: patch.length };
  await log.append(PATCH_MADE, facts, signal);
  await journal.saveAttempt({ patchTold: true });
}

/** Whether the log has it, when the process that was to write it was killed. */
async function isPatchTold({ clients, journal, pause, runId, signal }: Session): Promise<boolean> {
  const attempt = journal.current.attempts.length;
  for (let afterSeq = 0n; ;) {
    const request = { runId, afterSeq, limit: EVENTS_PER_PAGE };
    const page = await reading(() => clients.runs.listRunEvents(request, { signal }), signal, pause);
    if (page.events.some((event) => event.eventType === PATCH_MADE && event.payload["attempt"] === attempt))
      return true;
    const last = page.events.at(-1);
    if (last === undefined || last.seq >= page.latestSeq) return false;
    afterSeq = last.seq;
  }
}

async function readPatch(file: string, sha256: string): Promise<Buffer> {
  const patch = await readFile(file);
  if (sha256Of(patch) === sha256) return patch;
  throw new AutopilotError("patch_changed", `${file} is not the patch that the run made. Cancel the run.`);
}

function describePatch(
  patch: Buffer,
  config: CheckConfig | undefined,
  checkPaths: readonly string[],
): string {
  const files = patchFiles(patch.toString("utf8"));
  const { testPaths, checkConfigPaths } = classifyPatch(files, config, checkPaths);
  const notes = [`${files.length} ${files.length === 1 ? "file" : "files"}`];
  if (testPaths.length > 0) notes.push(`${testPaths.length} of them tests`);
  if (checkConfigPaths.length > 0) notes.push(`${checkConfigPaths.length} deciding how the check runs`);
  return notes.join(", ");
}

/** A patch goes to strangers. Files are looked at too, since a patch packs binary ones. */
async function refuseSecrets({ secrets }: Session, workspace: Workspace, patch: Buffer): Promise<void> {
  if (secrets.length === 0 || patch.length === 0) return;
  const contents = [patch];
  for (const { path, status } of readableFiles(patch)) {
    if (status === "deleted") continue;
    // A link's target is in the patch's own text.
    contents.push(await readFile(join(workspace.dir, path)).catch(() => Buffer.alloc(0)));
  }
  if (!contents.some((bytes) => secrets.some((secret) => bytes.includes(secret)))) return;
  throw new AutopilotError(
    "patch_contains_secret",
    "The patch contains a secret value of this environment, so it goes nowhere. Look at the workspace, and change that secret.",
  );
}

/** A patch that cannot be read is refused for that soon after. */
function readableFiles(patch: Buffer): ReturnType<typeof patchFiles> {
  try {
    return patchFiles(patch.toString("utf8"));
  } catch (cause) {
    if (cause instanceof PatchError) return [];
    throw cause;
  }
}

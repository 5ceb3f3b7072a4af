// What an agent is told about an attempt that did not do: the end of what the
// failing command printed, or the rule that decided. Bounded, and redacted by
// the caller's redactor, since the check may print whatever it finds.

import type { CommandResult, Job, VerificationResult } from "@openagents/contracts";
import { reading } from "../clients.ts";
import type { Session } from "./session.ts";

const OUTPUT_CHARS_MAX = 6_000;

/** Words for the next attempt, from the order's job and verdict. */
export async function feedbackOn(
  session: Session,
  jobId: string,
  verification: VerificationResult,
): Promise<string> {
  const { clients, pause, signal, redact } = session;
  const { job } = await reading(() => clients.jobs.getJob({ jobId }, { signal }), signal, pause);
  const failing = verification.verdict === "failed" ? failingCommand(job) : undefined;
  if (failing === undefined) return redact(reasonOf(verification, job));
  const { command, leg } = failing;
  const where = leg === "guard" ? "with the tests and the configuration of before" : "with your change";
  const parts = [
    `The check \`${command.command}\` failed ${where}: ${endingOf(command)}.`,
    ...(await printed(session, "standard output", command.stdoutSha256)),
    ...(await printed(session, "standard error", command.stderrSha256)),
  ];
  return redact(parts.join("\n\n"));
}

function failingCommand(job: Job): { command: CommandResult; leg: string } | undefined {
  for (const leg of ["patched", "guard"] as const) {
    const commands = job.result?.legs.find((result) => result.leg === leg)?.commands ?? [];
    const command = commands.find(({ exitCode }) => exitCode !== 0);
    if (command !== undefined) return { command, leg };
  }
  return undefined;
}

function endingOf({ exitCode, signal, limit }: CommandResult): string {
  const how = exitCode === undefined ? `it was ended by ${signal ?? "a signal"}` : `it exits ${exitCode}`;
  return limit === undefined ? how : `${how}, at the limit of ${limit}`;
}

function reasonOf({ verdict, because }: VerificationResult, { failure }: Job): string {
  if (failure !== undefined) return `The check could not be run (${failure.code}): ${failure.detail}`;
  const advice =
    verdict === "passed_only"
      ? " The check passes without your change too, so it shows nothing. Add a test that fails without it."
      : "";
  return `The verdict on your change is ${verdict.replaceAll("_", " ")}: ${because}.${advice}`;
}

async function printed({ clients, pause, signal }: Session, name: string, sha256: string): Promise<string[]> {
  const { data } = await reading(() => clients.artifacts.getArtifact({ sha256 }, { signal }), signal, pause);
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8").trim();
  if (text === "") return [];
  const cut = text.length > OUTPUT_CHARS_MAX;
  return [`The end of its ${name}:\n${cut ? `…${text.slice(-OUTPUT_CHARS_MAX).toWellFormed()}` : text}`];
}

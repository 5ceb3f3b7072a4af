// PR_SUMMARY.md: what a reviewer reads first. Pure, and made only of what the
// run's receipts and patch say. The word "verified" is kept for results that
// someone other than the paid provider reproduced; the others are "reported".

import type { PatchFile } from "@openagents/proof";
import type { JsonObject } from "@openagents/receipts";
import { numberOf, objectOf, objectsOf, textOf } from "./json-view.ts";

export type SummaryFacts = {
  readonly runId: string;
  readonly status: string;
  readonly issue: { readonly title: string; readonly body: string };
  readonly agentName: string;
  readonly files: readonly PatchFile[];
  readonly checks: readonly string[];
  /** The run's verification receipt. */
  readonly verification: JsonObject | undefined;
  /** The run's payment receipt. */
  readonly payment: JsonObject | undefined;
  /** Why the run did not succeed. */
  readonly problem: string | undefined;
};

const BODY_CHARS_MAX = 2_000;
const FILES_SHOWN_MAX = 100;

export function renderSummary(facts: SummaryFacts): string {
  const sections = [
    `# ${oneLine(facts.issue.title)}`,
    headline(facts),
    ...(facts.issue.body === "" ? [] : [`## Issue\n\n${quoted(facts.issue.body)}`]),
    `## Change\n\n${changes(facts)}`,
    `## Check\n\n${check(facts)}`,
    `## Cost\n\n${cost(facts.payment)}`,
    `## Check it yourself\n\n${HOW_TO_VERIFY}`,
    ...(facts.files.length === 0 ? [] : [HOW_TO_APPLY]),
  ];
  return `${sections.join("\n\n")}\n`;
}

const HOW_TO_VERIFY = `\`openagents verify .\` in this folder checks, without a server, every hash and signature here, that payment,
verification, job, quote and patch belong together, that the patch applies to the base, and that the verdict
follows from the results. It runs no command of the check again.`;

const HOW_TO_APPLY = "`git clone base.bundle` gives the base; `git apply` takes `patch.diff` on it.";

function headline({ runId, status, problem, verification }: SummaryFacts): string {
  const verdict =
    verification === undefined ? "none" : `**${textOf(verification, "verdict")}**, ${whose(verification)}`;
  const lines = [`Run \`${runId}\` ${status}. Verdict: ${verdict}.`];
  if (problem !== undefined) lines.push(`It did not succeed: ${oneLine(problem)}`);
  return lines.join("\n\n");
}

/** Who says so: the provider that was paid for it, or someone independent of it. */
function whose(verification: JsonObject): string {
  const provider = textOf(verification, "provider_worker_id");
  switch (textOf(verification, "assurance")) {
    case "self":
      return "verified on the buyer's own device";
    case "independent":
      return "verified by a second provider";
    default:
      return `reported by provider \`${provider}\`, reproduced by nobody else yet`;
  }
}

function changes({ agentName, files }: SummaryFacts): string {
  if (files.length === 0) return "No change was made.";
  const lines = files.slice(0, FILES_SHOWN_MAX).map((file) => `- ${file.status} ${code(file.path)}`);
  if (files.length > FILES_SHOWN_MAX) lines.push(`- and ${files.length - FILES_SHOWN_MAX} more`);
  return `By the agent "${oneLine(agentName)}":\n\n${lines.join("\n")}`;
}

function check({ checks, verification }: SummaryFacts): string {
  const commands = checks.map((command) => `- ${code(command)}`).join("\n");
  if (verification === undefined) return `${commands}\n\nThe check was not run.`;
  const verdict = textOf(verification, "verdict");
  const because = textOf(verification, "because");
  const proof = textOf(verification, "proof").replaceAll("_", " ");
  const conclusion = `**${verdict}** (${proof}): ${oneLine(because)}. It is ${whose(verification)}.`;
  const failure = textOf(verification, "failure_code");
  if (failure !== "") return `${commands}\n\nThe provider could not run it: \`${failure}\`.\n\n${conclusion}`;
  const rows = objectsOf(objectOf(verification, "result"), "legs").flatMap(legRows);
  const table = ["| Leg | Tree | Command | Result |", "|---|---|---|---|", ...rows].join("\n");
  return `${table}\n\n${conclusion}\n\nThe base leg is the base with the patch's test files; it must fail. The patched leg must pass.`;
}

function legRows(leg: JsonObject): string[] {
  const tree = textOf(leg, "tree").slice(0, 12);
  return objectsOf(leg, "commands").map(
    (command) =>
      `| ${textOf(leg, "leg")} | \`${tree}\` | ${cell(textOf(command, "command"))} | ${ending(command)} |`,
  );
}

function ending(command: JsonObject): string {
  const exitCode = numberOf(command, "exit_code");
  const limit = textOf(command, "limit");
  const how = exitCode === undefined ? `ended by ${textOf(command, "signal")}` : `exit ${exitCode}`;
  return limit === "" ? how : `${how} (limit: ${limit})`;
}

function cost(payment: JsonObject | undefined): string {
  if (payment === undefined) return "Nothing was credited to anyone.";
  const provider = code(textOf(payment, "provider_worker_id"));
  if (textOf(payment, "status") !== "released") {
    return `Nothing was credited: the money for ${provider} was withheld (${textOf(payment, "withheld_reason")}) and given back.`;
  }
  const amount = numberOf(payment, "amount_msats") ?? 0;
  const fee = numberOf(payment, "operator_fee_msats") ?? 0;
  return `${amount} msats were credited to ${provider}, and ${fee} msats to the operator as its fee.`;
}

/** Text of strangers: it may not end the code span, start a new line, or open a cell. */
function code(text: string): string {
  return `\`${oneLine(text).replaceAll("`", "'")}\``;
}

function cell(text: string): string {
  return code(text).replaceAll("|", "\\|");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function quoted(text: string): string {
  const cut = text.length <= BODY_CHARS_MAX ? text : `${text.slice(0, BODY_CHARS_MAX).toWellFormed()}…`;
  return cut
    .split(/\r?\n/)
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
}

// PR_SUMMARY.md: what a reviewer reads first. Pure, and made only of what the
// run's receipts, reports and patch say. The word "verified" is kept for results
// that someone other than the paid provider reproduced; others are "reported".

import type { PatchFile, TestReport } from "@openagents/proof";
import { testRunnerValues } from "@openagents/contracts";
import type { JsonObject } from "@openagents/receipts";
import { numberOf, objectOf, objectsOf, textOf, textsOf } from "./json-view.ts";
import { cell, code, outputBlock, plain, quoted } from "./markdown.ts";
import { reportOf, type ReadBytes } from "./reported-legs.ts";
import { ENDED_UNSEEN, type Attempt } from "./story.ts";

export type SummaryFacts = {
  readonly runId: string;
  readonly status: string;
  readonly issue: { readonly title: string; readonly body: string };
  readonly agentName: string;
  /** Of the patch that the bundle holds. */
  readonly files: readonly PatchFile[];
  readonly checks: readonly string[];
  readonly attempts: readonly Attempt[];
  /** Set aside still when this was written. */
  readonly openMsats: number;
  /** Layers that the bundle does not hold, by hash. */
  readonly layersLeft: readonly string[];
  /** What the bundle holds by this hash. */
  readonly readBytes: ReadBytes;
  /** Why the run did not succeed. */
  readonly problem: string | undefined;
};

const FILES_SHOWN_MAX = 100;
const TESTS_SHOWN_MAX = 20;

export function renderSummary(facts: SummaryFacts): string {
  const last = facts.attempts.at(-1);
  const sections = [
    `# ${plain(facts.issue.title)}`,
    headline(facts, last),
    ...review(last),
    ...(facts.issue.body === "" ? [] : [`## Issue\n\n${quoted(facts.issue.body)}`]),
    `## Change\n\n${changes(facts)}`,
    `## Check\n\n${check(facts, last)}`,
    ...earlier(facts.attempts),
    `## Cost\n\n${cost(facts)}`,
    `## Check it yourself\n\n${howToVerify(facts)}`,
    ...(facts.files.length === 0 ? [] : [HOW_TO_APPLY]),
  ];
  return `${sections.join("\n\n")}\n`;
}

function howToVerify({ layersLeft }: SummaryFacts): string {
  const left =
    layersLeft.length === 0
      ? ""
      : `\n\nNot in this folder, so that \`--rerun\` cannot run the check here: layers ${layersLeft.map(code).join(", ")}.`;
  return `\`openagents verify .\` in this folder checks, without a server, every hash and signature here, that payment,
verification, job, quote and patch belong together, that the patch applies to the base, and that the verdict
follows from the stored results. \`openagents verify . --rerun\` also runs every leg again in a sandbox on this
machine, and compares how they end.${left}`;
}

const HOW_TO_APPLY = "`git clone base.bundle` gives the base; `git apply` takes `patch.diff` on it.";

function headline({ runId, status, problem }: SummaryFacts, last: Attempt | undefined): string {
  const verification = last?.verification;
  const verdict =
    verification === undefined
      ? "none"
      : `**${textOf(verification, "verdict").replaceAll("_", " ")}**, ${whose(verification)}`;
  const lines = [`Run ${code(runId)} ${status}. Verdict: ${verdict}.`];
  if (problem !== undefined) lines.push(`It did not succeed: ${plain(problem)}`);
  return lines.join("\n\n");
}

/** Who says so: the provider that was paid for it, or someone besides it. */
function whose(verification: JsonObject): string {
  const first = code(textOf(verification, "provider_worker_id"));
  const second = code(textOf(verification, "second_worker_id"));
  if (verification["disagreement"] === true)
    return `reported by provider ${first} and contradicted by ${second}`;
  switch (textOf(verification, "assurance")) {
    case "self":
      return `verified: reported by provider ${first} and reproduced on the buyer's own device ${second}`;
    case "independent":
      return `verified: reported by provider ${first} and reproduced by ${second} of another owner`;
    default:
      return `reported by provider ${first}, reproduced by nobody else`;
  }
}

function review(last: Attempt | undefined): string[] {
  const verification = last?.verification;
  if (verification === undefined || textOf(verification, "verdict") !== "needs_review") return [];
  const paths = textsOf(verification, "review_paths");
  const files = listed(paths.map(code), FILES_SHOWN_MAX);
  return [
    `## For you to look at\n\nThe check passes, and these files decide whether it passes:\n\n${files}\n\n${decided(last?.review)}`,
  ];
}

function decided(said: JsonObject | undefined): string {
  if (said === undefined) return "Nobody has decided yet.";
  const [decision, note] = [textOf(said, "decision"), textOf(said, "note")];
  if (decision === "rejected" && note === ENDED_UNSEEN)
    return "It was rejected when the run was ended, before a person looked at it.";
  return `A person ${decision} it${note === "" ? "." : `: ${plain(note)}`}`;
}

function changes({ agentName, files }: SummaryFacts): string {
  if (files.length === 0) return "No change was made.";
  const lines = files.map((file) => {
    const from = file.oldPath === undefined ? "" : ` from ${code(file.oldPath)}`;
    return `${file.status}${from === "" ? "" : from + " to"} ${code(file.path)}`;
  });
  return `By the agent ${code(agentName)}:\n\n${listed(lines, FILES_SHOWN_MAX)}`;
}

function check(facts: SummaryFacts, last: Attempt | undefined): string {
  const commands = facts.checks.map((command) => `- ${code(command)}`).join("\n");
  const verification = last?.verification;
  if (last === undefined || verification === undefined) return `${commands}\n\nThe check has no verdict.`;
  const conclusion = concluded(verification);
  const failure = textOf(verification, "failure_code");
  if (failure !== "")
    return `${commands}\n\nThe provider could not run it: ${code(failure)}.\n\n${conclusion}`;
  const legs = objectsOf(objectOf(verification, "result"), "legs");
  const table = ["| Leg | Tree | Command | Result |", "|---|---|---|---|", ...legs.flatMap(legRows)].join(
    "\n",
  );
  const printed = textOf(verification, "verdict") === "failed" ? failingOutput(facts, legs) : [];
  const paragraphs = [table, conclusion, ...tests(facts, last, verification), ...printed, legend(legs)];
  return paragraphs.join("\n\n");
}

/** The end of what the command printed that decided against the patch. */
function failingOutput({ readBytes }: SummaryFacts, legs: readonly JsonObject[]): string[] {
  for (const leg of legs.filter((each) => textOf(each, "leg") !== "base")) {
    const command = objectsOf(leg, "commands").find((each) => numberOf(each, "exit_code") !== 0);
    if (command === undefined) continue;
    return (["stdout", "stderr"] as const).flatMap((stream) => {
      const printed =
        readBytes(textOf(command, `${stream}_sha256`))
          ?.toString("utf8")
          .trim() ?? "";
      if (printed === "") return [];
      return [
        `The end of what ${code(textOf(command, "command"))} wrote to ${stream} in the ${textOf(leg, "leg")} leg:`,
        outputBlock(printed),
      ];
    });
  }
  return [];
}

function concluded(verification: JsonObject): string {
  const verdict = textOf(verification, "verdict").replaceAll("_", " ");
  const proof = textOf(verification, "proof").replaceAll("_", " ");
  return `**${verdict}** (${proof}): ${plain(textOf(verification, "because"))}. It is ${whose(verification)}.`;
}

function legend(legs: readonly JsonObject[]): string {
  const guard = legs.some((leg) => textOf(leg, "leg") === "guard")
    ? "The guard leg is the patched one with the tests, scripts and configuration that were there before put back; it must pass."
    : "There is no guard leg: putting back the tests, scripts and configuration that were there before changes nothing.";
  return `The base leg is the base with the patch's test files; it must fail. The patched leg must pass. ${guard}`;
}

function tests(facts: SummaryFacts, { dispatch }: Attempt, verification: JsonObject): string[] {
  if (textOf(verification, "proof") !== "by_tests") return [];
  const said = textOf(objectOf(dispatch, "spec"), "test_runner");
  const testRunner = testRunnerValues.find((runner) => runner === said);
  const result = objectOf(verification, "result");
  const read = (leg: string) => reportOf(result, leg, { testRunner }, facts.readBytes);
  const fixed = fixedTests(read("base"), read("patched"));
  const counts = `Tests fixed: ${numberOf(verification, "tests_fixed") ?? "not counted"}. Tests that passed before and still do: ${numberOf(verification, "tests_kept") ?? "not counted"}.`;
  return fixed.length === 0 ? [counts] : [counts, listed(fixed.map(code), TESTS_SHOWN_MAX)];
}

/** Tests that pass with the patch and did not pass on the base. */
function fixedTests(base: TestReport | undefined, patched: TestReport | undefined): readonly string[] {
  const passing = [...(patched?.tests ?? [])].filter(([, outcome]) => outcome === "passed");
  return passing
    .map(([name]) => name)
    .filter((name) => base?.tests.get(name) !== "passed" && base?.tests.get(name) !== "skipped");
}

function legRows(leg: JsonObject): string[] {
  const tree = textOf(leg, "tree").slice(0, 12);
  return objectsOf(leg, "commands").map(
    (command) =>
      `| ${cell(textOf(leg, "leg"))} | ${cell(tree)} | ${cell(textOf(command, "command"))} | ${ending(command)} |`,
  );
}

function ending(command: JsonObject): string {
  const exitCode = numberOf(command, "exit_code");
  const limit = textOf(command, "limit");
  const how = exitCode === undefined ? `ended by ${textOf(command, "signal")}` : `exit ${exitCode}`;
  return limit === "" ? how : `${how} (limit: ${limit})`;
}

function earlier(attempts: readonly Attempt[]): string[] {
  if (attempts.length < 2) return [];
  const lines = attempts.slice(0, -1).map(({ dispatch, verification }, index) => {
    const patch = textOf(objectOf(dispatch, "spec"), "patch_sha256");
    const how =
      verification === undefined
        ? "no verdict"
        : `${textOf(verification, "verdict").replaceAll("_", " ")}: ${plain(textOf(verification, "because"))}`;
    return `${index + 1}. ${how} (patch ${code(patch.slice(0, 12))})`;
  });
  return [`## Attempts before this one\n\n${lines.join("\n")}`];
}

function cost({ attempts, openMsats }: SummaryFacts): string {
  const paid = attempts.flatMap(({ payment }) => (payment === undefined ? [] : [payment]));
  const rest =
    openMsats === 0
      ? "what was reserved beyond that was given back"
      : `${openMsats} msats are set aside still, until the provider has ended its work and the run is closed`;
  if (paid.length === 0)
    return openMsats === 0 ? "Nothing was credited to anyone." : `Nothing was credited to anyone; ${rest}.`;
  const rows = paid.map((payment, index) => {
    const second = textOf(payment, "second_opinion_worker_id");
    const reason = textOf(payment, "withheld_reason");
    const first = `${numberOf(payment, "amount_msats") ?? 0}${reason === "" ? "" : ` (withheld: ${cell(reason)})`}`;
    const other = `${numberOf(payment, "second_opinion_msats") ?? 0}${second === "" ? "" : ` to ${cell(second)}`}`;
    const provider = cell(textOf(payment, "provider_worker_id"));
    return `| ${index + 1} | ${first} to ${provider} | ${other} | ${numberOf(payment, "operator_fee_msats") ?? 0} |`;
  });
  const sum = (name: string) => paid.reduce((total, payment) => total + (numberOf(payment, name) ?? 0), 0);
  const total = sum("amount_msats") + sum("second_opinion_msats") + sum("operator_fee_msats");
  const table = [
    "| Job | Provider, msats | Second run, msats | Operator, msats |",
    "|---|---|---|---|",
    ...rows,
  ];
  return `${table.join("\n")}\n\nIn all ${total} msats; ${rest}.`;
}

function listed(lines: readonly string[], shownMax: number): string {
  const shown = lines.slice(0, shownMax).map((line) => `- ${line}`);
  if (lines.length > shownMax) shown.push(`- and ${lines.length - shownMax} more`);
  return shown.join("\n");
}

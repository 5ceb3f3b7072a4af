// `openagents index`: a git tree's index, bought, confirmed and kept as a file.

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { BoughtIndex, IndexRequest } from "@openagents/autopilot";
import { Command, Option } from "commander";
import { parsePortBase } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { addDataDirOption, dataDirOf, setBody, type Context, type DataDirOption } from "../context.ts";
import { clientOf, openCredit, openPlace, openProviders, stopPlace, waitForUsers } from "../place/index.ts";
import { asUsage, parseBudget, showRun } from "../runs/index.ts";
import { catchStopSignals } from "../stop-signals.ts";
import { formatSats, renderPairs, showSteps, type StepList } from "../terminal/index.ts";

type IndexOptions = DataDirOption &
  Partial<Pick<IndexRequest, "market" | "policy" | "repo" | "secondOpinion">> & {
    readonly budget?: bigint;
    readonly out?: string;
    readonly portBase?: number;
  };

const BUDGET_MSATS = 1_000_000n;

const HELP = `
Has a provider list the tree of your HEAD: path, mode, size, sha256, language and lines
of each file, sorted, with totals, as canonical JSON. The verifier computes the tree's id
from the listed paths, modes and blob ids; somebody else makes the index again, and what
the files hold counts as confirmed when both are the same bytes. Nothing of the tree is
run. What you did not commit is not part of it; a folder without .git is taken as it is.

With --json, progress goes to standard error, and standard output is one line: ids, tree,
file, index_sha256, files, bytes, lines, verdict, assurance, spent_msats.

Examples:
  openagents index
  openagents index --repo ../lib --out lib-index.json --json

Exit codes: 0 made and confirmed; 1 not so; 2 wrong arguments; 130 interrupted.`;

export function indexCommand(context: Context): Command {
  const command = new Command("index")
    .description("list a tree, confirmed by a second provider")
    .option("--repo <path-or-url>", "a folder, or an address to clone (default: this folder)")
    .option("--out <file>", "where to (default: indexes/TREE.json in the stack's folder)")
    .option("--budget <amount>", "the most that it costs (default: 1000sat)", parseBudget)
    .addOption(
      new Option("--second-opinion <whose>", "who makes it again (default: any)").choices([
        "any",
        "self",
        "independent",
      ]),
    )
    .addOption(
      new Option("--policy <preference>", "which provider (default: cheapest)").choices([
        "cheapest",
        "balanced",
        "fastest",
      ]),
    )
    .option("--market", "let everyone who sells have the source, not only your devices and the operator")
    .option(
      "--port-base <n>",
      "for a stack of its own: count ports up from n; 0 takes free ones",
      parsePortBase,
    )
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<IndexOptions>(command, (options) => indexTree(context, options, options.json === true));
}

async function indexTree(context: Context, options: IndexOptions, json: boolean): Promise<number> {
  // Before anything is paid for.
  if (options.out !== undefined && existsSync(options.out))
    throw new CliError("usage", `${options.out} exists already`, {
      nextStep: "give --out a name that is free",
      exitCode: EXIT.usage,
    });
  const steps = showSteps(json ? context.err : context.out, context.nowMs);
  using stop = catchStopSignals(() => steps.line("Stopping; what nobody has taken is given back."));
  let bought: BoughtIndex;
  try {
    bought = await buy(context, options, stop.signal, steps, json);
    steps.close();
  } catch (error) {
    steps.close();
    if (stop.signal.aborted) return EXIT.interrupted;
    throw error;
  }
  const file = await keep(context, options, bought);
  if (json) context.out.line(indexJson(bought, file));
  else for (const line of renderPairs(indexPairs(bought, file), context.out.style)) context.out.line(line);
  return file !== undefined && isConfirmed(bought) ? EXIT.ok : EXIT.failed;
}

async function buy(
  context: Context,
  options: IndexOptions,
  signal: AbortSignal,
  steps: StepList,
  json: boolean,
): Promise<BoughtIndex> {
  const { buyIndex, parseSource } = await import("@openagents/autopilot");
  const source = asUsage(() => parseSource(options.repo ?? ".", process.cwd()));
  const dataDir = dataDirOf(context, options);
  const budgetMsats = options.budget ?? BUDGET_MSATS;
  await using parts = new AsyncDisposableStack();
  const place = await openPlace(context, { dataDir, portBase: options.portBase, keep: false, signal }, steps);
  parts.defer(() => stopPlace(place, steps));
  signal.throwIfAborted();
  const providers = await openProviders(context, place, { dataDir, signal }, steps);
  parts.defer(() => providers.stop());
  parts.defer(() => waitForUsers(place, signal, steps));
  await openCredit(context, place, budgetMsats, "openagents index", signal, steps);
  const { style } = json ? context.err : context.out;
  return await buyIndex(
    { client: clientOf(context, place), signal, ...showRun(steps, style) },
    {
      repo: source.kind === "folder" ? source.path : source.url,
      budgetMsats,
      ...(options.secondOpinion === undefined ? {} : { secondOpinion: options.secondOpinion }),
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      ...(options.market === true ? { market: true } : {}),
    },
  );
}

/** Undefined when there is nothing that is worth keeping. */
async function keep(
  context: Context,
  options: IndexOptions,
  { index, tree }: BoughtIndex,
): Promise<string | undefined> {
  if (index === undefined) return undefined;
  // Of one tree there is one index, so that writing it again changes nothing.
  const file = resolve(options.out ?? join(dataDirOf(context, options), "indexes", `${tree}.json`));
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, index.bytes, options.out === undefined ? {} : { flag: "wx" });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unwritable", `${file} cannot be written: ${why}`, {
      nextStep: `openagents artifacts get ${index.result.indexSha256} --out FILE`,
      cause,
    });
  }
  return file;
}

/** Only what someone else reproduced counts. */
function isConfirmed({ verification: { verdict, assurance } }: BoughtIndex): boolean {
  return verdict === "proven" && (assurance === "self" || assurance === "independent");
}

function spentMsats({ settlement }: BoughtIndex): bigint {
  return settlement.providerMsats + settlement.secondOpinionMsats + settlement.operatorFeeMsats;
}

/** Members that have no value are null. */
function indexJson(bought: BoughtIndex, file: string | undefined): string {
  const { index, settlement, verification } = bought;
  return JSON.stringify({
    ok: file !== undefined && isConfirmed(bought),
    run_id: bought.runId,
    job_id: bought.jobId,
    second_job_id: verification.secondJobId ?? null,
    tree: bought.tree,
    file: file ?? null,
    index_sha256: index?.result.indexSha256 ?? null,
    files: index?.result.files ?? null,
    bytes: index === undefined ? null : Number(index.result.bytes),
    lines: index === undefined ? null : Number(index.result.lines),
    uncommitted: bought.uncommitted,
    verdict: verification.verdict,
    assurance: verification.assurance,
    proof: verification.proof,
    because: verification.because,
    incident_id: verification.incidentId ?? null,
    settlement_status: settlement.status,
    spent_msats: Number(spentMsats(bought)),
  });
}

function indexPairs(bought: BoughtIndex, file: string | undefined): (readonly [string, string])[] {
  const { index, tree, uncommitted, verification } = bought;
  const { verdict, assurance, because } = verification;
  const left = uncommitted === 0 ? "" : `; ${uncommitted} changed files are not in it`;
  const made =
    index === undefined
      ? `none: ${because}`
      : `${index.result.files} files, ${index.result.bytes} bytes, ${index.result.lines} lines`;
  const by = assurance === "self" ? "your own device" : "a provider of another owner";
  return [
    ["tree", `${tree}${left}`],
    ["index", made],
    ["confirmed", isConfirmed(bought) ? `the same bytes by ${by}` : `no (${verdict})`],
    ["spent", formatSats(spentMsats(bought))],
    ...(file === undefined ? [] : [["file", file] as const]),
  ];
}

// `openagents market seeds`: by which seeds it is drawn what is run again, and
// whether those that were published are the ones that were committed to.

import type { SamplingSeed } from "@openagents/contracts";
import { sha256Hex } from "@openagents/receipts";
import { Command } from "commander";
import { parseLimit } from "../arguments.ts";
import { EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { formatTime, renderTable } from "../terminal/index.ts";

type SeedsOptions = DataDirOption & { readonly limit?: number; readonly cursor?: string };

const HELP = `
Where a buyer lets only a share of its jobs be run again, a seed decides which: the
operator commits to it by its hash before any quote names it, and publishes it once no
job rests on it. A published seed is checked here against its commitment.

Examples:
  openagents market seeds

Exit codes: 0 shown, and every published seed is the one that was committed to; 1 one is
            not, or no stack is running; 2 wrong arguments.`;

export function seedsCommand(context: Context): Command {
  const command = new Command("seeds")
    .description("the seeds by which second runs are drawn, checked against their commitments")
    .option("--limit <n>", "how many, 1 to 200 (default: 50)", parseLimit)
    .option("--cursor <cursor>", "continue after an earlier page")
    .addHelpText("after", HELP);
  addDataDirOption(command);
  return setBody<SeedsOptions>(command, async (options) => {
    const { Sampling, createClient, encodeText, listSamplingSeedsResponseDesc } =
      await import("@openagents/contracts");
    const client = createClient(Sampling, connect(context, options).client);
    const page = await client.listSamplingSeeds({ limit: options.limit, cursor: options.cursor });
    const { out } = context;
    const exitCode = page.seeds.every((seed) => stateOf(seed) !== "false") ? EXIT.ok : EXIT.failed;
    if (options.json === true) {
      out.line(encodeText(listSamplingSeedsResponseDesc, page));
      return exitCode;
    }
    if (page.seeds.length === 0) out.line("no seed yet; the stack opens one a day");
    const words = {
      secret: "not published yet",
      true: out.style.green("✓ as committed"),
      false: out.style.red("✗ not the one that was committed to"),
    };
    const rows = page.seeds.map((seed) => [
      seed.seedId,
      formatTime(seed.openedAt),
      words[stateOf(seed)],
      seed.commitmentSha256,
    ]);
    const columns = ["seed", "opened (UTC)", "published", "commitment"].map((title) => ({ title }));
    if (rows.length > 0) for (const line of renderTable(columns, rows, out.style)) out.line(line);
    if (page.nextCursor !== undefined)
      out.line(out.style.dim(`more: openagents market seeds --cursor ${page.nextCursor}`));
    return exitCode;
  });
}

function stateOf({ seed, commitmentSha256 }: SamplingSeed): "secret" | "true" | "false" {
  if (seed === undefined) return "secret";
  return sha256Hex(Buffer.from(seed, "hex")) === commitmentSha256 ? "true" : "false";
}

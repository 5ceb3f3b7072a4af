// `openagents artifacts`: bytes by their hash, and what is let go of. Contracts load
// inside the actions, so that `--help` starts fast.

import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import type { CollectArtifactsResponse } from "@openagents/contracts";
import { Command, InvalidArgumentError } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { formatTime, renderTable } from "../terminal/index.ts";

const LIST_MAX = 500;

const HELP = `
Artifacts are what jobs take in and give out. What you upload is kept for seven days,
and what your jobs name, or a run left for another computer, for ninety days after
them; gc lets go of the rest, as the runtime does by itself every minute.

Examples:
  openagents artifacts put base.bundle
  openagents artifacts ls
  openagents artifacts get SHA256 --out base.bundle
  openagents artifacts gc --dry-run

Exit codes: 0 done; 1 no such artifact, no room for it, or no stack is running;
            2 wrong arguments.`;

export function artifactsCommand(context: Context): Command {
  const artifacts = new Command("artifacts")
    .description("list, put and get artifacts; let go of what nothing needs")
    .addHelpText("after", HELP);
  for (const command of [listCommand, putCommand, getCommand, gcCommand]) {
    artifacts.addCommand(addDataDirOption(command(context)));
  }
  return artifacts;
}

async function clientOf(context: Context, options: DataDirOption) {
  const { Artifacts, createClient } = await import("@openagents/contracts");
  return createClient(Artifacts, connect(context, options).client);
}

function listCommand(context: Context): Command {
  const command = new Command("ls").description("what you may read, how long, and how much room is taken");
  return setBody<DataDirOption>(command, async (options) => {
    const { encodeText, listArtifactsResponseDesc } = await import("@openagents/contracts");
    const client = await clientOf(context, options);
    const { out } = context;
    let cursor: string | undefined;
    do {
      const page = await client.listArtifacts({
        limit: LIST_MAX,
        ...(cursor === undefined ? {} : { cursor }),
      });
      cursor = page.nextCursor;
      if (options.json === true) {
        out.line(encodeText(listArtifactsResponseDesc, page));
        continue;
      }
      const rows = page.artifacts.map((each) => [
        each.sha256,
        String(each.bytes),
        each.class.replace("_", " "),
        formatTime(each.keepUntil),
      ]);
      const columns = ["sha256", "bytes", "class", "kept at least until"].map((title) => ({ title }));
      for (const line of renderTable(columns, rows, out.style)) out.line(line);
      if (cursor !== undefined) continue;
      const { storedBytes, storedBytesMax, storedObjects, storedObjectsMax } = page;
      out.line("what a job, a run or somebody you share it with needs is kept for as long as that");
      out.line(
        `stored: ${storedBytes} of ${storedBytesMax} bytes, ${storedObjects} of ${storedObjectsMax} artifacts`,
      );
    } while (cursor !== undefined);
    return EXIT.ok;
  });
}

function putCommand(context: Context): Command {
  const command = new Command("put").description("store a file and print its hash").argument("<file>");
  return setBody<DataDirOption>(command, async (options, [file = ""]) => {
    const sha256 = await hashOf(file);
    const client = await clientOf(context, options);
    const data = createReadStream(file);
    const stored = await client.putArtifact({
      sha256,
      content: { contentType: "application/octet-stream", data },
    });
    context.out.line(
      options.json === true
        ? JSON.stringify({ sha256: stored.sha256, bytes: Number(stored.bytes) })
        : stored.sha256,
    );
    return EXIT.ok;
  });
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unreadable", `${file} cannot be read: ${why}`, { cause });
  }
  return hash.digest("hex");
}

function getCommand(context: Context): Command {
  const command = new Command("get")
    .description("write an artifact into a file that does not exist yet")
    .argument("<sha256>", "", parseSha256)
    .requiredOption("--out <file>", "where to");
  return setBody<DataDirOption & { out: string }>(command, async (options, [sha256 = ""]) => {
    // Before it travels; the file itself is made only where there is none.
    if (existsSync(options.out)) throw outTaken(options.out);
    const client = await clientOf(context, options);
    const { data } = await client.getArtifact({ sha256 });
    const bytes = Buffer.from(data);
    // Never what the hash does not name, whoever served it.
    if (createHash("sha256").update(bytes).digest("hex") !== sha256) {
      throw new CliError("hash_mismatch", `the runtime answered other bytes than those of ${sha256}`);
    }
    await writeNew(options.out, bytes);
    if (options.json === true) context.out.line(JSON.stringify({ sha256, bytes: bytes.length }));
    return EXIT.ok;
  });
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await using file = await open(path, "wx");
    try {
      await file.writeFile(bytes);
    } catch (cause) {
      await rm(path, { force: true });
      throw cause;
    }
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") throw outTaken(path);
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unwritable", `${path} cannot be written: ${why}`, {
      nextStep: "give --out a file in a folder that exists and that you may write to",
      cause,
    });
  }
}

function outTaken(path: string): CliError {
  return new CliError("usage", `${path} exists already`, {
    nextStep: "give --out a name that is free",
    exitCode: EXIT.usage,
  });
}

function gcCommand(context: Context): Command {
  const command = new Command("gc")
    .description("let go of what nothing refers to and whose time is over")
    .option("--dry-run", "say what would go, and change nothing");
  return setBody<DataDirOption & { dryRun?: true }>(command, async (options) => {
    const { collectArtifactsResponseDesc, encodeText } = await import("@openagents/contracts");
    const client = await clientOf(context, options);
    const dryRun = options.dryRun === true;
    let report = await client.collectArtifacts({ dryRun });
    // A dry run looks at the first page, and says that there is more.
    while (report.more && !dryRun) report = add(report, await client.collectArtifacts({ dryRun }));
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(collectArtifactsResponseDesc, report));
      return EXIT.ok;
    }
    const would = dryRun ? "would let go of" : "let go of";
    out.line(
      `${would} ${report.artifactsRemoved} artifacts with ${report.bytesRemoved} bytes` +
        ` (${report.grantsEnded} grants at their end, ${report.grantsKept} still needed);` +
        ` ${report.blobsDeleted} files ${dryRun ? "to delete" : "deleted"}` +
        (report.more ? "; there is more" : ""),
    );
    return EXIT.ok;
  });
}

function add(sum: CollectArtifactsResponse, page: CollectArtifactsResponse): CollectArtifactsResponse {
  return {
    grantsEnded: sum.grantsEnded + page.grantsEnded,
    grantsKept: sum.grantsKept + page.grantsKept,
    artifactsRemoved: sum.artifactsRemoved + page.artifactsRemoved,
    bytesRemoved: sum.bytesRemoved + page.bytesRemoved,
    blobsDeleted: sum.blobsDeleted + page.blobsDeleted,
    more: page.more,
  };
}

function parseSha256(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError("A sha256 is 64 hex digits.");
  return text;
}

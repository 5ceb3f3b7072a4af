import { open } from "node:fs/promises";
import {
  canonicalize,
  checkInclusion,
  keeperOf,
  parseStrict,
  verifyReceipt,
  type JsonValue,
} from "@openagents/receipts";
import { Command } from "commander";
import { collect } from "../arguments.ts";
import { claimTable, claimsExitCode, verdictLine, type Claim } from "../claims.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import { logKeys, operatorKeys } from "../operators.ts";
import { listReceiptsCommand } from "./receipts-list.ts";

/** Larger than any receipt or bundle manifest. */
const INPUT_BYTES_MAX = 64 * 1024 * 1024;

const HELP = `
A receipt says what was decided, signed by the service that decided it.

Examples:
  openagents receipts list --subject run_0123456789abcdef0123456789abcdef
  openagents receipts get pay_0123456789abcdef01234567 > receipt.json
  openagents receipts verify receipt.json
  openagents receipts canonicalize < any.json | sha256sum

Exit codes: 0 done, and for verify: nothing fails and the signer is pinned;
            1 failed, not found, or a claim fails; 2 verify: nothing fails, but the
            signer is not pinned (or wrong arguments).`;

export function receiptsCommand(context: Context): Command {
  return new Command("receipts")
    .description("list, get and verify receipts, and canonical JSON")
    .addCommand(listReceiptsCommand(context))
    .addCommand(getCommand(context))
    .addCommand(verifyReceiptCommand(context))
    .addCommand(canonicalizeCommand(context))
    .addHelpText("after", HELP);
}

function getCommand(context: Context): Command {
  const command = new Command("get")
    .description("print a signed receipt as canonical JSON")
    .argument("<receipt-id>");
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [receiptId = ""]) => {
    const { ControlReceipts, Receipts, createClient, encode, signedReceiptDesc } =
      await import("@openagents/contracts");
    const { client, record } = connect(context, options);
    const signed =
      keeperOf(receiptId) === "control"
        ? await createClient(ControlReceipts, { ...client, baseUrl: record.controlUrl }).getControlReceipt({
            receiptId,
          })
        : await createClient(Receipts, client).getReceipt({ receiptId });
    context.out.line(canonicalize(encode(signedReceiptDesc, signed)));
    return EXIT.ok;
  });
}

function verifyReceiptCommand(context: Context): Command {
  const command = new Command("verify")
    .description("check a receipt's hash, identifier, signature, signer and place in the log, offline")
    .argument("<file>", "a file of `receipts get` or of a bundle; - for standard input")
    .option(
      "--operator <key-or-url>",
      "trust this operator's key instead of the pinned ones; may be repeated",
      collect,
    )
    .option(
      "--log <key>",
      "trust this transparency log's key instead of the pinned ones; may be repeated",
      collect,
    )
    .addHelpText("after", HELP);
  return setBody<{ operator?: string[]; log?: string[] }>(command, async (options, [file = "-"]) => {
    const keys = await operatorKeys(context, options.operator);
    const signed = parse(file === "-" ? await readAll(context.stdin) : await readInput(file), file);
    const checks = verifyReceipt(signed, { operatorKeys: keys });
    const claims: Claim[] = (["hash", "id", "signature", "signer"] as const).map((name) => ({
      name,
      ...checks[name],
    }));
    const { state, detail } = checkInclusion(signed, logKeys(context, options.log));
    claims.push({ name: "inclusion", state, detail });
    const exitCode = claimsExitCode(claims);
    const { out } = context;
    if (options.json === true) {
      out.line(JSON.stringify({ ok: exitCode === 0, claims }));
      return exitCode;
    }
    for (const line of claimTable(claims, out.style)) out.line(line);
    out.line(verdictLine(claims, out.style));
    return exitCode;
  });
}

function canonicalizeCommand(context: Context): Command {
  const command = new Command("canonicalize")
    .description("JSON on standard input to its RFC 8785 form on standard output")
    .addHelpText(
      "after",
      "\nPrints exactly the canonical bytes, without a newline after them. Invalid UTF-8, repeated\nkeys and lone surrogates are refused, never repaired.\n\nExample:\n  openagents receipts canonicalize < any.json | sha256sum\n\nExit codes: 0 printed; 1 the input is refused.",
    );
  return setBody<object>(command, async () => {
    context.out.raw(canonicalize(parse(await readAll(context.stdin), "standard input")));
    return EXIT.ok;
  });
}

function parse(bytes: Uint8Array, source: string): JsonValue {
  try {
    return parseStrict(bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(
      "json_refused",
      `${source === "-" ? "standard input" : source} is not strict JSON: ${why}`,
      { cause },
    );
  }
}

async function readInput(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file);
    try {
      return await readAll(handle.createReadStream({ autoClose: false }));
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("file_unreadable", `${file} cannot be read: ${why}`, { cause });
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > INPUT_BYTES_MAX) {
      throw new CliError("input_too_large", `the input is larger than ${INPUT_BYTES_MAX / 1024 / 1024} MiB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

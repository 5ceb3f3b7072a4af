// `openagents market`: who sells, what was traded, and what a quote binds.

import { Command } from "commander";
import { parseProviderId, parseQuoteId, parseWhole } from "../arguments.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { connect } from "../connection.ts";
import { seedsCommand } from "./market-seeds.ts";
import { askedWords } from "../provider/index.ts";
import { addDataDirOption, setBody, type Context, type DataDirOption } from "../context.ts";
import {
  formatDuration,
  formatSats,
  formatTime,
  printable,
  renderPairs,
  renderTable,
} from "../terminal/index.ts";

const HELP = `
Examples:
  openagents market providers
  openagents market telemetry --days 30
  openagents market seeds
  openagents market quote qte_0123456789abcdef0123456789abcdef

Exit codes: 0 looked; 1 could not look, or a quote's signature is wrong; 2 wrong arguments.`;

export function marketCommand(context: Context): Command {
  return new Command("market")
    .description("who sells, and what was traded")
    .addHelpText("after", HELP)
    .addCommand(providersCommand(context))
    .addCommand(telemetryCommand(context))
    .addCommand(quoteCommand(context))
    .addCommand(seedsCommand(context));
}

function providersCommand(context: Context): Command {
  const command = new Command("providers").description("who sells now, at which price, with which record");
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options) => {
    const { Marketplace, createClient, encodeText, listProvidersResponseDesc } =
      await import("@openagents/contracts");
    const market = createClient(Marketplace, connect(context, options).client);
    const answer = await market.listProviders({});
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(listProvidersResponseDesc, answer));
      return EXIT.ok;
    }
    if (answer.providers.length === 0) out.line("nobody sells now");
    const records = new Map(answer.records.map((record) => [record.providerWorkerId, record]));
    const rows = answer.providers.map((provider) => {
      const record = records.get(provider.workerId);
      return [
        provider.workerId,
        printable(provider.displayName),
        askedWords(provider, "outcome"),
        askedWords(provider, "execution"),
        record?.tier ?? "",
        record === undefined ? "" : `${record.reliabilityBps / 100} %`,
        record?.latencyMs === undefined ? "" : formatDuration(Number(record.latencyMs)),
      ];
    });
    const titles = ["worker", "name", "outcome", "execution", "tier", "reliable", "takes"];
    const columns = titles.map((title) => ({ title }));
    if (rows.length > 0) for (const line of renderTable(columns, rows, out.style)) out.line(line);
    return EXIT.ok;
  });
}

type TelemetryOptions = DataDirOption & { readonly days?: number; readonly provider?: string };

function telemetryCommand(context: Context): Command {
  const command = new Command("telemetry")
    .description("what you bought, or what a provider did, over some days")
    .option("--days <n>", "today is the last one (default: 7)", parseWhole(1, 30, "days"))
    .option("--provider <worker>", "of this provider", parseProviderId);
  addDataDirOption(command);
  return setBody<TelemetryOptions>(command, async (options) => {
    const { Marketplace, createClient, encodeText, getComputeTelemetryResponseDesc } =
      await import("@openagents/contracts");
    const market = createClient(Marketplace, connect(context, options).client);
    const told = await market.getComputeTelemetry({
      days: options.days,
      providerWorkerId: options.provider,
    });
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(getComputeTelemetryResponseDesc, told));
      return EXIT.ok;
    }
    const time = (ms = 0n) => formatDuration(Number(ms));
    const times = `${time(told.latencyP50Ms)} for half, ${time(told.latencyP95Ms)} for 95 of 100`;
    const pairs = [
      ["days", String(told.days)],
      ["sell now", `${told.providersTotal}, ${told.providersOwn} yours, ${told.providersReserve} reserve`],
      ["quotes", `${told.quoted}, and ${told.unfilled} that nobody could fill`],
      ["jobs", `${told.dispatched} ordered, ${told.released} paid, ${told.withheld} withheld`],
      ["time", told.latencySamples === 0n ? "no job yet" : times],
    ] as const;
    for (const line of renderPairs(pairs, out.style)) out.line(line);
    return EXIT.ok;
  });
}

function quoteCommand(context: Context): Command {
  const command = new Command("quote")
    .description("what a quote of yours binds, with its signature checked here")
    .argument("<quote-id>", "as a run's log names it", parseQuoteId);
  addDataDirOption(command);
  return setBody<DataDirOption>(command, async (options, [quoteId = ""]) => {
    const { Marketplace, createClient, encodeText, getQuoteResponseDesc } =
      await import("@openagents/contracts");
    const { verifySignature } = await import("@openagents/receipts");
    const market = createClient(Marketplace, connect(context, options).client);
    const answer = await market.getQuote({ quoteId });
    const { quote } = answer;
    const { signatureHex, signerPubkey } = quote.signature;
    if (!verifySignature(signatureHex, quote.quoteSha256, signerPubkey)) {
      throw new CliError("signature_wrong", `${quoteId} is not signed by the key that it names`, {
        nextStep: "ask the operator of the runtime; do not order it",
      });
    }
    const { out } = context;
    if (options.json === true) {
      out.line(encodeText(getQuoteResponseDesc, answer));
      return EXIT.ok;
    }
    const second = quote.secondOpinion;
    const pairs = [
      ["quote", quote.quoteId],
      ["run", quote.runId],
      ["provider", `${quote.providerWorkerId} (${quote.supplyClass.replaceAll("_", " ")})`],
      ["paid on", quote.payOn],
      ["policy", quote.policy],
      ["price", formatSats(quote.providerPriceMsats)],
      [
        "second run",
        second === undefined
          ? "none"
          : `${formatSats(second.providerPriceMsats)} by ${second.providerWorkerId}`,
      ],
      ["in all", formatSats(quote.totalPriceMsats)],
      ["binds until", formatTime(quote.validUntil)],
      ["signed by", signerPubkey],
    ] as const;
    for (const line of renderPairs(pairs, out.style)) out.line(line);
    return EXIT.ok;
  });
}

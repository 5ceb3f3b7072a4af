// What was measured, as a table for people and JSON for programs.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, type Figures } from "./load.ts";
import type { SyncFigure } from "./sync.ts";

export type Row = {
  readonly path: string;
  readonly clients: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly beside: string;
  readonly besidePerSecond: number | null;
  /** Median over rounds of ours ÷ beside; null where there is nothing beside. */
  readonly ratio: number | null;
  /** Null for a figure that has none, and is shown for itself. */
  readonly bar: number | null;
};

export type Pair = { readonly ours: Figures; readonly beside: number | undefined };

export function rowOf(
  head: {
    readonly path: string;
    readonly clients: number;
    readonly beside: string;
    readonly bar: number | null;
  },
  pairs: readonly Pair[],
): Row {
  const besides = pairs.flatMap((pair) => (pair.beside === undefined ? [] : [pair.beside]));
  const ratios = pairs.flatMap((pair) =>
    pair.beside === undefined ? [] : [pair.ours.perSecond / pair.beside],
  );
  return {
    path: head.path,
    clients: head.clients,
    perSecond: median(pairs.map((pair) => pair.ours.perSecond)),
    p50Ms: median(pairs.map((pair) => pair.ours.p50Ms)),
    p99Ms: median(pairs.map((pair) => pair.ours.p99Ms)),
    beside: head.beside,
    besidePerSecond: besides.length === 0 ? null : median(besides),
    ratio: ratios.length === 0 ? null : median(ratios),
    bar: head.bar,
  };
}

/** Print the rows, as a table or as JSON, and keep them in a file. */
export function report(
  rows: readonly Row[],
  facts: Readonly<Record<string, unknown>>,
  asJson: boolean,
): void {
  keep({ ...facts, rows }, asJson, table([HEAD, ...rows.map(cells)]));
}

/** As `report`, of the sync lane. */
export function reportSync(
  figures: readonly SyncFigure[],
  facts: Readonly<Record<string, unknown>>,
  asJson: boolean,
): void {
  const lines = figures.map(({ figure, value, unit, bar, reached, note }) => [
    figure,
    `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`.trim(),
    bar,
    reached === null ? "–" : reached ? "reached" : "not reached",
    note,
  ]);
  keep({ ...facts, figures }, asJson, table([["figure", "value", "bar", "", ""], ...lines]));
}

function keep(facts: Readonly<Record<string, unknown>>, asJson: boolean, text: string): void {
  const folder = join(import.meta.dirname, "../../output/bench");
  mkdirSync(folder, { recursive: true });
  const measuredAt = new Date().toISOString();
  const file = join(folder, `${measuredAt.replaceAll(":", "-")}.json`);
  const result = { measured_at: measuredAt, ...facts };
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(asJson ? `${JSON.stringify(result)}\n` : `\n${text}\n${file}\n`);
}

const HEAD = ["path", "clients", "per second", "p50 ms", "p99 ms", "beside, per second", "ratio", "bar", ""];

function table(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

function cells(row: Row): string[] {
  return [
    row.path,
    String(row.clients),
    row.perSecond.toFixed(0),
    row.p50Ms.toFixed(1),
    row.p99Ms.toFixed(1),
    row.besidePerSecond === null
      ? `not measured (${row.beside})`
      : `${row.besidePerSecond.toFixed(0)} (${row.beside})`,
    row.ratio === null ? "–" : `${row.ratio.toFixed(2)} ×`,
    row.bar === null ? "–" : `${row.bar.toFixed(1)} ×`,
    row.ratio === null || row.bar === null ? "–" : row.ratio >= row.bar ? "reached" : "not reached",
  ];
}

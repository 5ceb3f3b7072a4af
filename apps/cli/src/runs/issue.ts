// What `--issue` gives: a text, a file that holds it, or an issue's address on a forge.

import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { IssueAddress, RunRequest } from "@openagents/autopilot";
import { CliError, EXIT } from "../cli-error.ts";
import type { Context } from "../context.ts";

export type GivenIssue = {
  readonly issue: RunRequest["issue"];
  /** Where it stands on a forge. */
  readonly address: IssueAddress | undefined;
};

const ISSUE_BYTES_MAX = 64 * 1024;

/** Throws `CliError` of a usage error, and what a forge says of an address. */
export async function readIssue(
  given: string,
  cwd: string,
  env: Context["env"],
  signal: AbortSignal,
): Promise<GivenIssue> {
  const { parseIssue } = await import("@openagents/autopilot");
  if (isAddress(given)) return importIssue(given, env, signal);
  const { title, body } = parseIssue(textOf(given, cwd));
  return { issue: named(title, body), address: undefined };
}

async function importIssue(given: string, env: Context["env"], signal: AbortSignal): Promise<GivenIssue> {
  const { forgeToken, importIssue: fetchIssue, parseIssueUrl } = await import("@openagents/autopilot");
  const address = asUsage(() => parseIssueUrl(given));
  const { title, body, url } = await fetchIssue(address, forgeToken(env, address), signal);
  if (Buffer.byteLength(body) > ISSUE_BYTES_MAX) {
    throw usage(
      `${url} has more than ${ISSUE_BYTES_MAX} bytes`,
      "copy what matters into a file, and give --issue with the file",
    );
  }
  return { issue: { ...named(title.trim(), body), url }, address };
}

function named(title: string, body: string): { readonly title: string; readonly body: string } {
  if (title === "") throw usage("the issue is empty", "give --issue with a text, a file or an address");
  return { title: title.slice(0, 500), body };
}

function isAddress(given: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(given) && !given.startsWith("file:///");
}

function textOf(given: string, cwd: string): string {
  if (/^file:\/\/\/\S+$/.test(given)) return readText(fileURLToPath(given));
  const path = resolve(cwd, given);
  const isPath = !given.includes("\n") && given.length < 1_024 && isFile(path);
  if (isPath || looksLikePath(given)) return readText(path);
  return given;
}

/** A misspelt path must not become an issue that an agent is paid to guess at. */
function looksLikePath(given: string): boolean {
  return /^\S+$/.test(given) && /\/|\.(?:md|markdown|txt)$/i.test(given);
}

function readText(path: string): string {
  if (!isFile(path)) throw usage(`there is no file ${path}`, "check the path of --issue");
  const bytes = readFileSync(path);
  if (bytes.length > ISSUE_BYTES_MAX)
    throw usage(
      `${path} has ${bytes.length} bytes, and an issue has at most ${ISSUE_BYTES_MAX}`,
      "shorten it",
    );
  return bytes.toString("utf8");
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** What the packages refuse of an argument is a wrong argument. */
export function asUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && typeof cause.code === "string")) throw cause;
    throw new CliError(cause.code, cause.message, { exitCode: EXIT.usage, cause });
  }
}

export function usage(message: string, nextStep: string): CliError {
  return new CliError("usage", message, { nextStep, exitCode: EXIT.usage });
}

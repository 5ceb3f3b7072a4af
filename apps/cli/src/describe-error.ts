// Any error as one calm line: what, why, and what to do next.

import { StackError } from "@openagents/stack";
import { CommanderError } from "commander";
import { CliError, EXIT } from "./cli-error.ts";
import { inSats, printable, type Output } from "./terminal/index.ts";

export type ErrorLine = {
  readonly code: string;
  readonly message: string;
  readonly nextStep: string | undefined;
  readonly exitCode: number;
  /** Of the service that refused. */
  readonly requestId?: string;
  readonly reason?: string;
};

export async function describeError(error: unknown): Promise<ErrorLine> {
  if (error instanceof CliError) {
    return { code: error.code, message: error.message, nextStep: error.nextStep, exitCode: error.exitCode };
  }
  if (error instanceof StackError) {
    return { code: error.code, message: error.message, nextStep: error.nextStep, exitCode: EXIT.failed };
  }
  if (error instanceof CommanderError) {
    const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
    return { code: "usage", message, nextStep: suggestion ?? "see --help", exitCode: EXIT.usage };
  }
  // Loaded only now: most commands that fail never spoke with a service.
  const { ProblemError } = await import("@openagents/contracts");
  if (error instanceof ProblemError) {
    return {
      code: error.code,
      message: [error.detail, ...error.fieldErrors.map((fault) => `${fault.field}: ${fault.message}`)].join(
        " ",
      ),
      nextStep: undefined,
      exitCode: EXIT.failed,
      ...(error.reason === undefined ? {} : { reason: error.reason }),
      ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: codeOf(error) ?? "unexpected", message, nextStep: undefined, exitCode: EXIT.failed };
}

/** Print it: as one line for people, as one JSON object for machines. */
export function printError(line: ErrorLine, output: Output, json: boolean): void {
  if (json) {
    const { code, message, nextStep, reason, requestId } = line;
    output.line(
      JSON.stringify({
        error: { code, reason, detail: message, next_step: nextStep, request_id: requestId },
      }),
    );
    return;
  }
  const details = [line.code, line.reason, line.requestId].filter(
    (part) => part !== undefined && part !== "usage",
  );
  const parts = [
    printable(inSats(line.message)).replace(/[.;]$/, ""),
    ...(line.nextStep === undefined || line.nextStep === "" ? [] : [printable(line.nextStep)]),
  ];
  const suffix = details.length === 0 ? "" : output.style.dim(` (${printable(details.join(", "))})`);
  output.line(`${output.style.red("✗")} ${parts.join("; ")}${suffix}`);
}

/** Errors of our packages carry a stable lower-case code; those of Node do not. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return undefined;
  return /^[a-z][a-z0-9_]{0,63}$/.test(error.code) ? error.code : undefined;
}

// The one error type of the contract. What a caller may read (`detail`, `code`)
// and what only the log may hold (`cause`) are separate members.

import type { FieldError } from "./gen/openagents/protocol/v1/problem_oa.ts";

/** Media type of every error and refusal (RFC 9457). */
export const PROBLEM_CONTENT_TYPE = "application/problem+json";

export type ProblemInit = {
  readonly status: number;
  /** Stable name, `lower_case`. */
  readonly code: string;
  /** A short name of the kind of problem; the status's own phrase when absent. */
  readonly title?: string | undefined;
  /** What happened and what to do next, for the caller's eyes. */
  readonly detail: string;
  /** For refusals: the rule that refused. */
  readonly reason?: string | undefined;
  readonly fieldErrors?: readonly FieldError[] | undefined;
  readonly receiptId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** For the log only. */
  readonly cause?: unknown;
};

/** An error that may cross the wire. */
export class ProblemError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly reason: string | undefined;
  readonly fieldErrors: readonly FieldError[];
  readonly receiptId: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Set on errors that a client received. */
  readonly requestId: string | undefined;

  constructor(init: ProblemInit & { readonly requestId?: string | undefined }) {
    super(init.detail, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "ProblemError";
    this.status = init.status;
    this.code = init.code;
    this.title = init.title ?? titleOf(init.status);
    this.detail = init.detail;
    this.reason = init.reason;
    this.fieldErrors = init.fieldErrors ?? [];
    this.receiptId = init.receiptId;
    this.retryAfterMs = init.retryAfterMs;
    this.requestId = init.requestId;
  }
}

/** The bytes of a problem answer; members in the order of the contract's `Problem`, absent ones left out. */
export function problemBody(problem: ProblemError, requestId: string): string {
  return JSON.stringify({
    type: `https://openagents.com/problems/${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    reason: problem.reason,
    field_errors: problem.fieldErrors,
    request_id: requestId,
    receipt_id: problem.receiptId,
    retry_after_ms: problem.retryAfterMs,
  });
}

/** How long to wait before trying again when an answer of 429 or 503 names no time. */
export const RETRY_AFTER_MS_DEFAULT = 1_000;

/** The `Retry-After` header's value in whole seconds; undefined where the status has none. */
export function retryAfterSeconds(status: number, retryAfterMs: number | undefined): string | undefined {
  if (retryAfterMs === undefined && status !== 429 && status !== 503) return undefined;
  return String(Math.max(1, Math.ceil((retryAfterMs ?? RETRY_AFTER_MS_DEFAULT) / 1000)));
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

function titleOf(status: number): string {
  return TITLES[status] ?? (status >= 500 ? "Server Error" : "Request Error");
}

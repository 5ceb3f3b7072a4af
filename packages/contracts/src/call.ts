// Who calls, and what a handler is told about the call.

import type { MethodContract } from "./method.ts";

/** An authenticated caller, as the token says. Never built from a body or a header. */
export type Principal = {
  /** Stable id, such as `usr_…`, `dev_…`, `sa_…`, `svc_…`. */
  readonly id: string;
  readonly kind: "user" | "device" | "service_account" | "service";
  readonly org: string;
  readonly scopes: ReadonlySet<string>;
  /** Trust zone in tenths: 0 operator, 5 enrolled device, 10 everyone else. */
  readonly zoneTenths: number;
  /** The organisation in whose account a device is enrolled, where it is not its own. */
  readonly account?: string | undefined;
  readonly device?: string | undefined;
  readonly session?: string | undefined;
  readonly tokenId: string;
  /** The principal on whose behalf this one acts. */
  readonly actingFor?: string | undefined;
  /** The one method that the token is for, by its full name; any, when absent. */
  readonly onlyMethod?: string | undefined;
  /** When a person last proved who they are; absent for whoever is no person. */
  readonly authenticatedAtMs?: number | undefined;
  /** How they did (RFC 8176), such as `otp` or `passkey`. */
  readonly authenticatedBy?: readonly string[] | undefined;
};

type CallBase = {
  readonly requestId: string;
  /** Aborted when the caller went away before the answer. */
  readonly signal: AbortSignal;
  readonly method: MethodContract;
};

/** A read by an authenticated caller. */
export type Call = CallBase & { readonly principal: Principal };

/** A read of a public route: no token is looked at. */
export type PublicCall = CallBase & { readonly principal: undefined };

/** A command. The key is empty for methods whose idempotency is natural. */
export type CommandCall = Call & { readonly idempotencyKey: string };

/** A command's answer or refusal, as the exact bytes that a replay repeats. */
export type CommandReply = {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly replayed: boolean;
  readonly retryAfterMs?: number | undefined;
};

import type { IncomingHttpHeaders } from "node:http";
import type { MethodContract } from "./method.ts";
import { ProblemError } from "./problem.ts";

/** 1 to 200 visible ASCII characters. */
const KEY = /^[\x21-\x7e]{1,200}$/;

/**
 * The key of a command, from its header or from the message's own
 * `idempotency_key`; empty for methods whose idempotency is natural. Throws 400
 * `idempotency_key_required`, `idempotency_key_invalid` or `idempotency_key_mismatch`.
 */
export function idempotencyKey(
  method: MethodContract,
  headers: IncomingHttpHeaders,
  input: Readonly<Record<string, unknown>>,
): string {
  if (method.idempotency === "natural") return "";
  const header = headers["idempotency-key"];
  const inBody = input["idempotencyKey"];
  const own = typeof inBody === "string" && inBody !== "" ? inBody : undefined;
  const key = header ?? own;
  if (key === undefined) {
    throw refused(
      "required",
      "This command needs an `Idempotency-Key` header: a fresh unique value, kept for repeats of the same command.",
    );
  }
  if (typeof key !== "string" || !KEY.test(key)) {
    throw refused(
      "invalid",
      "The idempotency key must be 1 to 200 visible ASCII characters, without spaces.",
    );
  }
  if (own !== undefined && own !== key) {
    throw refused(
      "mismatch",
      "The `Idempotency-Key` header and the body's `idempotency_key` differ. Send one, or the same.",
    );
  }
  return key;
}

function refused(what: string, detail: string): ProblemError {
  return new ProblemError({ status: 400, code: `idempotency_key_${what}`, detail });
}

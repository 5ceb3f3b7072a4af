// What organisations have at the runtime, which keeps the books.

import { ProblemError, Treasury, createClient, methodsOf } from "@openagents/contracts";
import type { Signer } from "../tokens/index.ts";
import type { Funds } from "./decide-deletion.ts";

/** Throws 503 `funds_unknown` when the runtime does not say. */
export type FundsOf = (orgs: readonly string[], signal: AbortSignal) => Promise<Funds>;

const TOKEN_LIFE_S = 60;
const ANSWER_MS_MAX = 5_000;

export function createFunds(deps: { readonly signer: Signer; readonly runtimeUrl: string }): FundsOf {
  const { signer, runtimeUrl } = deps;
  const scope = methodsOf(Treasury).find(({ localName }) => localName === "getComputeSummary")?.scope ?? "";

  async function fundsOf(org: string, signal: AbortSignal): Promise<Funds> {
    // For this one question, in the organisation that it is about.
    const claims = { sub: "svc_control", org, scopes: [scope], zone: "0", sid: "svc_control" } as const;
    const token = await signer.access(claims, TOKEN_LIFE_S);
    const treasury = createClient(Treasury, { baseUrl: runtimeUrl, token, timeoutMs: ANSWER_MS_MAX });
    const { availableMsats, reservedMsats } = await treasury.getComputeSummary({}, { signal });
    return { availableMsats, reservedMsats };
  }

  return async (orgs, signal) => {
    let [availableMsats, reservedMsats] = [0n, 0n];
    for (const org of orgs) {
      const funds = await fundsOf(org, signal).catch(unknown);
      availableMsats += funds.availableMsats;
      reservedMsats += funds.reservedMsats;
    }
    return { availableMsats, reservedMsats };
  };
}

/** An account whose money nobody has looked for is not deleted. */
function unknown(cause: unknown): never {
  throw new ProblemError({
    status: 503,
    code: "funds_unknown",
    detail: "The runtime does not say what your organisations have. Nothing was done; try again shortly.",
    retryAfterMs: 5_000,
    cause,
  });
}

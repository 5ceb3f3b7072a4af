import { ProblemError, type Principal } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import type { PersonOf } from "./person-of.ts";

/** The person whom a caller is, belongs to, or acts for. Throws 403 `no_person` for a key of an organisation. */
export type UserOf = (q: Queryable, principal: Principal) => Promise<string>;

export function createUserOf(personOf: PersonOf): UserOf {
  return async (q, principal) => {
    const { kind, actingFor } = principal;
    const id = kind === "user" || kind === "device" ? await personOf(q, principal) : actingFor;
    if (id?.startsWith("usr_") === true) return id;
    throw new ProblemError({
      status: 403,
      code: "no_person",
      detail: `This is between persons, and a ${kind} is none. Call with the token of a person or of their device.`,
    });
  };
}

// Authorisations that were begun and have not come back yet. A state is kept as its hash,
// bound to the session that began it, and taken once.

import { hash, randomBytes } from "node:crypto";
import type { CommandCall } from "@openagents/contracts";
import { statement, type Queryable, type Write } from "@openagents/postgres";
import type { Sealer } from "../integrations/index.ts";

export const STATE_LASTS_MS = 600_000;

export type OAuthStates = {
  begin(
    principal: CommandCall["principal"],
    nowMs: number,
  ): { readonly state: string; readonly verifier: string; readonly write: Write };
  /** The verifier, once. Undefined for one that is another session's, used, over, or none. */
  take(
    q: Queryable,
    principal: CommandCall["principal"],
    state: string,
    nowMs: number,
  ): Promise<string | undefined>;
};

export function createOAuthStates(sealer: Sealer): OAuthStates {
  return {
    begin(principal, nowMs) {
      const state = randomBytes(32).toString("base64url");
      const verifier = randomBytes(32).toString("base64url");
      const { keyId, nonce, bytes } = sealer.seal(verifier, contextOf(state));
      const write: Write = {
        name: "oauth_states.insert",
        text: `INSERT INTO control.oauth_states (state_sha256, org, user_id, sid, key_id, nonce, sealed, expires_at_ms)
               VALUES (decode($1, 'hex'), $2, $3, $4, $5, decode($6, 'hex'), decode($7, 'hex'), $8)`,
        values: [
          hash("sha256", state),
          principal.org,
          principal.id,
          sessionOf(principal),
          keyId,
          nonce.toString("hex"),
          bytes.toString("hex"),
          nowMs + STATE_LASTS_MS,
        ],
      };
      return { state, verifier, write };
    },

    async take(q, principal, state, nowMs) {
      const values = [hash("sha256", state), principal.org, principal.id, sessionOf(principal), nowMs];
      const [row] = await q.query<StateRow>(TAKE, values);
      if (row === undefined) return undefined;
      return sealer.open({ keyId: row.key_id, nonce: row.nonce, bytes: row.sealed }, contextOf(state));
    },
  };
}

type StateRow = { key_id: string; nonce: Buffer; sealed: Buffer };

// Whoever comes with another session's state neither gets it nor spoils it.
const TAKE = statement(
  "oauth_states.take",
  `DELETE FROM control.oauth_states
    WHERE state_sha256 = decode($1, 'hex') AND org = $2 AND user_id = $3 AND sid = $4 AND expires_at_ms > $5
   RETURNING key_id, nonce, sealed`,
);

const FORGET = statement("oauth_states.forget", "DELETE FROM control.oauth_states WHERE expires_at_ms <= $1");

export async function forgetOAuthStates(q: Queryable, nowMs: number): Promise<void> {
  await q.query(FORGET, [nowMs]);
}

function contextOf(state: string): string {
  return `openagents.oauth_verifier.v1\n${hash("sha256", state)}`;
}

/** A token without a session is bound to itself. */
function sessionOf({ session, tokenId }: CommandCall["principal"]): string {
  return session ?? tokenId;
}

// The ways to a token (RFC 6749 §4): each says who someone is, and what they may
// do is looked up when the token is made. What could end the rights of the token
// is locked until it is signed, so that nothing ends between the look and the token.
//
// GRANT-1  A token says no more than its holder may do at the moment of its making.
// GRANT-2  What takes rights away and what gives a token take turns: a token is older than the revocation, or says the new rights.
// GRANT-3  A token that acts for another is for one method, one minute, and nothing that the other does not hold.
// Held by tests/tokens.pg.test.ts and tests/devices.pg.test.ts.

import { allContracts, methodsOf, ProblemError, type Principal } from "@openagents/contracts";
import type { Database, Tx } from "@openagents/postgres";
import type { Authenticator } from "@openagents/service";
import { noteUse, resolveApiKey } from "../api-keys/index.ts";
import { lockDevice, markSeen, takeChallenge, type Challenges } from "../devices/index.ts";
import type { SessionInfo } from "../identity/index.ts";
import { findPerson, findSession, lockMembership } from "../orgs/index.ts";
import { openFamily, rotate, type Family } from "../refresh/index.ts";
import { isForKeys, isForServices, scopesOfDevice, scopesOfOperator, scopesOfRole } from "../scopes/index.ts";
import { ACCESS_LIFE_S, ACTING_LIFE_S_MAX, type AccessClaims, type Signer } from "./signer.ts";

/** What a token endpoint answers (RFC 6749 §5.1), and for which organisation. */
export type Granted = {
  readonly accessToken: string;
  readonly expiresInS: number;
  readonly scopes: readonly string[];
  readonly org: string;
  readonly refreshToken?: string;
};

export type GrantDeps = {
  readonly db: Database;
  readonly signer: Signer;
  readonly challenges: Challenges;
  readonly authenticate: Authenticator;
  readonly audience: string;
  /** Of refresh tokens' successors; 32 bytes in hex. */
  readonly secret: string;
  readonly isOperator: (person: Person) => boolean;
  /** The session of a family whose token somebody else has too. */
  readonly endReplayed: (family: Family) => Promise<void>;
  readonly nowMs: () => number;
};

type Person = { readonly userId: string; readonly email: string; readonly emailVerified: boolean };

/** Asked of any grant: fewer scopes than there are, and another organisation than the session's. */
export type Narrowing = { readonly scopes?: readonly string[]; readonly org?: string };

export type Exchange = {
  readonly subjectToken: string;
  readonly actorToken: string;
  readonly audience: string;
  readonly method: string;
};

export type DeviceAnswer = {
  readonly publicKey: string;
  readonly deviceId: string;
  readonly challenge: string;
  readonly signature: string;
};

export type Grants = {
  session(session: SessionInfo, narrowing: Narrowing): Promise<Granted>;
  refresh(token: string, key: string | undefined, narrowing: Narrowing): Promise<Granted>;
  apiKey(secret: string, narrowing: Narrowing): Promise<Granted>;
  device(answer: DeviceAnswer, narrowing: Narrowing): Promise<Granted>;
  exchange(exchange: Exchange): Promise<Granted>;
};

/** Of a service that may act for others, beside what the contract asks for. */
export const ACTS_FOR_OTHERS = "tokens:exchange";

export function createGrants(deps: GrantDeps): Grants {
  const { db, signer, challenges, nowMs } = deps;

  async function grant(claims: AccessClaims, { scopes }: Narrowing, lifeS = ACCESS_LIFE_S): Promise<Granted> {
    const held = narrow(claims.scopes, scopes);
    const accessToken = await signer.access({ ...claims, scopes: held }, lifeS);
    return { accessToken, expiresInS: lifeS, scopes: held, org: claims.org };
  }

  async function ofPerson(
    tx: Tx,
    session: Pick<Family, "sid" | "userId" | "authenticatedAtMs" | "methods">,
    org: string,
    narrowing: Narrowing,
  ): Promise<Granted> {
    const role = await lockMembership(tx, org, session.userId);
    const person = await findPerson(tx, session.userId);
    if (role === undefined || person === undefined)
      throw refused("invalid_grant", `You are no member of ${org}. Name one of your organisations.`);
    const operates = deps.isOperator(person);
    const scopes = [...scopesOfRole(role), ...(operates ? scopesOfOperator() : [])];
    const claims: AccessClaims = {
      sub: session.userId,
      org,
      scopes: [...new Set(scopes)].sort(),
      zone: operates ? "0.5" : "1",
      sid: session.sid,
      authenticatedAtMs: session.authenticatedAtMs,
      methods: session.methods,
    };
    return grant(claims, narrowing);
  }

  return {
    session: (session, narrowing) =>
      db.transaction(async (tx) => {
        const { sessionId: sid, userId, authenticatedAtMs, methods } = session;
        if ((await findSession(tx, sid)) === undefined) throw sessionEnded();
        const org = narrowing.org ?? session.activeOrg;
        const granted = await ofPerson(tx, { sid, userId, authenticatedAtMs, methods }, org, narrowing);
        // A browser has its cookie, and scripts in it get nothing that lasts.
        if (session.presentedBy === "cookie") return granted;
        const family = { sid, userId, org, authenticatedAtMs, methods };
        return { ...granted, refreshToken: await openFamily(tx, family, nowMs()) };
      }),

    async refresh(token, key, narrowing) {
      const answer = await db.transaction(async (tx) => {
        const rotation = await rotate(tx, deps.secret, { token, key, nowMs });
        if (rotation.kind !== "rotated") return rotation;
        const { family } = rotation;
        const session = await findSession(tx, family.sid);
        if (session === undefined || session.expiresAtMs <= nowMs()) throw sessionEnded();
        const org = narrowing.org ?? session.activeOrg ?? family.org;
        const granted = await ofPerson(tx, family, org, narrowing);
        return { kind: "granted" as const, granted: { ...granted, refreshToken: rotation.token } };
      });
      if (answer.kind === "granted") return answer.granted;
      if (answer.kind === "replayed") await deps.endReplayed(answer.family);
      throw answer.kind === "replayed" ? replayed() : sessionEnded();
    },

    async apiKey(secret, narrowing) {
      const { key, granted } = await db.transaction(async (tx) => {
        const found = await resolveApiKey(tx, secret, nowMs);
        if (found === undefined)
          throw refused("invalid_grant", "The key is none of ours, was revoked, or its time is over.", 401);
        const isService = found.principal.startsWith("svc_");
        const scopes = found.scopes.filter((scope) =>
          isService ? isForServices(scope) || scope === ACTS_FOR_OTHERS : isForKeys(scope),
        );
        const claims: AccessClaims = {
          sub: found.principal,
          org: found.org,
          scopes,
          zone: isService ? "0" : "1",
          // So that revoking the key ends its tokens, and no other key's.
          sid: found.keyId,
        };
        return { key: found, granted: await grant(claims, narrowing) };
      });
      await noteUse(db, key, nowMs());
      return granted;
    },

    device: (answer, narrowing) =>
      db.transaction(async (tx) => {
        const checked = challenges.check({ kind: "token" }, answer, nowMs());
        if (checked.kind === "refused") throw refused(checked.reason, DEVICE_DETAILS[checked.reason], 401);
        if (!(await takeChallenge(tx, checked)))
          throw refused("challenge_used", "The challenge was answered before. Ask for another one.", 401);
        const device = await lockDevice(tx, answer.deviceId);
        if (device === undefined || device.publicKey !== answer.publicKey)
          throw refused("device_unknown", "The device is not enrolled. A person enrols it.", 401);
        if (device.status !== "enrolled") {
          const detail = `The device is ${device.status}. Its owner can see it under Fleet.`;
          throw refused(`device_${device.status}`, detail, 403);
        }
        const role = await lockMembership(tx, device.org, device.ownerUserId);
        if (role === undefined)
          throw refused("device_owner_left", "The device's owner is no member any more.", 403);
        await markSeen(tx, device.deviceId, nowMs());
        const { deviceId, org } = device;
        const claims: AccessClaims = {
          sub: deviceId,
          org,
          account: org,
          device: deviceId,
          scopes: scopesOfDevice(role),
          zone: "0.5",
          sid: deviceId,
        };
        return grant(claims, narrowing);
      }),

    async exchange({ subjectToken, actorToken, audience, method }) {
      const actor = await deps.authenticate(`Bearer ${actorToken}`);
      if (actor.kind !== "service" || !actor.scopes.has(ACTS_FOR_OTHERS))
        throw refused(
          "unauthorized_client",
          `Only a service with \`${ACTS_FOR_OTHERS}\` acts for others.`,
          403,
        );
      const subject = await deps.authenticate(`Bearer ${subjectToken}`);
      if (audience !== deps.audience)
        throw refused("invalid_target", `There is no audience \`${audience}\` to act at.`);
      return grant(actingClaims(actor, subject, method), {}, ACTING_LIFE_S_MAX);
    },
  };
}

/** GRANT-3. */
function actingClaims(actor: Principal, subject: Principal, method: string): AccessClaims {
  if (subject.actingFor !== undefined || subject.kind === "service")
    throw refused("invalid_request", "One acts for a person, a device or an account, and not for a service.");
  const contract = allContracts.flatMap(methodsOf).find((each) => each.name === method);
  if (contract === undefined || contract.access !== "user")
    throw refused("invalid_scope", `There is no method \`${method}\` that is called for others.`);
  if (!subject.scopes.has(contract.scope)) {
    const detail = `${subject.id} does not hold \`${contract.scope}\`, so nobody does for it.`;
    throw refused("invalid_scope", detail, 403);
  }
  return {
    sub: actor.id,
    act: subject.id,
    org: subject.org,
    scopes: [contract.scope],
    zone: ZONES[subject.zoneTenths] ?? "1",
    // Whatever ends the session of the one ends what is done for it.
    sid: subject.session ?? subject.tokenId,
    method,
    ...(subject.account === undefined ? {} : { account: subject.account }),
    ...(subject.device === undefined ? {} : { device: subject.device }),
  };
}

const ZONES: Readonly<Record<number, AccessClaims["zone"]>> = { 0: "0", 5: "0.5", 10: "1" };

function narrow(held: readonly string[], asked: readonly string[] | undefined): readonly string[] {
  if (asked === undefined) return held;
  const notHeld = asked.find((scope) => !held.includes(scope));
  if (notHeld === undefined) return [...new Set(asked)].sort();
  throw refused("invalid_scope", `You do not hold the scope \`${notHeld}\`.`);
}

const DEVICE_DETAILS = {
  challenge_invalid: "The challenge is not one for this key. Ask for one.",
  challenge_expired: "The challenge is older than five minutes. Ask for another one.",
  signature_invalid: "The signature is not one of this key over the challenge.",
} as const;

function sessionEnded(): ProblemError {
  return refused("invalid_grant", "The session has ended. Sign in again.", 401);
}

function replayed(): ProblemError {
  const detail =
    "The refresh token was used before, so somebody else may have it: the session has ended. Sign in again.";
  return refused("invalid_grant", detail, 401);
}

function refused(code: string, detail: string, status = 400): ProblemError {
  return new ProblemError({ status, code, detail });
}

// The end of an account. What it gave access to ends here, in one transaction;
// what it wrote is erased right behind it (erasures.ts), when no call of it can
// be under way any more.

import type { Authority, Command, Refusal } from "@openagents/authority";
import {
  ProblemError,
  type CommandCall,
  type CommandReply,
  type DeleteAccountRequest,
  type DeleteAccountResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { assertFreshPerson, invalidField } from "@openagents/service";
import { auditWrite } from "../audit/index.ts";
import { listMemberships, lockMembers, lockPerson, type PersonRecord } from "../orgs/index.ts";
import type { RevocationTarget, Revocations } from "../revocations/index.ts";
import { decideDeletion, isAlone, type Belonging, type DeletionRefusal } from "./decide-deletion.ts";
import type { FundsOf } from "./funds.ts";
import {
  countMembers,
  countOpenSpends,
  endAccount,
  listKeysOfOrgs,
  lockAccess,
  revokeDevices,
  type EndedAccount,
} from "./store.ts";

export type AccountDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly revocations: Revocations;
  readonly fundsOf: FundsOf;
  /** Whom the installation makes at each start. */
  readonly installationOwner: string | undefined;
  /** Devices were revoked: what they work on ends. */
  readonly deviceStopped: () => void;
  readonly nowMs: () => number;
};

export async function deleteAccount(
  deps: AccountDeps,
  call: CommandCall,
  request: DeleteAccountRequest,
): Promise<CommandReply> {
  assertFreshPerson(call, deps.nowMs());
  // Asked before the transaction, which waits for no other service. Money that
  // comes in meanwhile stays on the books of an organisation that has nobody.
  const orgs = (await belongingsOf(deps.db, call.principal.id)).filter(isAlone).map(({ orgId }) => orgId);
  const funds = await deps.fundsOf(orgs, call.signal);

  return deps.authority.execute<DeleteAccountResponse>(call, request, async (command) => {
    const { tx } = command;
    const person = await lockPerson(tx, call.principal.id);
    if (person === undefined) throw accountIsGone();
    if (request.confirmEmail.toLowerCase() !== person.email.toLowerCase())
      throw invalidField("confirm_email", "confirm_email_differs", "Send the address of this account.");
    await lockAccess(tx, person.userId);
    const belongings = await lockBelongings(command, person);
    const closed = belongings.filter(isAlone).map(({ orgId }) => orgId);
    // One that the others left in between was not asked about.
    if (closed.some((org) => !orgs.includes(org))) throw changedMeanwhile();
    const refused = decideDeletion({
      isInstallationOwner: person.userId === deps.installationOwner,
      belongings,
      spendsOpen: await countOpenSpends(tx, person.userId, closed),
      funds,
      givesUpFunds: request.giveUpFunds,
    });
    if (refused !== undefined) return refusal(refused);
    return end(deps, command, person, belongings, closed, funds.availableMsats);
  });
}

async function end(
  { revocations, deviceStopped }: AccountDeps,
  command: Command,
  person: PersonRecord,
  belongings: readonly Belonging[],
  closed: readonly string[],
  givenUpMsats: bigint,
) {
  const { tx, call } = command;
  const { userId } = person;
  const keys = await listKeysOfOrgs(tx, closed);
  const nowMs = command.nowMs();
  const devices = await revokeDevices(tx, userId, closed, nowMs);
  const facts = { user_id: userId, closed_orgs: [...closed], given_up_msats: Number(givenUpMsats) };
  const receipt = command.seal("openagents.control.account_deleted.v1", userId, facts, nowMs);
  const receiptId = receipt.receipt_id;
  const ended: EndedAccount = { ...person, closed, devices, keys, nowMs };
  const sessions = await endAccount(tx, ended);
  // By `sub` for what is the person's, by `sid` for what others do in the person's name.
  const targets: RevocationTarget[] = [
    { by: "sub", value: userId },
    ...devices.map((value) => ({ by: "sub" as const, value })),
    ...[...sessions, ...keys].map((value) => ({ by: "sid" as const, value })),
  ];
  const stopped = revocations.revoke(targets, nowMs);
  const audits = belongings.map(({ orgId, role }) =>
    auditWrite(
      call,
      { action: "account.deleted", subject: userId, details: { role }, org: orgId, receiptId },
      nowMs,
    ),
  );
  return {
    kind: "answer" as const,
    output: { closedOrgs: closed, receiptId },
    writes: [...audits, ...stopped.writes],
    afterCommit() {
      stopped.afterCommit();
      deviceStopped();
    },
  };
}

/** As they stand now, for the question before the transaction. */
async function belongingsOf(db: Database, userId: string): Promise<Belonging[]> {
  const memberships = await listMemberships(db, userId);
  const counts = await countMembers(
    db,
    memberships.map(({ orgId }) => orgId),
  );
  return memberships.map(({ orgId, role }) => ({
    orgId,
    role,
    ...(counts.get(orgId) ?? { members: 1, owners: 1 }),
  }));
}

/** In one order, so that two who go at once take turns; they stay so until the transaction ends. */
async function lockBelongings({ tx }: Command, { userId }: PersonRecord): Promise<Belonging[]> {
  const memberships = await listMemberships(tx, userId);
  const orgs = memberships.map(({ orgId }) => orgId).sort();
  for (const org of orgs) await lockMembers(tx, org, [userId]);
  // Behind the locks: who else is an owner now stays one.
  const counts = await countMembers(tx, orgs);
  const now = await listMemberships(tx, userId);
  return now.map(({ orgId, role }) => ({ orgId, role, ...(counts.get(orgId) ?? { members: 1, owners: 1 }) }));
}

/** What whoever comes a moment later is told as well. */
function accountIsGone(): ProblemError {
  return new ProblemError({ status: 401, code: "token_revoked", detail: "This account was deleted." });
}

function changedMeanwhile(): ProblemError {
  return new ProblemError({
    status: 409,
    code: "organisations_changed",
    detail: "Somebody left an organisation of yours just now. Nothing was done; try again.",
    retryAfterMs: 1_000,
  });
}

const DETAILS: Readonly<Record<DeletionRefusal, readonly [Refusal["rule"], string]>> = {
  installation_owner: ["policy", "This installation is yours, and makes your account at each start."],
  last_owner: [
    "state",
    "You are the last owner of an organisation that others are in. Make another member an owner first.",
  ],
  spends_open: ["state", "An autopilot of yours has amounts set aside that have not ended. Wait for them."],
  funds_reserved: [
    "state",
    "Money of yours is bound by work that goes on. Cancel the runs, or wait for them.",
  ],
  funds_held: [
    "state",
    "Your organisations have money. Spend it first, or give it up by `give_up_funds`: nobody gets it back.",
  ],
};

function refusal(reason: DeletionRefusal): Refusal {
  const [rule, detail] = DETAILS[reason];
  return { kind: "refused", rule, reason, detail };
}

// What tests of organisations share: making one, asking people in, and their saying yes.

import assert from "node:assert/strict";
import { signIn, type SignedIn } from "./access.ts";
import type { Answer, Harness } from "./harness.ts";

/** An organisation of the person's; answers its id. */
export async function makeOrg(control: Harness, owner: SignedIn, slug = newSlug()): Promise<string> {
  const made = await control.post("/api/orgs", { name: "Team", slug }, { token: await owner.token() });
  assert.equal(made.status, 201, made.text);
  return String(made.json.membership.org_id);
}

export function newSlug(): string {
  return `team-${crypto.randomUUID().slice(0, 8)}`;
}

export async function invite(
  control: Harness,
  by: SignedIn,
  org: string,
  email: string,
  role: string,
): Promise<Answer> {
  return control.post(`/api/orgs/${org}/invitations`, { email, role }, { token: await by.token(org) });
}

export async function accept(control: Harness, person: SignedIn, invitationId: string): Promise<Answer> {
  return control.post(`/api/invitations/${invitationId}/accept`, {}, { token: await person.token() });
}

/** Somebody who has come in by an invitation. */
export async function join(
  control: Harness,
  owner: SignedIn,
  org: string,
  email: string,
  role: string,
): Promise<SignedIn> {
  const invited = await invite(control, owner, org, email, role);
  assert.equal(invited.status, 201, invited.text);
  const person = await signIn(control, email);
  const accepted = await accept(control, person, invited.json.invitation_id);
  assert.equal(accepted.status, 200, accepted.text);
  return person;
}

export async function setRole(control: Harness, by: SignedIn, org: string, userId: string, role: string) {
  const path = `/api/orgs/${org}/members/${userId}/role`;
  return control.post(path, { role }, { token: await by.token(org) });
}

export async function remove(control: Harness, by: SignedIn, org: string, userId: string) {
  return control.post(`/api/orgs/${org}/members/${userId}/remove`, {}, { token: await by.token(org) });
}

export async function leave(control: Harness, person: SignedIn, org: string): Promise<Answer> {
  return control.post(`/api/orgs/${org}/leave`, {}, { token: await person.token() });
}

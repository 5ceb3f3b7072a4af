// The part of better-auth that has an address: what is not in this list is not
// mounted. Beside each route stands how often it may be tried, what of its body
// is taken, and what is written down when it has changed something.

import { ProblemError } from "@openagents/contracts";
import type { Rule } from "./throttle.ts";

export type Body = Readonly<Record<string, unknown>>;

export type AuthRoute = {
  readonly verb: "GET" | "POST";
  /** Under `/api/auth`. */
  readonly path: string;
  /** Counted by address, and by account where `account` names one. */
  readonly rule?: Rule;
  /** Whose tries these are, where the body says so; the signed-in user's when absent. */
  readonly account?: (body: Body) => string | undefined;
  /** What of the body better-auth gets to see; all of it when absent. Throws 400. */
  readonly take?: (body: Body) => Body;
  /** Whether it is a way in, which there is none of but one when an identity provider is set. */
  readonly signsIn?: true;
  /** Whose tries of these are given back by its success. */
  readonly forgives?: readonly Rule[];
  /** OAuth clients send forms (RFC 8628, section 3.1). */
  readonly form?: true;
  /** Written down when it has succeeded. */
  readonly audit?: string;
};

export const AUTH_ROUTES: readonly AuthRoute[] = [
  {
    verb: "POST",
    path: "/email-otp/send-verification-otp",
    rule: "send_code",
    account: emailOf,
    take: (body) => ({ email: requireEmail(body), type: requireSignIn(body) }),
    signsIn: true,
  },
  {
    verb: "POST",
    path: "/sign-in/email-otp",
    rule: "try_code",
    account: emailOf,
    forgives: ["send_code", "try_code"],
    take: (body) => ({
      email: requireEmail(body),
      otp: requireText(body, "otp", 1, 32),
      ...("name" in body ? { name: requireText(body, "name", 0, NAME_LENGTH_MAX) } : {}),
    }),
    signsIn: true,
  },
  { verb: "POST", path: "/sign-out" },
  { verb: "GET", path: "/get-session" },
  {
    verb: "POST",
    path: "/update-user",
    take: (body) => ({ name: requireText(body, "name", 0, NAME_LENGTH_MAX) }),
    audit: "user.renamed",
  },

  { verb: "GET", path: "/passkey/generate-register-options" },
  { verb: "POST", path: "/passkey/verify-registration", rule: "passkey", audit: "passkey.added" },
  { verb: "GET", path: "/passkey/generate-authenticate-options", rule: "passkey", signsIn: true },
  {
    verb: "POST",
    path: "/passkey/verify-authentication",
    rule: "passkey",
    take: requireUserVerified,
    signsIn: true,
  },
  { verb: "GET", path: "/passkey/list-user-passkeys" },
  { verb: "POST", path: "/passkey/delete-passkey", audit: "passkey.removed" },
  { verb: "POST", path: "/passkey/update-passkey", audit: "passkey.renamed" },

  { verb: "POST", path: "/organization/set-active" },
  { verb: "GET", path: "/organization/list" },
  { verb: "GET", path: "/organization/get-full-organization" },
  { verb: "GET", path: "/organization/list-members" },
  { verb: "GET", path: "/organization/get-active-member" },
  { verb: "GET", path: "/organization/get-invitation" },
  { verb: "GET", path: "/organization/list-invitations" },
  { verb: "GET", path: "/organization/list-user-invitations" },

  { verb: "POST", path: "/device/code", rule: "device_code", form: true },
  { verb: "POST", path: "/device/token", rule: "device_poll", form: true },
  { verb: "GET", path: "/device", rule: "user_code" },
  { verb: "POST", path: "/device/approve", rule: "user_code", audit: "device_code.approved" },
  { verb: "POST", path: "/device/deny", rule: "user_code", audit: "device_code.denied" },
];

/**
 * What better-auth would do beside the one door: who is in an organisation is
 * changed by commands of ours alone, which commit with their audit entry.
 */
export const COMMANDS_INSTEAD: readonly { readonly path: string; readonly command: string }[] = [
  { path: "/organization/create", command: "POST /api/orgs" },
  { path: "/organization/update", command: "PATCH /api/orgs/{org_id}" },
  { path: "/organization/invite-member", command: "POST /api/orgs/{org_id}/invitations" },
  {
    path: "/organization/cancel-invitation",
    command: "POST /api/orgs/{org_id}/invitations/{invitation_id}/cancel",
  },
  { path: "/organization/accept-invitation", command: "POST /api/invitations/{invitation_id}/accept" },
  { path: "/organization/reject-invitation", command: "POST /api/invitations/{invitation_id}/decline" },
  { path: "/organization/update-member-role", command: "POST /api/orgs/{org_id}/members/{user_id}/role" },
  { path: "/organization/remove-member", command: "POST /api/orgs/{org_id}/members/{user_id}/remove" },
  { path: "/organization/leave", command: "POST /api/orgs/{org_id}/leave" },
  { path: "/delete-user", command: "POST /api/me/delete" },
];

const NAME_LENGTH_MAX = 100;

function emailOf(body: Body): string | undefined {
  const email = body["email"];
  return typeof email === "string" ? email.trim().toLowerCase() : undefined;
}

function requireEmail(body: Body): string {
  const email = emailOf(body);
  if (email === undefined || email.length > 254 || !/^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email))
    throw invalid("email", "Send `email`: one address.");
  return email;
}

function requireSignIn(body: Body): "sign-in" {
  if (body["type"] !== "sign-in") throw invalid("type", "Codes are for signing in: send `type`: `sign-in`.");
  return "sign-in";
}

function requireText(body: Body, field: string, lengthMin: number, lengthMax: number): string {
  const text = body[field];
  if (typeof text !== "string" || text.length < lengthMin || text.length > lengthMax || /\p{Cc}/u.test(text))
    throw invalid(field, `Send \`${field}\`: a text of ${lengthMin} to ${lengthMax} characters on one line.`);
  return text;
}

/** The flags of authenticator data (WebAuthn, section 6.1). */
const FLAGS_OFFSET = 32;
const USER_VERIFIED = 0x04;

/**
 * A passkey signs in only when it has verified its person, by a PIN or a finger.
 * The flag is signed; whether the signature is good is checked after this.
 */
function requireUserVerified(body: Body): Body {
  const assertion = body["response"];
  const response = isBody(assertion) ? assertion["response"] : undefined;
  const encoded = isBody(response) ? response["authenticatorData"] : undefined;
  if (typeof encoded !== "string") throw invalid("response", "Send `response`: the passkey's assertion.");
  const flags = Buffer.from(encoded, "base64url")[FLAGS_OFFSET] ?? 0;
  if ((flags & USER_VERIFIED) === 0) {
    throw new ProblemError({
      status: 403,
      code: "user_not_verified",
      detail:
        "The passkey has not verified who is using it. Set a PIN or biometrics on it, and sign in again.",
    });
  }
  return body;
}

export function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(field: string, message: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: "invalid_request",
    detail: message,
    fieldErrors: [{ field, code: "invalid", message }],
  });
}

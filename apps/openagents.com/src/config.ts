import {
  ConfigError,
  keyVariable,
  portVariable,
  requiredVariable,
  urlVariable,
  type Environment,
} from "@openagents/service";
import type { JWK } from "jose";

/** How codes and invitations reach people. */
export type MailSettings =
  /** Nowhere: they are kept for `/dev/mail`, which is there on loopback only. */
  | { readonly kind: "development" }
  | { readonly kind: "smtp"; readonly url: string; readonly from: string }
  | { readonly kind: "resend"; readonly apiKey: string; readonly from: string; readonly baseUrl?: string };

export type WorkOsSettings = {
  readonly apiKey: string;
  readonly clientId: string;
  /** Of a stand-in; WorkOS itself when absent. */
  readonly baseUrl?: string;
};

/** How this installation is registered at Google; the addresses are a stand-in's, and Google's own when absent. */
export type GoogleSettings = {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly authorizeUrl?: string | undefined;
  readonly tokenUrl?: string | undefined;
  readonly apiUrl?: string | undefined;
};

export type ControlConfig = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where browsers reach this service, without a slash at its end; `http://localhost:PORT` when absent, because passkeys refuse bare addresses. */
  readonly publicUrl?: string | undefined;
  /** Of the service's own role, which may not alter the schema. */
  readonly databaseUrl: string;
  /** Of the role that owns the schema; migrations run at start when it is given. */
  readonly ownerDatabaseUrl?: string | undefined;
  /** Ed25519, private: the first signs access tokens, all are published, so that a rotation overlaps. */
  readonly tokenKeys: readonly JWK[];
  readonly issuer: string;
  readonly audience: string;
  /** 32 bytes in hex, secp256k1: signs this service's receipts. */
  readonly receiptSigningKey: string;
  /** 32 bytes in hex: signs cookies. */
  readonly authSecret: string;
  /** 32 bytes in hex each: the first seals integration secrets, all open them, so that a rotation overlaps. */
  readonly sealingKeys: readonly string[];
  readonly mail: MailSettings;
  /** `whsec_…`, by which Resend signs what became of mail; absent: it is not taken. */
  readonly resendWebhookSecret?: string | undefined;
  /** The only way to sign in, where it is set. */
  readonly workOs?: WorkOsSettings | undefined;
  /** Absent: mailboxes are connected by IMAP alone. */
  readonly google?: GoogleSettings | undefined;
  /** Addresses whose `X-Forwarded-For` is believed; nobody's when empty. */
  readonly trustedProxies: readonly string[];
  /** Origins of pages elsewhere that may call with a token; nobody's when absent. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** People who operate this installation, by address; they hold the scope `admin`. */
  readonly operators: readonly string[];
  /** Why the service begins in maintenance, which an operator ends; it does not when absent. */
  readonly maintenance?: string | undefined;
  /** Where the runtime is, without a slash at its end. */
  readonly runtimeUrl: string;
  /** Where browsers reach the sync server. */
  readonly syncUrl: string;
  /** Where the desktop app is downloaded; the page says that it is not there when absent. */
  readonly desktopDownloadUrl?: string | undefined;
  /** Whose laptop this is: made at start, signed in by a link that is printed there. */
  readonly localOwner?: { readonly userId: string; readonly orgId: string } | undefined;
  /** Whether the pages of development are there; only on loopback. */
  readonly development: boolean;
  readonly version: string;
};

/** The configuration of a control service that runs alone. Throws `ConfigError` naming the first variable that is wrong. */
export function configFromEnv(env: Environment): ControlConfig {
  return {
    host: env["CONTROL_HOST"] ?? "127.0.0.1",
    port: portVariable(env, "CONTROL_PORT", 8787),
    publicUrl: optionalUrl(env, "CONTROL_PUBLIC_URL"),
    databaseUrl: requiredVariable(
      env,
      "DATABASE_URL",
      "the PostgreSQL database of the control service, as its own role",
    ),
    ownerDatabaseUrl: env["OWNER_DATABASE_URL"],
    tokenKeys: tokenKeysOf(
      requiredVariable(env, "CONTROL_TOKEN_KEYS", "the Ed25519 keys that sign access tokens, as a JWK set"),
    ),
    issuer: requiredVariable(env, "OPENAGENTS_ISSUER", "the issuer of access tokens"),
    audience: env["OPENAGENTS_AUDIENCE"] ?? "openagents",
    receiptSigningKey: keyVariable(env, "CONTROL_RECEIPT_KEY", "the secp256k1 key that signs receipts"),
    authSecret: keyVariable(env, "CONTROL_AUTH_SECRET", "the secret that signs cookies"),
    sealingKeys: sealingKeysOf(
      requiredVariable(
        env,
        "CONTROL_SEALING_KEYS",
        "the keys that seal secrets of integrations, newest first, 64 hex digits each",
      ),
    ),
    mail: mailOf(env),
    resendWebhookSecret: webhookSecretOf(env),
    workOs: workOsOf(env),
    google: googleFromEnv(env),
    trustedProxies: listOf(env["CONTROL_TRUSTED_PROXIES"]),
    allowedOrigins: listOf(env["CONTROL_ALLOWED_ORIGINS"]),
    operators: listOf(env["CONTROL_OPERATORS"]).map((address) => address.toLowerCase()),
    maintenance: optionalText(env, "CONTROL_MAINTENANCE"),
    runtimeUrl: urlVariable(
      "RUNTIME_URL",
      requiredVariable(env, "RUNTIME_URL", "the address of the runtime service"),
    ),
    syncUrl: urlVariable(
      "SYNC_URL",
      requiredVariable(env, "SYNC_URL", "the address of the sync server, as browsers reach it"),
    ),
    desktopDownloadUrl: optionalUrl(env, "OA_DESKTOP_DOWNLOAD_URL"),
    development: false,
    version: env["OPENAGENTS_VERSION"] ?? "0.1.0",
  };
}

function optionalUrl(env: Environment, name: string): string | undefined {
  const text = env[name];
  return text === undefined || text === "" ? undefined : urlVariable(name, text);
}

/** Set to a reason, such as `moving the database`. */
function optionalText(env: Environment, name: string): string | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (text.length > 200 || /\p{Cc}/u.test(text))
    throw new ConfigError(`${name} must be one line of 200 characters at most.`);
  return text;
}

function listOf(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function tokenKeysOf(text: string): JWK[] {
  const keys = parseKeySet(text);
  const usable = keys?.every(
    (key) =>
      key.kty === "OKP" &&
      key.crv === "Ed25519" &&
      typeof key.d === "string" &&
      typeof key.kid === "string" &&
      key.kid !== "",
  );
  if (keys === undefined || keys.length === 0 || usable !== true) {
    throw new ConfigError(
      'CONTROL_TOKEN_KEYS must be {"keys": […]} of private Ed25519 keys, each with a kid, the one that signs first.',
    );
  }
  return keys;
}

function parseKeySet(text: string): JWK[] | undefined {
  try {
    const { keys } = JSON.parse(text);
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    return undefined;
  }
}

function sealingKeysOf(text: string): string[] {
  const keys = listOf(text);
  if (keys.length > 0 && keys.every((key) => /^[0-9a-f]{64}$/.test(key))) return keys;
  throw new ConfigError("CONTROL_SEALING_KEYS must be keys of 64 hex digits, with commas between them.");
}

function mailOf(env: Environment): MailSettings {
  const from = () =>
    requiredVariable(env, "CONTROL_MAIL_FROM", "who mail is from, such as OpenAgents <hello@example.org>");
  const smtp = env["CONTROL_SMTP_URL"];
  if (smtp !== undefined && smtp !== "") {
    if (!URL.canParse(smtp) || !/^smtps?:/.test(smtp))
      throw new ConfigError("CONTROL_SMTP_URL must be an smtp(s) address.");
    return { kind: "smtp", url: smtp, from: from() };
  }
  const apiKey = env["CONTROL_RESEND_API_KEY"];
  if (apiKey !== undefined && apiKey !== "") return { kind: "resend", apiKey, from: from() };
  throw new ConfigError("Set CONTROL_SMTP_URL or CONTROL_RESEND_API_KEY: how sign-in codes reach people.");
}

function webhookSecretOf(env: Environment): string | undefined {
  const secret = env["CONTROL_RESEND_WEBHOOK_SECRET"];
  if (secret === undefined || secret === "") return undefined;
  if (/^whsec_[A-Za-z0-9+/]{16,}=*$/.test(secret)) return secret;
  throw new ConfigError("CONTROL_RESEND_WEBHOOK_SECRET must be whsec_ and base64, as Resend shows it.");
}

/** How this installation is registered at Google; undefined where it is not. */
export function googleFromEnv(env: Environment): GoogleSettings | undefined {
  const clientId = env["GOOGLE_OAUTH_CLIENT_ID"];
  if (clientId === undefined || clientId === "") return undefined;
  return {
    clientId,
    clientSecret: requiredVariable(
      env,
      "GOOGLE_OAUTH_CLIENT_SECRET",
      "the secret of the client that GOOGLE_OAUTH_CLIENT_ID names",
    ),
    authorizeUrl: optionalUrl(env, "GOOGLE_OAUTH_AUTHORIZE_URL"),
    tokenUrl: optionalUrl(env, "GOOGLE_OAUTH_TOKEN_URL"),
    apiUrl: optionalUrl(env, "GOOGLE_GMAIL_API_BASE_URL"),
  };
}

function workOsOf(env: Environment): WorkOsSettings | undefined {
  const apiKey = env["WORKOS_API_KEY"];
  if (apiKey === undefined || apiKey === "") return undefined;
  const clientId = requiredVariable(env, "WORKOS_CLIENT_ID", "the client that WORKOS_API_KEY belongs to");
  const baseUrl = optionalUrl(env, "WORKOS_BASE_URL");
  return { apiKey, clientId, ...(baseUrl === undefined ? {} : { baseUrl }) };
}

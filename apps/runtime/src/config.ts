import {
  ConfigError,
  keyVariable,
  portVariable,
  requiredVariable,
  serviceToken,
  urlVariable,
  type Environment,
  type KeySource,
} from "@openagents/service";
import type { ArtifactQuota, S3Settings } from "./artifacts/index.ts";
import { parseLimits, type Limits } from "./rate-limits/index.ts";

export type SpacetimeSettings = {
  /** An http(s) address without a slash at its end. */
  readonly url: string;
  readonly database: string;
  /** Of the only identity that the module lets append. */
  readonly token: string | undefined;
};

export type RevocationSource = {
  readonly url: string;
  /** Of a service that holds `revocations:read`. */
  readonly token: () => string | Promise<string>;
};

export type RuntimeConfig = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Of the service's own role, which may not alter the schema. */
  readonly databaseUrl: string;
  /** Of the role that owns the schema; migrations run at start when it is given. */
  readonly ownerDatabaseUrl?: string | undefined;
  /** What arrives is there at first; what is kept too, unless there is an object store. */
  readonly artifactsDir: string;
  /** The object store that keeps artifacts in place of the folder. */
  readonly s3?: S3Settings | undefined;
  /** What each organisation may store; an ordinary amount when absent. */
  readonly artifactQuota?: ArtifactQuota | undefined;
  readonly jwks: KeySource;
  readonly issuer: string;
  readonly audience: string;
  /** Control, which tells of tokens that were taken back; until it is heard no command is taken. Nothing is taken back where it is absent. */
  readonly revocations?: RevocationSource | undefined;
  /** 32 bytes in hex, secp256k1. */
  readonly receiptSigningKey: string;
  /** Names the transparency log: a URL without its scheme, such as `runtime.example.org/log`. */
  readonly logOrigin: string;
  /** 32 bytes in hex, Ed25519: signs the log's checkpoints. */
  readonly logSigningKey: string;
  /** Whether admins may credit demo money. */
  readonly demoGrants: boolean;
  /** How much an organisation may ask of the market at once; generous when absent. */
  readonly rateLimits?: Limits | undefined;
  /** How often reservations whose time is over are looked at; 10 s when absent. */
  readonly reconcileEveryMs?: number;
  /** How often leases that may have lapsed are looked at; 5 s when absent. */
  readonly leaseSweepEveryMs?: number;
  /** How often heads of streams enter the log; a minute when absent. */
  readonly streamSweepEveryMs?: number;
  /** A SpacetimeDB server that streams are handed to; our own sync server needs none. */
  readonly spacetime?: SpacetimeSettings | undefined;
  /** Where the sync servers are, for whoever asks how delivery is doing; none when absent. */
  readonly syncServerUrls?: (() => readonly string[]) | undefined;
  /** How often jobs whose buyer has gone away are looked for; 5 s when absent. */
  readonly stalledEveryMs?: number;
  /** Where providers reach this runtime; the address that it listens at when absent. */
  readonly publicUrl?: string | undefined;
  /** Whether providers on this machine may be called: for the stack of a laptop. */
  readonly pushToLoopback: boolean;
  readonly version: string;
};

/** The configuration of a runtime that runs alone. Throws `ConfigError` naming the first variable that is wrong. */
export function configFromEnv(env: Environment): RuntimeConfig {
  const logOrigin = requiredVariable(
    env,
    "RUNTIME_LOG_ORIGIN",
    "the log's name, such as runtime.example.org/log",
  );
  if (!/^[^\s+]{1,200}$/.test(logOrigin))
    throw new ConfigError("RUNTIME_LOG_ORIGIN must be a name without spaces and plus.");
  return {
    host: env["RUNTIME_HOST"] ?? "127.0.0.1",
    port: portVariable(env, "RUNTIME_PORT", 4100),
    databaseUrl: requiredVariable(
      env,
      "DATABASE_URL",
      "the PostgreSQL database of the runtime, as its own role",
    ),
    ownerDatabaseUrl: env["OWNER_DATABASE_URL"],
    artifactsDir: requiredVariable(env, "RUNTIME_ARTIFACTS_DIR", "the folder that artifacts are kept in"),
    s3: s3FromEnv(env),
    jwks: {
      url: requiredVariable(env, "OPENAGENTS_JWKS_URL", "the address of the keys that sign access tokens"),
    },
    issuer: requiredVariable(env, "OPENAGENTS_ISSUER", "the issuer of access tokens"),
    audience: env["OPENAGENTS_AUDIENCE"] ?? "openagents",
    revocations: revocationsFromEnv(env),
    receiptSigningKey: keyVariable(env, "RUNTIME_RECEIPT_KEY", "the secp256k1 key that signs receipts"),
    logOrigin,
    logSigningKey: keyVariable(env, "RUNTIME_LOG_KEY", "the Ed25519 key that signs the log's checkpoints"),
    demoGrants: false,
    spacetime: spacetimeFromEnv(env),
    syncServerUrls: syncServersFromEnv(env),
    publicUrl: publicUrlOf(env["RUNTIME_PUBLIC_URL"]),
    pushToLoopback: false,
    rateLimits: limitsOf(env["RUNTIME_RATE_LIMITS"] ?? ""),
    version: env["OPENAGENTS_VERSION"] ?? "0.1.0",
  };
}

function revocationsFromEnv(env: Environment): RevocationSource {
  const url = urlVariable(
    "CONTROL_URL",
    requiredVariable(env, "CONTROL_URL", "the address of the control service, which tells of revocations"),
  );
  const apiKey = requiredVariable(
    env,
    "CONTROL_SERVICE_KEY",
    "a key of this service at control, with the scope revocations:read",
  );
  return { url, token: serviceToken({ controlUrl: url, apiKey, nowMs: Date.now }) };
}

function publicUrlOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : urlVariable("RUNTIME_PUBLIC_URL", text);
}

function limitsOf(text: string): Limits {
  try {
    return parseLimits(text);
  } catch (cause) {
    throw new ConfigError(`RUNTIME_RATE_LIMITS: ${cause instanceof Error ? cause.message : String(cause)}.`);
  }
}

/** Addresses with commas between them. */
function syncServersFromEnv(env: Environment): (() => readonly string[]) | undefined {
  const urls = (env["SYNC_SERVER_URLS"] ?? "").split(",").filter((url) => url !== "");
  for (const url of urls)
    if (!URL.canParse(url) || !/^https?:[^?#]*[^/?#]$/.test(url))
      throw new ConfigError("SYNC_SERVER_URLS must be http(s) addresses without slashes at their ends.");
  return urls.length === 0 ? undefined : () => urls;
}

/** Undefined when no server is set. */
function spacetimeFromEnv(env: Environment): SpacetimeSettings | undefined {
  const url = env["SPACETIME_URL"];
  if (url === undefined || url === "") return undefined;
  urlVariable("SPACETIME_URL", url);
  const database = env["SPACETIME_DATABASE"] ?? "autopilot-sync";
  if (!/^[0-9a-z-]{1,64}$/.test(database))
    throw new ConfigError("SPACETIME_DATABASE must be a name of a-z, 0-9 and -.");
  return { url, database, token: env["SPACETIME_TOKEN"] };
}

/** Undefined when no variable of it is set. */
function s3FromEnv(env: Environment): S3Settings | undefined {
  const of = (name: string) => env[`RUNTIME_ARTIFACTS_S3_${name}`];
  if (of("BUCKET") === undefined && of("ENDPOINT") === undefined) return undefined;
  const need = (name: string, meaning: string) =>
    requiredVariable(env, `RUNTIME_ARTIFACTS_S3_${name}`, meaning);
  const endpoint = need("ENDPOINT", "the address of the object store, such as https://s3.example.org");
  if (!URL.canParse(endpoint) || !/^https?:[^?#]*[^/]$/.test(endpoint))
    throw new ConfigError(
      "RUNTIME_ARTIFACTS_S3_ENDPOINT must be an http(s) address without a slash at its end.",
    );
  const prefix = of("PREFIX") ?? "";
  if (!/^([A-Za-z0-9_.-]+\/)*$/.test(prefix))
    throw new ConfigError(
      "RUNTIME_ARTIFACTS_S3_PREFIX must be names that each end in a slash, such as artifacts/.",
    );
  return {
    endpoint,
    bucket: need("BUCKET", "the bucket that keeps artifacts"),
    region: of("REGION") ?? "us-east-1",
    accessKeyId: need("ACCESS_KEY_ID", "the object store's access key"),
    secretAccessKey: need("SECRET_ACCESS_KEY", "the object store's secret key"),
    sessionToken: of("SESSION_TOKEN"),
    prefix,
  };
}

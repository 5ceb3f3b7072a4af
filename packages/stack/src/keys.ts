// The keys of a laptop stack, made once per data directory and kept beside the
// data that they signed: losing them would orphan every receipt.

import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { formatNoteKey, noteKeyOf, publicKeyOf } from "@openagents/receipts";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import type { DataDir } from "./data-dir.ts";
import { makePrivateFolder, readIfExists, writePrivateFile } from "./private-files.ts";
import { StackError } from "./stack-error.ts";

export type StackKeys = {
  /** Distinguishes this stack's owner and organisation from another's. */
  readonly localId: string;
  /** Ed25519, signs access tokens. */
  readonly tokenKey: JWK;
  /** 32 bytes in hex, secp256k1: signs receipts. */
  readonly receiptKey: string;
  /** 32 bytes in hex, Ed25519: signs checkpoints of the transparency log. */
  readonly logKey: string;
  /** x-only public key of `receiptKey`: what others pin. */
  readonly operatorKey: string;
  readonly databaseOwnerPassword: string;
  readonly databaseAppPassword: string;
  /** Of the sync server's roles; it knows no other. */
  readonly databaseSyncPassword: string;
  readonly control: ControlKeys;
};

/** Of the control service, and of nobody else. */
export type ControlKeys = {
  /** 32 bytes in hex, secp256k1: signs its receipts. */
  readonly receiptKey: string;
  /** 32 bytes in hex: signs cookies. */
  readonly authSecret: string;
  /** 32 bytes in hex: seals secrets of integrations. */
  readonly sealingKey: string;
  readonly databasePassword: string;
};

/**
 * Read the keys of a data directory, making them all when there are none. They
 * appear together or not at all: a single one that is missing later was lost, and
 * a new one in its place would disown what the old one signed.
 */
export async function loadOrCreateKeys(dataDir: DataDir): Promise<StackKeys> {
  makePrivateFolder(dataDir.root);
  if (!existsSync(dataDir.keys)) await createKeys(dataDir);
  addLaterKeys(dataDir);
  return loadKeys(dataDir);
}

async function createKeys(dataDir: DataDir): Promise<void> {
  const draft = mkdtempSync(`${dataDir.keys}.draft-`);
  try {
    const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    const jwk = await exportJWK(privateKey);
    const key = { ...jwk, alg: "EdDSA", use: "sig", kid: await calculateJwkThumbprint(jwk) };
    writePrivateFile(join(draft, "token.json"), `${JSON.stringify(key)}\n`);
    for (const [file, bytes] of HEX_FILES) {
      writePrivateFile(join(draft, file), `${randomBytes(bytes).toString("hex")}\n`);
    }
    renameSync(draft, dataDir.keys);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Someone else made them in the meantime, and theirs are as good.
    if (!existsSync(dataDir.keys)) throw error;
  }
}

/**
 * Directories from before there was a log, sync or control get their keys. In place of a
 * log's that was lost it is of no use: the database knows its log's key, and the
 * runtime does not start with another.
 */
function addLaterKeys(dataDir: DataDir): void {
  for (const file of [LOG_FILE, SYNC_FILE, ...Object.values(CONTROL_FILES)]) {
    const path = join(dataDir.keys, file);
    if (!existsSync(path)) writePrivateFile(path, `${randomBytes(32).toString("hex")}\n`);
  }
}

/** Read the keys of a data directory. Throws `no_stack_here` when none were made yet. */
export function loadKeys(dataDir: DataDir): StackKeys {
  if (!existsSync(dataDir.keys)) {
    throw new StackError(
      "no_stack_here",
      `${dataDir.root} has no stack yet`,
      "run `openagents up` first, or name its folder with --data-dir",
    );
  }
  const receiptKey = readHex(dataDir, "receipts.hex");
  return {
    localId: readHex(dataDir, "local-id.hex"),
    tokenKey: readTokenKey(dataDir),
    receiptKey,
    logKey: readHex(dataDir, LOG_FILE),
    operatorKey: publicKeyOf(receiptKey),
    databaseOwnerPassword: readHex(dataDir, "database-owner.hex"),
    databaseAppPassword: readHex(dataDir, "database-app.hex"),
    databaseSyncPassword: readHex(dataDir, SYNC_FILE),
    control: {
      receiptKey: readHex(dataDir, CONTROL_FILES.receipts),
      authSecret: readHex(dataDir, CONTROL_FILES.auth),
      sealingKey: readHex(dataDir, CONTROL_FILES.sealing),
      databasePassword: readHex(dataDir, CONTROL_FILES.database),
    },
  };
}

/** Names the log of this stack; nobody else's is called so. */
export function logOriginOf(keys: StackKeys): string {
  return `openagents.local/${keys.localId}`;
}

/** What others verify this stack's log with. */
export function logKeyOf(keys: StackKeys): string {
  return formatNoteKey(noteKeyOf(logOriginOf(keys), keys.logKey));
}

/** What services verify tokens with. */
export function publicTokenKey(keys: StackKeys): JWK {
  const { d: _private, ...shared } = keys.tokenKey;
  return shared;
}

const LOG_FILE = "log.hex";
const SYNC_FILE = "database-sync.hex";

const CONTROL_FILES = {
  receipts: "control-receipts.hex",
  auth: "control-auth.hex",
  sealing: "control-sealing.hex",
  database: "database-control.hex",
} as const;

const HEX_FILES = [
  ["local-id.hex", 8],
  ["receipts.hex", 32],
  [LOG_FILE, 32],
  ["database-owner.hex", 32],
  ["database-app.hex", 32],
  [SYNC_FILE, 32],
  [CONTROL_FILES.receipts, 32],
  [CONTROL_FILES.auth, 32],
  [CONTROL_FILES.sealing, 32],
  [CONTROL_FILES.database, 32],
] as const;

type HexFile = (typeof HEX_FILES)[number][0];

function readHex(dataDir: DataDir, file: HexFile): string {
  const text = readIfExists(join(dataDir.keys, file))?.trim() ?? "";
  const bytes = HEX_FILES.find(([name]) => name === file)?.[1] ?? 0;
  if (!/^[0-9a-f]+$/.test(text) || text.length !== bytes * 2) throw damaged(dataDir, file);
  return text;
}

function readTokenKey(dataDir: DataDir): JWK {
  try {
    const key: JWK = JSON.parse(readIfExists(join(dataDir.keys, "token.json")) ?? "");
    if (
      key.kty === "OKP" &&
      key.crv === "Ed25519" &&
      typeof key.d === "string" &&
      typeof key.kid === "string"
    ) {
      return key;
    }
  } catch {
    // Falls through: not JSON is as damaged as JSON of another shape.
  }
  throw damaged(dataDir, "token.json");
}

function damaged(dataDir: DataDir, file: string): StackError {
  return new StackError(
    "key_damaged",
    `${join(dataDir.keys, file)} is missing or damaged`,
    "restore it from a backup, or start anew with another --data-dir",
  );
}

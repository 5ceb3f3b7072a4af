// C2SP signed notes: a text, a blank line, and a line for each signature. Read
// strictly, so that one note has one spelling; signatures by keys that the
// reader does not know say nothing and are passed over.

import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { sha256 } from "../sha256.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { isHex } from "../hash.ts";

/** Why a text is not a note, or not one by the key. */
export type NoteFault = "malformed" | "unsigned" | "forged";

export class NoteError extends Error {
  override readonly name = "NoteError";
  readonly code: NoteFault;

  constructor(code: NoteFault, message: string) {
    super(message);
    this.code = code;
  }
}

export type NoteSignature = {
  readonly keyName: string;
  readonly keyId: string;
  readonly signature: Uint8Array;
};

export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] };

/** An Ed25519 key that notes are verified with. */
export type NoteKey = { readonly name: string; readonly keyId: string; readonly publicKey: Uint8Array };

const ED25519 = Uint8Array.of(1);
const NOTE_CHARS_MAX = 64 * 1024;
const SIGNATURES_MAX = 64;

/** The key of a 32-byte secret in hex. Throws RangeError, without saying the secret, when it is none. */
export function noteKeyOf(name: string, secretKey: string): NoteKey {
  if (!isHex(secretKey, 64)) throw new RangeError("a secret key is 64 lower-case hex digits");
  if (!isKeyName(name)) throw new RangeError(`\`${name}\` is no key name: it has no spaces and no plus`);
  const publicKey = ed25519.getPublicKey(hexToBytes(secretKey));
  return { name, keyId: keyIdOf(name, publicKey), publicKey };
}

/** `name+keyid+base64(0x01 ‖ public key)`: the form in which note keys are published. */
export function formatNoteKey({ name, keyId, publicKey }: NoteKey): string {
  return `${name}+${keyId}+${encodeBase64(concatBytes(ED25519, publicKey))}`;
}

/** Throws RangeError for every text but one that `formatNoteKey` gives. */
export function parseNoteKey(text: string): NoteKey {
  const [name = "", keyId = "", ...rest] = text.split("+");
  const bytes = decodeBase64(rest.join("+"));
  if (!isKeyName(name) || bytes?.length !== 33 || bytes[0] !== 1)
    throw new RangeError(`\`${text.slice(0, 200)}\` is not an Ed25519 key of a signed note`);
  const publicKey = bytes.slice(1);
  if (keyId !== keyIdOf(name, publicKey)) throw new RangeError(`the key of ${name} has another key id`);
  return { name, keyId, publicKey };
}

/** The text signed by a key; `text` ends with a newline. */
export function signNote(text: string, name: string, secretKey: string): string {
  const { keyId } = noteKeyOf(name, secretKey);
  const signature = ed25519.sign(utf8ToBytes(text), hexToBytes(secretKey));
  const note = `${text}\n— ${name} ${encodeBase64(concatBytes(hexToBytes(keyId), signature))}\n`;
  parseNote(note);
  return note;
}

/** Take a note apart. Throws `NoteError` malformed. */
export function parseNote(note: string): Note {
  // oxlint-disable-next-line no-control-regex
  if (note.length > NOTE_CHARS_MAX || !note.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(note))
    throw new NoteError("malformed", "the note is too long, or holds control characters");
  const end = note.lastIndexOf("\n\n");
  const lines = note.slice(end + 2).split("\n");
  if (end < 0 || lines.pop() !== "" || lines.length === 0 || lines.length > SIGNATURES_MAX)
    throw new NoteError("malformed", "the note does not end in a blank line and signatures");
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const [dash, keyName = "", encoded = "", ...more] = line.split(" ");
  const bytes = decodeBase64(encoded);
  if (dash !== "—" || !isKeyName(keyName) || bytes === undefined || bytes.length < 5 || more.length > 0)
    throw new NoteError("malformed", "a signature line of the note is malformed");
  return { keyName, keyId: bytesToHex(bytes.slice(0, 4)), signature: bytes.slice(4) };
}

/**
 * A note's text, once the key has signed it. Throws `NoteError`: malformed,
 * `unsigned` when no signature is by the key, `forged` when one says so and is not.
 */
export function openNote(note: string, key: NoteKey): string {
  const { text, signatures } = parseNote(note);
  const own = signatures.filter(({ keyName, keyId }) => keyName === key.name && keyId === key.keyId);
  if (own.length === 0) throw new NoteError("unsigned", `the note is not signed by ${key.name}+${key.keyId}`);
  for (const { signature } of own) {
    if (!isSignature(signature, utf8ToBytes(text), key.publicKey))
      throw new NoteError("forged", `a signature that names ${key.name}+${key.keyId} is not by it`);
  }
  return text;
}

function isSignature(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    // By RFC 8032 to the letter: the looser rule of ZIP 215 takes second spellings.
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

function keyIdOf(name: string, publicKey: Uint8Array): string {
  return bytesToHex(sha256(concatBytes(utf8ToBytes(`${name}\n`), ED25519, publicKey))).slice(0, 8);
}

function isKeyName(name: string): boolean {
  return (
    name.length > 0 && name.length <= 200 && name.isWellFormed() && !/[\p{White_Space}+\p{Cc}]/u.test(name)
  );
}

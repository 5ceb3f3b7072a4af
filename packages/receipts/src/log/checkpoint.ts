// C2SP checkpoints: a log's size and root hash as a signed note. Without time or
// other extension lines, which no reader of the log could check: a size has one
// checkpoint, whenever it is signed.

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { HASH_BYTES } from "./merkle.ts";
import { NoteError, openNote, parseNote, signNote, type NoteKey } from "./note.ts";

export type TreeHead = { readonly size: number; readonly root: Uint8Array };

export type Checkpoint = TreeHead & { readonly origin: string };

/** The head of a log, signed; the key's name is the log's origin. */
export function signCheckpoint({ size, root }: TreeHead, origin: string, secretKey: string): string {
  return signNote(`${origin}\n${size}\n${encodeBase64(root)}\n`, origin, secretKey);
}

/** What a checkpoint says once the log's key has signed it. Throws `NoteError`; also for the head of another log. */
export function openCheckpoint(note: string, key: NoteKey): Checkpoint {
  const checkpoint = parseText(openNote(note, key));
  if (checkpoint.origin !== key.name)
    throw new NoteError("malformed", `the checkpoint is of ${checkpoint.origin}, the key of ${key.name}`);
  return checkpoint;
}

/** What a checkpoint says, whoever signed it. Throws `NoteError` malformed. */
export function parseCheckpoint(note: string): Checkpoint {
  return parseText(parseNote(note).text);
}

function parseText(text: string): Checkpoint {
  const [origin = "", digits = "", encoded = "", ...rest] = text.split("\n");
  const root = decodeBase64(encoded);
  const size = Number(digits);
  const extensions = rest.slice(0, -1);
  if (
    origin === "" ||
    !/^(0|[1-9][0-9]{0,15})$/.test(digits) ||
    !Number.isSafeInteger(size) ||
    root?.length !== HASH_BYTES ||
    rest.at(-1) !== "" ||
    extensions.includes("")
  )
    throw new NoteError("malformed", "the note is not a checkpoint");
  return { origin, size, root };
}

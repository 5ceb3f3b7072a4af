// What a client makes of its streams: rows, in one transaction with how far it
// has come. Nothing stops it from applying an event twice but that it does not.

import { DatabaseSync } from "node:sqlite";
import type { Checkpoint, StreamBatch } from "@openagents/spacetime";

export type Effect = { readonly seq: bigint; readonly hash: string; readonly payload: string };

export type Effects = Disposable & {
  apply(batch: StreamBatch): void;
  checkpoint(streamId: string): Checkpoint | undefined;
  /** In the order in which they were applied. */
  list(streamId: string): Effect[];
};

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS effects (place INTEGER PRIMARY KEY, stream TEXT, seq INTEGER, hash TEXT, payload TEXT);
  CREATE TABLE IF NOT EXISTS checkpoints (stream TEXT PRIMARY KEY, seq INTEGER, chain TEXT, base INTEGER);
`;

export function openEffects(file: string): Effects {
  const db = new DatabaseSync(file, { timeout: 10_000 });
  db.exec(SCHEMA);
  const insert = db.prepare("INSERT INTO effects (stream, seq, hash, payload) VALUES (?, ?, ?, ?)");
  const move = db.prepare("REPLACE INTO checkpoints (stream, seq, chain, base) VALUES (?, ?, ?, ?)");
  const find = db.prepare("SELECT seq, chain, base FROM checkpoints WHERE stream = ?");
  const list = db.prepare("SELECT seq, hash, payload FROM effects WHERE stream = ? ORDER BY place");
  return {
    apply({ streamId, events, checkpoint }) {
      db.exec("BEGIN IMMEDIATE");
      try {
        for (const { seq, payloadHash, payload } of events) insert.run(streamId, seq, payloadHash, payload);
        move.run(streamId, checkpoint.seq, checkpoint.chainHash, checkpoint.baseSeq);
        db.exec("COMMIT");
      } catch (error) {
        db.exec("ROLLBACK");
        throw error;
      }
    },
    checkpoint(streamId) {
      const row = find.get(streamId);
      if (row === undefined) return undefined;
      const { seq, chain, base } = row;
      return { streamId, seq: BigInt(Number(seq)), chainHash: String(chain), baseSeq: BigInt(Number(base)) };
    },
    list(streamId) {
      return list.all(streamId).map(({ seq, hash, payload }) => ({
        seq: BigInt(Number(seq)),
        hash: String(hash),
        payload: String(payload),
      }));
    },
    [Symbol.dispose]: () => db.close(),
  };
}

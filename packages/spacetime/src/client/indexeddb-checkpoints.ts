// Checkpoints of one client in a browser's IndexedDB. Saves are durable by the
// strict mode; tabs that share a client's name share its checkpoints, and the
// higher one stays.

import {
  parseCheckpointRecord,
  checkpointRecordOf,
  type CheckpointRecord,
  type CheckpointStore,
} from "./checkpoint.ts";

export type IndexedDbCheckpointsOptions = {
  /** `globalThis.indexedDB` of the page or worker. */
  readonly indexedDb: IndexedDb;
  readonly clientId: string;
};

/** What is used of the Web API; Node's types do not know it. */
export type IndexedDb = { open(name: string, version: number): OpenRequest };
type Request<T> = {
  readonly result: T;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
};
type OpenRequest = Request<Database> & { onupgradeneeded: (() => void) | null };
type Database = {
  createObjectStore(name: string, options: { keyPath: string }): unknown;
  transaction(
    stores: string[],
    mode: "readonly" | "readwrite",
    options?: { durability: "strict" },
  ): Transaction;
};
type Transaction = {
  objectStore(name: string): ObjectStore;
  readonly error: unknown;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
};
type ObjectStore = { get(key: string): Request<unknown>; put(value: CheckpointRecord): unknown };

const STORE = "checkpoints";

/** Open or begin a client's checkpoints. Rejects when the browser refuses to keep anything. */
export async function openIndexedDbCheckpoints(
  options: IndexedDbCheckpointsOptions,
): Promise<CheckpointStore> {
  const opening = options.indexedDb.open(`openagents-sync:${options.clientId}`, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "stream_id" });
  const database = await answerOf(opening);

  return {
    async load(streamId) {
      const transaction = database.transaction([STORE], "readonly");
      const record = await answerOf(transaction.objectStore(STORE).get(streamId));
      return record === undefined ? undefined : parseCheckpointRecord(record);
    },
    async save(checkpoint) {
      const transaction = database.transaction([STORE], "readwrite", { durability: "strict" });
      const ended = endOf(transaction);
      const store = transaction.objectStore(STORE);
      const reading = store.get(checkpoint.streamId);
      reading.onsuccess = () => {
        const known = reading.result === undefined ? undefined : parseCheckpointRecord(reading.result);
        if (known === undefined || known.seq <= checkpoint.seq) store.put(checkpointRecordOf(checkpoint));
      };
      await ended;
    },
  };
}

function answerOf<T>(request: Request<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(new Error(`IndexedDB refused: ${String(request.error)}`));
  });
}

function endOf(transaction: Transaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(new Error(`IndexedDB did not keep it: ${String(transaction.error)}`));
  });
}

// Connections, prepared statements and transactions over `pg`.
//
// PG-1  BEGIN travels with the first statement, COMMIT with the last: a command costs three round trips.
// PG-2  A transaction that did not answer COMMIT is not committed, or its outcome is unknown and said to be.
// PG-3  A connection in doubt never returns to the pool.
// Held by database.pg.test.ts.

import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { encodeArrays } from "./binary-arrays.ts";
import { ConnectionLost, isAbortedTransaction, translateError } from "./errors.ts";
import { listen, type Listener } from "./listen.ts";
import { pipelineOf, type Pipeline } from "./pipeline.ts";
import { mergeWrites, type MergedWrites, type Statement, type Write } from "./statement.ts";

export interface Queryable {
  query<R>(statement: Statement, values?: readonly unknown[]): Promise<R[]>;
}

/** An open transaction. */
export interface Tx extends Queryable {}

export interface OpenTx extends Tx {
  /**
   * Run the writes as one statement and COMMIT, in one round trip. Throws, with
   * everything rolled back, when a write fails; `ConnectionLost` when the
   * connection went away, in which case the commit may have happened.
   */
  commitWith(writes: readonly Write[]): Promise<void>;
  rollback(): Promise<void>;
}

export interface Database extends Queryable {
  /**
   * BEGIN and the first statement in one round trip. The caller ends the
   * transaction. A lock is taken before the first statement, which therefore sees
   * all that was committed by those who held it.
   */
  begin<R>(
    first: Statement,
    values: readonly unknown[],
    lock?: TransactionLock,
  ): Promise<{ tx: OpenTx; rows: R[] }>;
  /** Run a body in a transaction of its own: committed when it returns, rolled back when it throws. */
  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  /** Hear notifications on a channel, over a connection of its own that reconnects; "" after each reconnect. */
  listen(channel: string, handler: (payload: string) => void): Promise<Listener>;
  notify(channel: string, payload: string): Promise<void>;
  close(): Promise<void>;
  readonly stats: { readonly total: number; readonly idle: number; readonly waiting: number };
}

/** An advisory lock that a transaction holds to its end, together with others or alone. */
type TransactionLock = { readonly key: number; readonly held: "shared" | "alone" };

export type DatabaseOptions = {
  readonly url: string;
  readonly applicationName: string;
  /** Connections at most; 20 when absent. */
  readonly connectionsMax?: number;
  /** After which a statement is stuck; 30 s when absent, never when 0. */
  readonly statementTimeoutMs?: number;
};

const CONNECTIONS_MAX = 20;

/** How long a server that does not answer any more is waited for at the end. */
const LETTING_GO_MS_MAX = 2_000;

/** How long a caller waits for a free connection, and a new one for the server. */
const CONNECT_TIMEOUT_MS = 5_000;

/** No statement of ours takes this long in order; one that does is stuck. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * A statement is planned once for a connection, and not again for each execution, which would
 * cost more than most of ours do. Such a plan must hold however the tables grow after it,
 * so it walks an index even where the table is so small yet that reading all of it were cheaper.
 */
const PLANNING = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off";

/** int8 as bigint: money and sequence numbers must not be rounded. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, BigInt);

/** Open a pool. Connections are made when they are needed, so this cannot fail. */
export function connect(options: DatabaseOptions): Database {
  const config = {
    connectionString: options.url,
    application_name: options.applicationName,
    types,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    options: PLANNING,
  };
  const pool = new pg.Pool({ ...config, max: options.connectionsMax ?? CONNECTIONS_MAX, pipeline: true });
  // A connection that dies idle is replaced when the next one is needed.
  pool.on("error", ignoreLoss);
  // From its birth on: a connection that dies between idle and in use is heard by nobody else,
  // and an event of that name that nobody hears ends the process. Queries reject all the same.
  pool.on("connect", (client) => client.on("error", ignoreLoss));

  return {
    async query<R>(statement: Statement, values: readonly unknown[] = []) {
      const { name, text } = statement;
      try {
        const sent = { name, text, values: encodeArrays(statement, values) };
        const result = await pool.query<R & pg.QueryResultRow>(sent);
        return result.rows;
      } catch (error) {
        throw translateError(error);
      }
    },

    async begin<R>(first: Statement, values: readonly unknown[], lock?: TransactionLock) {
      const client = await pool.connect().catch(rethrowTranslated);
      const tx = new PooledTx(client);
      const rows = await tx.beginWith<R>(first, values, lock);
      return { tx, rows };
    },

    async transaction<T>(body: (tx: Tx) => Promise<T>) {
      const client = await pool.connect().catch(rethrowTranslated);
      const tx = new PooledTx(client);
      await tx.beginWith(SELECT_NOTHING, []);
      try {
        const result = await body(tx);
        await tx.commitWith([]);
        return result;
      } catch (error) {
        await tx.rollback();
        throw error;
      }
    },

    listen: (channel, handler) => listen(config, channel, handler),

    async notify(channel, payload) {
      await this.query({ name: "postgres.notify", text: "SELECT pg_notify($1, $2)" }, [channel, payload]);
    },

    async close() {
      // The pool's own end is told before the server has let go of the connections, and
      // a server that is stopped right behind it would find them open.
      let open = pool.totalCount;
      const gone = new Promise<void>((resolve) => {
        if (open === 0) resolve();
        pool.on("remove", () => {
          open -= 1;
          if (open === 0) resolve();
        });
      });
      await pool.end();
      await Promise.race([gone, setTimeout(LETTING_GO_MS_MAX, undefined, { ref: false })]);
    },

    get stats() {
      return { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount };
    },
  };
}

const SELECT_NOTHING: Statement = { name: "postgres.nothing", text: "SELECT" };

class PooledTx implements OpenTx {
  private readonly client: pg.PoolClient;
  private readonly pipeline: Pipeline;
  private released = false;
  /** What broke the transaction: statements sent behind it fail only because of it. */
  private failure: unknown;

  constructor(client: pg.PoolClient) {
    this.client = client;
    this.pipeline = pipelineOf(client);
  }

  async beginWith<R>(first: Statement, values: readonly unknown[], lock?: TransactionLock): Promise<R[]> {
    try {
      const beginning = this.run(BEGIN, []);
      const locking = lock === undefined ? undefined : this.run(LOCKS[lock.held], [lock.key]);
      const [, , rows] = await Promise.all([beginning, locking, this.run<R>(first, values)]);
      return rows;
    } catch (error) {
      await this.rollback();
      throw translateError(error);
    }
  }

  query<R>(statement: Statement, values: readonly unknown[] = []): Promise<R[]> {
    if (this.released) throw new Error(`${statement.name}: the transaction has ended`);
    return this.run<R>(statement, values);
  }

  async commitWith(writes: readonly Write[]): Promise<void> {
    if (this.released) throw new Error("the transaction has ended");
    const merged = await this.merge(writes);
    const writing = merged === undefined ? undefined : this.run(merged.statement, merged.values);
    const committing = this.pipeline.send(COMMIT, []);
    const [written, committed] = await Promise.allSettled([writing, committing]);
    if (written.status === "rejected") {
      await this.rollback();
      throw written.reason;
    }
    if (committed.status === "rejected") {
      this.release(true);
      throw this.failure ?? translateError(committed.reason);
    }
    const { command } = committed.value;
    this.release(command !== "COMMIT");
    if (command !== "COMMIT") throw new Error(`COMMIT answered ${command}: an earlier statement had failed`);
  }

  private async merge(writes: readonly Write[]): Promise<MergedWrites | undefined> {
    try {
      return writes.length === 0 ? undefined : mergeWrites(writes);
    } catch (error) {
      await this.rollback();
      throw error;
    }
  }

  async rollback(): Promise<void> {
    if (this.released) return;
    try {
      this.pipeline.end();
      await this.client.query("ROLLBACK");
      this.release(false);
    } catch {
      this.release(true);
    }
  }

  private async run<R>(statement: Statement, values: readonly unknown[]): Promise<R[]> {
    try {
      const { rows } = await this.pipeline.send<R>(statement, values);
      return rows;
    } catch (error) {
      if (!isAbortedTransaction(error)) this.failure ??= translateError(error);
      throw this.failure ?? error;
    }
  }

  private release(broken: boolean): void {
    if (this.released) return;
    this.released = true;
    this.client.release(broken ? new ConnectionLost("the connection is in doubt") : undefined);
  }
}

const BEGIN: Statement = { name: "postgres.begin", text: "BEGIN" };

const COMMIT: Statement = { name: "postgres.commit", text: "COMMIT" };

/** A statement of its own, so that the one behind it has a snapshot from after the lock. */
const LOCKS: Readonly<Record<TransactionLock["held"], Statement>> = {
  shared: { name: "postgres.lock_shared", text: "SELECT pg_advisory_xact_lock_shared($1::bigint)" },
  alone: { name: "postgres.lock_alone", text: "SELECT pg_advisory_xact_lock($1::bigint)" },
};

function rethrowTranslated(error: unknown): never {
  throw translateError(error);
}

function ignoreLoss(): void {}

// Several statements with one Sync. `pg` ends each statement with a Sync of its
// own, which the server answers with a flush, and that with another turn of the
// event loop: measured, a third of what a short transaction costs in Node.
//
// The statements of one turn of the event loop form a group. A statement that
// ends hands the connection to the next of its group, as the server's answer to
// its own Sync would; the one Sync at the end is answered to the last. When one
// fails, the server skips the rest of the group, and so do we.
//
// Reaches into `pg`, which is pinned to one version for that. Held by database.pg.test.ts.

import type { Duplex } from "node:stream";
import pg from "pg";
import { encodeArrays } from "./binary-arrays.ts";
import type { Statement } from "./statement.ts";

export type Pipeline = {
  /** Rejects with code 25P02 when an earlier statement of the group failed. */
  send<R>(statement: Statement, values: readonly unknown[]): Promise<pg.QueryResult<R & pg.QueryResultRow>>;
  /** End the group now: what is sent behind it is answered in any case. */
  end(): void;
};

type Connection = {
  readonly stream: Duplex;
  execute(config: { readonly portal: string }): void;
  sync(): void;
  emit(event: "readyForQuery" | "errorMessage", message: unknown): void;
};

type Group = { readonly steps: Step[]; failed: boolean };

type Callback = (error: Error | null | undefined, result: unknown) => void;

/** What of `pg.Query` its type does not tell. */
type Internals = {
  handleCommandComplete(message: unknown, connection: Connection): void;
  handleError(error: unknown, connection: Connection): void;
};

const Base = pg.Query as unknown as new (config: object, values: undefined, callback: Callback) => Internals;

class Step extends Base {
  readonly group: Group;

  constructor(config: object, group: Group, callback: Callback) {
    super(config, undefined, callback);
    this.group = group;
  }

  /** `pg` sends Execute and Sync here. */
  _getRows(connection: Connection): void {
    connection.execute({ portal: "" });
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    super.handleCommandComplete(message, connection);
    if (this.group.steps.at(-1) !== this) connection.emit("readyForQuery", IN_TRANSACTION);
  }

  override handleError(error: unknown, connection: Connection): void {
    super.handleError(error, connection);
    const { group } = this;
    // A lost connection is told to each statement by `pg` itself.
    if (group.failed || !(error instanceof pg.DatabaseError)) return;
    group.failed = true;
    for (let next = group.steps.indexOf(this) + 1; next < group.steps.length; next += 1) {
      connection.emit("readyForQuery", IN_TRANSACTION);
      connection.emit("errorMessage", skipped());
    }
  }
}

const IN_TRANSACTION = { status: "T" };

function skipped(): Error {
  return Object.assign(new Error("the statement was skipped, because one before it failed"), {
    code: "25P02",
  });
}

export function pipelineOf(client: pg.PoolClient): Pipeline {
  const { connection } = client as unknown as { readonly connection: Connection };
  let open: Group | undefined;

  function end(): void {
    if (open === undefined) return;
    open = undefined;
    connection.sync();
    connection.stream.uncork();
  }

  function groupOfThisTurn(): Group {
    if (open !== undefined) return open;
    const group: Group = { steps: [], failed: false };
    open = group;
    // One write for all of them.
    connection.stream.cork();
    process.nextTick(() => {
      if (open === group) end();
    });
    return group;
  }

  return {
    send: (statement, values) =>
      new Promise((resolve, reject) => {
        const { name, text } = statement;
        const group = groupOfThisTurn();
        const config = { name, text, values: encodeArrays(statement, values), queryMode: "extended" };
        const step = new Step(config, group, (error, result) => {
          if (error === undefined || error === null) resolve(result as Parameters<typeof resolve>[0]);
          else reject(error);
        });
        group.steps.push(step);
        client.query(step as unknown as pg.Query);
      }),
    end,
  };
}

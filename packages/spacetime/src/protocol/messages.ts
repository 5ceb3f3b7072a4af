// What clients and servers say to each other: the second version of SpacetimeDB's
// client protocol. The order of fields and variants is the wire.

import {
  array,
  bytes,
  i64,
  option,
  product,
  string,
  sum,
  u128,
  u32,
  u8,
  unit,
  type Infer,
} from "../bsatn/index.ts";
import { identity } from "./module.ts";
import { rowList } from "./row-list.ts";

const querySetId = product({ id: u32 });

/** Its variants have numbers of their own, from 0. */
const unsubscribeFlags = sum({ Default: unit, SendDroppedRows: unit });

export const clientMessage = sum({
  Subscribe: product({ requestId: u32, querySetId, queryStrings: array(string) }),
  Unsubscribe: product({ requestId: u32, querySetId, flags: unsubscribeFlags }),
  OneOffQuery: product({ requestId: u32, queryString: string }),
  CallReducer: product({ requestId: u32, flags: u8, reducer: string, args: bytes }),
  CallProcedure: product({ requestId: u32, flags: u8, procedure: string, args: bytes }),
});

export type ClientMessage = Infer<typeof clientMessage>;

const queryRows = product({ tables: array(product({ table: string, rows: rowList })) });

const tableUpdateRows = sum({
  PersistentTable: product({ inserts: rowList, deletes: rowList }),
  EventTable: product({ events: rowList }),
});

export const tableUpdate = product({ tableName: string, rows: array(tableUpdateRows) });

const transactionUpdate = product({
  querySets: array(product({ querySetId, tables: array(tableUpdate) })),
});

const reducerOutcome = sum({
  Ok: product({ retValue: bytes, transactionUpdate }),
  OkEmpty: unit,
  /** A text in BSATN. */
  Err: bytes,
  InternalError: string,
});

const timestamp = product({ __timestamp_micros_since_unix_epoch__: i64 });

export const serverMessage = sum({
  InitialConnection: product({
    identity,
    connectionId: product({ __connection_id__: u128 }),
    token: string,
  }),
  SubscribeApplied: product({ requestId: u32, querySetId, rows: queryRows }),
  UnsubscribeApplied: product({ requestId: u32, querySetId, rows: option(queryRows) }),
  /** Without a request: a subscription that was applied has ended. */
  SubscriptionError: product({ requestId: option(u32), querySetId, error: string }),
  TransactionUpdate: transactionUpdate,
  OneOffQueryResult: product({ requestId: u32, result: sum({ Ok: queryRows, Err: string }) }),
  ReducerResult: product({ requestId: u32, timestamp, result: reducerOutcome }),
  ProcedureResult: product({
    status: sum({ Returned: bytes, InternalError: string }),
    timestamp,
    totalHostExecutionDuration: product({ __time_duration_micros__: i64 }),
    requestId: u32,
  }),
});

export type ServerMessage = Infer<typeof serverMessage>;
export type QueryRows = Infer<typeof queryRows>;
export type TableUpdate = Infer<typeof tableUpdate>;
export type ReducerOutcome = Infer<typeof reducerOutcome>;

export {
  COMPRESSION,
  PROTOCOLS,
  decodeClientFrame,
  decodeServerMessages,
  encodeClientFrames,
  type Compression,
  type Protocol,
} from "./frame.ts";
export { identityHexOf, identityOfHex } from "./identity.ts";
export {
  clientMessage,
  serverMessage,
  tableUpdate,
  type ClientMessage,
  type QueryRows,
  type ReducerOutcome,
  type ServerMessage,
  type TableUpdate,
} from "./messages.ts";
export {
  MODULE_NAME,
  REDUCERS,
  TABLES,
  parseReducerName,
  type ActiveConnectionRow,
  type NostrPresenceClaimRow,
  type ReducerName,
  type StreamCheckpointRow,
  type StreamHeadRow,
  type SyncEventRow,
  type TableName,
} from "./module.ts";
export { QUERY_HELP, formatQuery, parseQuery, type Query } from "./query.ts";
export { concatBytes, readRows, rowListOf, type RowList } from "./row-list.ts";
export { moduleSchemaJson } from "./schema-json.ts";

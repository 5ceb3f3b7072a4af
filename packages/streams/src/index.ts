export {
  CHAIN_START,
  chainStream,
  hashPayload,
  idempotencyKeyOf,
  payloadText,
  payloadTextOf,
  type StreamEvent,
  type StreamPayload,
} from "./event.ts";
export { GRANTS_MAX, decideAccess, isGrant, tenantWanted, type Access, type Grants } from "./grant.ts";
export {
  FAMILIES,
  STREAM_ID_LENGTH_MAX,
  ownerOf,
  parseStreamId,
  retentionOf,
  streamId,
  type Retention,
  type StreamFamily,
  type StreamName,
  type StreamOwner,
} from "./stream-id.ts";

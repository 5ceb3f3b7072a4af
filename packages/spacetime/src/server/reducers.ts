// What a client may call. Nothing here touches the authority (INV-06).

import type { Database } from "@openagents/postgres";
import { decideAccess } from "@openagents/streams";
import { BsatnError, type AlgebraicType, type Codec, type Infer } from "../bsatn/index.ts";
import { REDUCERS, parseReducerName } from "../protocol/index.ts";
import { CHECKPOINTS_MAX, acknowledge } from "./checkpoints.ts";
import { SCOPES, type Claims } from "./claims.ts";
import type { Presence } from "./presence.ts";
import { ReducerRefusal } from "./reducer-refusal.ts";
import { SEQ_MAX } from "./stream-store.ts";
import { isOwnClient } from "./subscriptions.ts";

export type ReducersDeps = {
  readonly checkpointsDb: Database;
  readonly presence: Presence;
  readonly nowMs: () => number;
  /** A checkpoint of this client has moved. */
  readonly onCheckpoint: (clientId: string, identityHex: string) => Promise<void>;
};

/** Reads the arguments of a reducer from wherever they are. Throws `BsatnError`. */
export type ReadArgs = <A>(codec: Codec<A>) => A;

/** Throws `ReducerRefusal` with the text for the caller. */
export async function callReducer(
  deps: ReducersDeps,
  claims: Claims,
  reducer: string,
  readArgs: ReadArgs,
): Promise<void> {
  const name = parseReducerName(reducer);
  const read = <A>(codec: Codec<A>): A => {
    try {
      return readArgs(codec);
    } catch (error) {
      if (error instanceof BsatnError) throw new ReducerRefusal(`invalid arguments: ${error.message}`);
      throw error;
    }
  };
  switch (name) {
    case "heartbeat":
      read(REDUCERS.heartbeat.args);
      return deps.presence.heartbeat(claims.identityHex);
    case "request_nostr_presence_challenge":
      read(REDUCERS.request_nostr_presence_challenge.args);
      return deps.presence.requestChallenge(claims.identityHex);
    case "bind_nostr_presence_identity":
      return deps.presence.bind(claims.identityHex, read(REDUCERS.bind_nostr_presence_identity.args));
    case "ack_stream_checkpoint":
      return acknowledgeCheckpoint(deps, claims, read(REDUCERS.ack_stream_checkpoint.args));
    case "append_sync_event":
      throw new ReducerRefusal(
        "append_refused events are written by whoever owns their stream, together with what they tell of; this server only delivers them",
      );
    case "init":
    case "client_connected":
    case "client_disconnected":
      throw new ReducerRefusal(`${reducer} is called by the server itself`);
    case undefined:
      throw new ReducerRefusal(`no such reducer; there are ${Object.keys(REDUCERS).join(", ")}`);
  }
}

async function acknowledgeCheckpoint(
  deps: ReducersDeps,
  claims: Claims,
  args: Infer<typeof REDUCERS.ack_stream_checkpoint.args>,
): Promise<void> {
  const clientId = args.client_id.trim();
  const streamId = args.stream_id.trim();
  if (clientId === "") throw new ReducerRefusal("client_id is required");
  if (streamId === "") throw new ReducerRefusal("stream_id is required");
  if (!claims.scopes.has(SCOPES.writeCheckpoints)) {
    throw new ReducerRefusal(`missing_scope the token lacks the scope ${SCOPES.writeCheckpoints}`);
  }
  if (clientId.length > 200 || !isOwnClient(claims, clientId)) {
    throw new ReducerRefusal(
      `forbidden_client client_id must be ${claims.sub}, or begin with ${claims.sub}:`,
    );
  }
  if (decideAccess(claims, streamId) === "not_granted") {
    throw new ReducerRefusal(`forbidden_stream the token grants no ${streamId}`);
  }
  if (args.last_applied_seq > SEQ_MAX || args.durable_offset > SEQ_MAX) {
    throw new ReducerRefusal("invalid arguments: there is no event of that number");
  }
  const checkpoint = await acknowledge(deps.checkpointsDb, claims.identityHex, {
    clientId,
    streamId,
    lastAppliedSeq: args.last_applied_seq,
    durableOffset: args.durable_offset,
    updatedAtMs: BigInt(Math.trunc(deps.nowMs())),
  });
  if (checkpoint === undefined) {
    throw new ReducerRefusal(`too_many_checkpoints an identity has ${CHECKPOINTS_MAX} of them at most`);
  }
  await deps.onCheckpoint(clientId, claims.identityHex);
}

/** Reads arguments that are JSON: an array in the order of the parameters, or an object by their names. */
export function jsonArgs(args: unknown): ReadArgs {
  return <A>({ type }: Codec<A>): A => {
    if (type.kind !== "product") throw new BsatnError("a reducer's arguments are a product");
    const byName = typeof args === "object" && args !== null && !Array.isArray(args);
    const values: Record<string, unknown> = {};
    for (const [place, element] of type.elements.entries()) {
      const value: unknown = Array.isArray(args)
        ? args[place]
        : byName
          ? Reflect.get(args, element.name)
          : undefined;
      values[element.name] = jsonArg(element.name, element.type, value);
    }
    return values as A;
  };
}

function jsonArg(name: string, type: AlgebraicType, value: unknown): unknown {
  if (type.kind === "string" && typeof value === "string") return value;
  if (type.kind === "bool" && typeof value === "boolean") return value;
  if (type.kind === "u64" && typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
    return BigInt(value);
  }
  throw new BsatnError(`${name} must be a ${type.kind}`);
}

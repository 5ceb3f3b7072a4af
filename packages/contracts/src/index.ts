// The wire contract: plain types and contracts generated from the proto files,
// and the library that serves, documents and calls them.

import { allContracts } from "./gen/index.ts";
import type { Contract } from "./contract.ts";
import type { Owner } from "./gen/openagents/protocol/v1/route_oa.ts";
import { methodsOf, scopesOf } from "./method.ts";

export * from "./gen/index.ts";
export type { Call, CommandCall, CommandReply, Principal, PublicCall } from "./call.ts";
export {
  createClient,
  type AnswerInfo,
  type BytesAnswer,
  type CallOptions,
  type Client,
  type ClientOptions,
} from "./client.ts";
export { decodeShape, encode, encodeText } from "./codec.ts";
export {
  COMPATIBILITY_WINDOW,
  decideCompatibility,
  describeWindow,
  windowHeaders,
  type CompatibilityWindow,
} from "./compatibility.ts";
export type {
  Comments,
  Contract,
  HttpBody,
  JsonObject,
  JsonValue,
  MessageDesc,
  MethodTypes,
} from "./contract.ts";
export { decode } from "./decode.ts";
export type { LiveEvent } from "./event-stream.ts";
export { InvalidMessageError } from "./invalid-message.ts";
export { parseJsonBody } from "./json-body.ts";
export {
  BODY_BYTES_MAX,
  bodyFields,
  isByteStream,
  methodsOf,
  queryFields,
  scopesOf,
  streamField,
  type HttpMapping,
  type HttpVerb,
  type MethodContract,
} from "./method.ts";
export { PROBLEM_CONTENT_TYPE, ProblemError, problemBody, type ProblemInit } from "./problem.ts";
export { messageSchema, type JsonSchema, type SchemaMode } from "./schema.ts";
export { bind, type Binding, type Handler, type Impl } from "./bind.ts";
export { mount, type MountOptions } from "./mount.ts";
export { withoutSecrets } from "./secrets.ts";
export { problemServerOptions, requestIdOf } from "./problem-reply.ts";
export { openApi, type OpenApiInfo } from "./openapi.ts";
export { boundedStream } from "./request-stream.ts";

/** What a service serves: the contracts that it owns, and those that every service serves for itself. */
export function contractsOf(owner: Owner): Contract[] {
  return allContracts.filter((contract) =>
    methodsOf(contract).every((method) => method.owner === owner || method.owner === "any"),
  );
}

/** Every scope of the contract, `admin` included; sorted. */
export function allScopes(): string[] {
  return scopesOf(allContracts);
}

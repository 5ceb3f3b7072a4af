export * from "./gen/index.ts";
export type {
  Comments,
  Contract,
  HttpBody,
  JsonObject,
  JsonValue,
  MessageDesc,
  MethodTypes,
} from "./contract.ts";
export type { Call, CommandCall, CommandReply, Principal, PublicCall } from "./call.ts";
export { BODY_BYTES_MAX, methodsOf, type HttpMapping, type HttpVerb, type MethodContract } from "./method.ts";

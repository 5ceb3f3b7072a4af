// The package's face for browsers, chosen by the `browser` condition: types,
// contracts and the client, without what serves or needs Node.

export * from "./gen/index.ts";
export {
  createClient,
  type AnswerInfo,
  type BytesAnswer,
  type CallOptions,
  type Client,
  type ClientOptions,
} from "./client.ts";
export { decodeShape, encode, encodeText } from "./codec.ts";
export { COMPATIBILITY_WINDOW, type CompatibilityWindow } from "./compatibility.ts";
export type {
  Comments,
  Contract,
  HttpBody,
  JsonObject,
  JsonValue,
  MessageDesc,
  MethodTypes,
} from "./contract.ts";
export { InvalidMessageError } from "./invalid-message.ts";
export { PROBLEM_CONTENT_TYPE, ProblemError, problemBody, type ProblemInit } from "./problem.ts";

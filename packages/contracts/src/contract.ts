// What a generated file says about messages and services. Descriptors carry the
// rules and routes, the type parameter carries the plain types, and comments
// come along because embedded descriptors have none.

import type { DescMessage, DescService } from "@bufbuild/protobuf";

/** A message's descriptor, which knows the plain type of its values. `plain` exists for the compiler only. */
export type MessageDesc<T> = DescMessage & { readonly plain?: T };

/** Comments from the proto files, by full name: services, methods, messages, fields, enums, and enum values. */
export type Comments = Readonly<Record<string, string>>;

/** What a method takes, answers, and does, and who may call it. */
export type MethodTypes = {
  readonly input: unknown;
  readonly output: unknown;
  readonly effect: "read" | "command";
  readonly access: "public" | "user" | "service" | "admin";
};

/** A service of the contract. `types` exists for the compiler only. */
export type Contract<T = unknown> = {
  readonly service: DescService;
  readonly comments: Comments;
  readonly types?: T;
};

/** JSON as a `google.protobuf.Struct` carries it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [key: string]: JsonValue };

/**
 * Bytes with their type (`google.api.HttpBody`). On a server, `data` of a
 * request is a Node stream; an answer may be a buffer or any stream of chunks.
 */
export type HttpBody = {
  readonly contentType: string;
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
  /** `Cache-Control` of an answer; none when absent. */
  readonly cacheControl?: string;
  /** Quoted tag of an answer's bytes; a caller that names it in `If-None-Match` is answered 304 without them. */
  readonly etag?: string;
};

// The package's face for browsers: the codec, the protocol and the client,
// without the server.

export * from "./bsatn/index.ts";
export * from "./protocol/index.ts";
export * from "./client/index.ts";

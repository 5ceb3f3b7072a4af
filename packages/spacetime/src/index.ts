export * from "./bsatn/index.ts";
export * from "./protocol/index.ts";

// Handlers, typed by the contract that they serve.

import type { Call, CommandCall, CommandReply, PublicCall } from "./call.ts";
import type { Contract, MethodTypes } from "./contract.ts";
import type { LiveHandler } from "./event-stream.ts";

/**
 * What serves a contract: one handler per method. A read answers a plain value;
 * a command answers the exact bytes that the authority stored.
 */
export type Impl<T> = {
  readonly [M in keyof T]: T[M] extends MethodTypes ? Handler<T[M]> : never;
};

export type Handler<M extends MethodTypes> = M["effect"] extends "command"
  ? (input: M["input"], call: CommandCall) => Promise<CommandReply>
  : M["access"] extends "public"
    ? (input: M["input"], call: PublicCall) => Promise<M["output"]>
    : (input: M["input"], call: Call) => Promise<M["output"]>;

/** A contract with its handlers, ready to mount. */
export type Binding = {
  readonly contract: Contract;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  /** What follows the methods that can be followed as they come. */
  readonly live?: Readonly<Record<string, LiveHandler<never>>>;
};

/** Followers of the methods that their contract lets follow (`event_stream`). */
export type Live<T> = {
  readonly [M in keyof T]?: T[M] extends MethodTypes ? LiveHandler<T[M]["input"]> : never;
};

/** A handler once its method's types have done their work. */
export type AnyHandler = (input: never, call: never) => Promise<unknown>;

/** Join a contract with what serves it. */
export function bind<T>(contract: Contract<T>, impl: Impl<T>, live: Live<T> = {}): Binding {
  return {
    contract,
    handlers: impl as Readonly<Record<string, AnyHandler>>,
    live: live as Readonly<Record<string, LiveHandler<never>>>,
  };
}

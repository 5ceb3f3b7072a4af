// A service as a process of its own: configured by its environment, ended by a
// signal, and in plain words when the environment is wrong.

import { createLogger, type Logger } from "./log.ts";

/** Name of a variable that is missing or malformed, and what it is for. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type Service = AsyncDisposable & { start(): Promise<{ readonly url: string }> };

/** As of sysexits.h: a configuration that cannot be run with. */
const EXIT_CONFIG = 78;

/** Create it from the environment, serve until SIGTERM or SIGINT, drain, and exit. */
export async function runService(
  name: string,
  create: (env: Environment, log: Logger) => Service,
): Promise<void> {
  const log = createLogger(name, process.env["LOG_LEVEL"]);
  try {
    const service = create(process.env, log);
    const stop = () => {
      service[Symbol.asyncDispose]().then(
        () => process.exit(0),
        (error: unknown) => {
          log.fatal({ err: error }, "shutdown failed");
          process.exit(1);
        },
      );
    };
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
    const { url } = await service.start();
    log.info({ url }, "ready");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}

/** The variable's value. Throws `ConfigError` that says what it is for when it is not set. */
export function requiredVariable(env: Environment, name: string, meaning: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new ConfigError(`Set ${name}: ${meaning}.`);
  return value;
}

/** A port number; the default where the variable is not set. */
export function portVariable(env: Environment, name: string, defaultPort: number): number {
  const port = Number(env[name] ?? defaultPort);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new ConfigError(`${name} must be a port number between 0 and 65535.`);
}

/** 32 bytes as hex digits. */
export function keyVariable(env: Environment, name: string, meaning: string): string {
  const key = requiredVariable(env, name, `${meaning}, 64 hex digits`);
  if (!/^[0-9a-f]{64}$/.test(key)) throw new ConfigError(`${name} must be 64 hex digits.`);
  return key;
}

/** An http(s) address without a slash at its end. */
export function urlVariable(name: string, text: string): string {
  if (URL.canParse(text) && /^https?:[^?#]*[^/?#]$/.test(text)) return text;
  throw new ConfigError(`${name} must be an http(s) address without a slash at its end.`);
}

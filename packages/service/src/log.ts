import { pino, type Logger } from "pino";

export type { Logger } from "pino";

/**
 * A JSON logger on standard error, for what goes wrong and for starts and stops.
 * Headers and bodies are never given to it, so that secrets cannot reach it.
 */
export function createLogger(service: string, level: string = "info"): Logger {
  return pino(
    { name: service, level, redact: ["authorization", "token", "*.authorization", "*.token"] },
    pino.destination(2),
  );
}

/** For tests and libraries that are given no logger. */
export function silentLogger(): Logger {
  return pino({ level: "silent" });
}

import { pino, type Logger } from "pino";

export type { Logger } from "pino";

/**
 * A JSON logger on standard error. Secrets never reach it: requests are logged
 * by method name, status and duration, without headers or bodies.
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

// The log of a laptop stack: a file, because the terminal belongs to the person.

import { renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@openagents/service";
import { pino } from "pino";
import { dataDirAt } from "./data-dir.ts";
import { makePrivateFolder } from "./private-files.ts";

/** A log that grew past this is set aside at the next start; the one before it goes. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/** The file of the stack's log, or of one of its parts that runs by itself. */
export function stackLogFile(dataDir: string, name = "stack"): string {
  return join(dataDirAt(dataDir).logs, `${name}.log`);
}

/** Open the log of a data directory for appending, making the folder when absent. */
export function openStackLog(dataDir: string, name = "stack"): Logger {
  makePrivateFolder(dataDirAt(dataDir).root);
  makePrivateFolder(dataDirAt(dataDir).logs);
  const file = stackLogFile(dataDir, name);
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(file, `${file}.1`);
  // Written at once: the lines before a crash are the ones that matter.
  const destination = pino.destination({ dest: file, append: true, sync: true, mode: 0o600 });
  return pino(
    { name, level: "info", redact: ["authorization", "token", "*.authorization", "*.token"] },
    destination,
  );
}

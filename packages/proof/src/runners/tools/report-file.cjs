// One report, in a file of its own: what the JavaScript reporters write to.
//
// Records are kept in memory by the runner's process and appended as they come,
// so that a run that is cut short still shows how far it came. At the end the
// whole file is written anew from memory with its end mark; if it does not lie in
// its place any more, a mark is left that spoils the folder. The name cannot be
// guessed and the file is opened exclusively. A process of the same user can still
// write a report of its own beside it, which adds names and takes none away.

"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { randomBytes } = require("node:crypto");

// Kept from before any code of the project runs, which may replace them.
const { closeSync, fstatSync, ftruncateSync, lstatSync, mkdirSync, openSync, realpathSync, writeSync } = fs;

const NESTED = "OPENAGENTS_REPORT_NESTED";

/**
 * Opens a report, or undefined: without a folder to write to, and within a run
 * that is reported already, since a test may start a runner of its own.
 */
function openReport(runner) {
  const folder = process.env.OPENAGENTS_REPORT_FOLDER;
  if (!folder || process.env[NESTED]) return undefined;
  process.env[NESTED] = "1";
  const file = path.join(folder, `${runner}-${randomBytes(16).toString("hex")}.jsonl`);
  let fd;
  try {
    fd = openSync(file, "wx", 0o400);
  } catch {
    return undefined;
  }
  const lines = [];
  let at = 0;
  const append = (record) => {
    const line = `${JSON.stringify(record)}\n`;
    lines.push(line);
    at += writeAll(fd, Buffer.from(line), at);
  };
  append({ start: runner });
  return {
    test: (names, outcome) => append({ test: names.map(String), outcome }),
    error: (names) => append({ error: names.map(String) }),
    /** A file that was run and in which no test was. */
    empty: (names) => append({ empty: names.map(String) }),
    end() {
      try {
        lines.push(`${JSON.stringify({ end: lines.length - 1 })}\n`);
        ftruncateSync(fd, 0);
        writeAll(fd, Buffer.from(lines.join("")), 0);
        const [ours, there] = [fstatSync(fd), lstatSync(file)];
        closeSync(fd);
        if (ours.dev !== there.dev || ours.ino !== there.ino || ours.nlink !== 1) spoil(folder);
      } catch {
        spoil(folder);
      }
    },
  };
}

/** A file by a name that no report has, so that the folder as a whole counts for nothing. */
function spoil(folder) {
  try {
    mkdirSync(folder, { recursive: true });
    closeSync(openSync(path.join(folder, "spoiled"), "w"));
  } catch {
    // Nobody can write here; then nobody can have put another report here either.
  }
}

function writeAll(fd, bytes, position) {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
  return bytes.length;
}

/** The file as tests are named by it: from the root of the work tree, with symbolic links followed. */
function reportedPath(file) {
  try {
    const root = realpathSync(process.env.OPENAGENTS_REPORT_ROOT || process.cwd());
    return path
      .relative(root, realpathSync(path.resolve(file)))
      .split(path.sep)
      .join("/");
  } catch {
    return file;
  }
}

module.exports = { openReport, reportedPath };

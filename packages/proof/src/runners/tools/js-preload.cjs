// Adds our reporter to a run of Vitest or Jest, in the process that was started
// as one: their workers, npm, and everything else that Node runs pass through.

"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { isMainThread } = require("node:worker_threads");

const RUNNERS = [
  {
    main: /[\\/]vitest[\\/](?:vitest|dist[\\/]cli[^\\/]*)[.]m?js$/,
    option: "--reporter",
    reporter: "vitest-reporter.mjs",
  },
  { main: /[\\/]jest(?:-cli)?[\\/]bin[\\/]jest[.]js$/, option: "--reporters", reporter: "jest-reporter.cjs" },
];

function addReporter() {
  const started = process.argv[1];
  if (!isMainThread || started === undefined || process.env.OPENAGENTS_REPORT_NESTED) return;
  let main;
  try {
    main = fs.realpathSync(started);
  } catch {
    return;
  }
  const runner = RUNNERS.find((one) => one.main.test(main));
  if (runner === undefined) return;
  const { option, reporter } = runner;
  const hasOwn = process.argv.some((arg) => arg === option || arg.startsWith(`${option}=`));
  const added = [...(hasOwn ? [] : [`${option}=default`]), `${option}=${path.join(__dirname, reporter)}`];
  // After everything that the project asks for, since Jest takes the names that
  // follow a list for more of it, and before a `--`, after which nothing is an option.
  const end = process.argv.indexOf("--");
  process.argv.splice(end === -1 ? process.argv.length : end, 0, ...added);
}

addReporter();

// Whether node_modules already holds exactly what package-lock.json asks for,
// so that the launcher need not remove and reinstall it.
//
// Runs before anything is installed, under any Node >= 20: no imports of ours.
// npm writes node_modules/.package-lock.json last, so it is there only after an
// install that finished. Exit 0: they match. Exit 1: they do not, or unknown.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = process.argv[2] ?? ".";
const packagesOf = (file) => JSON.parse(readFileSync(join(root, file), "utf8")).packages;

const wanted = packagesOf("package-lock.json");
const present = packagesOf("node_modules/.package-lock.json");

// npm leaves out optional packages of other machines, and what only those need:
// an entry with no machine of its own is optional because its parent is.
const libc = process.report?.getReport().header.glibcVersionRuntime === undefined ? "musl" : "glibc";
const fits = (list, name) => list === undefined || list.includes(name);
const mayBeAbsent = ({ optional, os, cpu, libc: libcs }) =>
  optional === true &&
  ((os === undefined && cpu === undefined) ||
    !(fits(os, process.platform) && fits(cpu, process.arch) && fits(libcs, libc)));

const same = (a, b) =>
  a.version === b.version && a.integrity === b.integrity && a.link === b.link && a.resolved === b.resolved;

for (const [path, entry] of Object.entries(wanted)) {
  if (path === "") continue;
  const installed = present[path];
  if (installed !== undefined && same(entry, installed)) continue;
  if (installed === undefined && mayBeAbsent(entry)) continue;
  process.exit(1);
}
for (const path of Object.keys(present)) {
  if (wanted[path] === undefined) process.exit(1);
}

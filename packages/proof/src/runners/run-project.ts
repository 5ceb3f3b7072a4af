// Runs a test runner on a small project of a test's own, with our reporter on,
// as the sandbox would: the tools apart from the reports, an empty home.

import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { instrument, packReport, readReport, type TestReport, type TestRunner } from "./index.ts";

export type ProjectRun = {
  readonly exitCode: number | null;
  /** Both streams. */
  readonly output: string;
  readonly report: TestReport;
};

const WALL_MS_MAX = 120_000;

/** Files by path; `links` are symbolic links of the project, such as its `node_modules`. */
export function runProject(
  runner: TestRunner,
  project: {
    readonly files: Readonly<Record<string, string>>;
    readonly links?: Readonly<Record<string, string>>;
    readonly command: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): ProjectRun {
  const scratch = mkdtempSync(join(tmpdir(), "openagents-proof-"));
  try {
    const places = {
      tools: join(scratch, "tools"),
      folder: join(scratch, "reports"),
      root: join(scratch, "work"),
    };
    const instrumentation = instrument(runner, places);
    for (const folder of [...Object.values(places), join(scratch, "home")]) mkdirSync(folder);
    for (const [name, text] of Object.entries(instrumentation.files)) {
      writeFileSync(join(places.tools, name), text, { mode: 0o755 });
    }
    for (const [path, text] of Object.entries(project.files)) {
      mkdirSync(dirname(join(places.root, path)), { recursive: true });
      writeFileSync(join(places.root, path), text);
    }
    for (const [path, target] of Object.entries(project.links ?? {})) {
      symlinkSync(target, join(places.root, path));
    }
    const env = { PATH: process.env["PATH"] ?? "", HOME: join(scratch, "home"), ...project.env };
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", project.command], {
      cwd: places.root,
      // A test of ours is itself run by a runner, whose marks must not reach this one.
      env: { ...env, ...instrumentation.env },
      encoding: "utf8",
      timeout: WALL_MS_MAX,
    });
    return { exitCode: status, output: `${stdout}${stderr}`, report: readFolder(runner, places.folder) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function readFolder(runner: TestRunner, folder: string): TestReport {
  const files = new Map<string, Buffer>();
  for (const name of listFolder(folder)) files.set(name, readFileSync(join(folder, name)));
  return readReport(runner, packReport(files));
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Why the tool cannot be used on this machine, for a test's `skip`; false when it can. */
export function missing(command: string, ...args: readonly string[]): string | false {
  const { status } = spawnSync(command, args, { stdio: "ignore", timeout: 20_000 });
  return status === 0 ? false : `${command} ${args.join(" ")} does not run here`;
}

/** The outcomes by name, for comparing. */
export function outcomes({ report }: ProjectRun): Readonly<Record<string, string>> {
  return Object.fromEntries(report.tests);
}

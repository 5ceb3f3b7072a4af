// Reads of a project's root what the choice of its check needs. Nothing of the
// project is run, links are not followed, and files of any size are cut.

import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Project } from "./check.ts";

const MANIFESTS = [
  ".openagents/config.json",
  "package.json",
  "pyproject.toml",
  "setup.py",
  "setup.cfg",
  "tox.ini",
  "pytest.ini",
  "conftest.py",
  "requirements.txt",
  "requirements-dev.txt",
  "go.mod",
  "Cargo.toml",
  "Makefile",
] as const;

const MANIFEST_BYTES_MAX = 1024 * 1024;
const TEST_FILES_MAX = 200;
const TEST_BYTES_MAX = 64 * 1024;

/** A manifest that is too large or not a regular file counts as absent. */
export async function readProject(dir: string): Promise<Project> {
  const manifests = new Map<string, string>();
  for (const name of MANIFESTS) {
    const text = await readStart(join(dir, name), MANIFEST_BYTES_MAX);
    if (text !== undefined) manifests.set(name, text);
  }
  const pythonTests = new Map<string, { importsPytest: boolean }>();
  for (const path of await pythonTestFiles(dir)) {
    const text = (await readStart(join(dir, path), TEST_BYTES_MAX)) ?? "";
    pythonTests.set(path, { importsPytest: /^\s*(?:import|from)\s+pytest\b/m.test(text) });
  }
  const testsIsPackage = (await readStart(join(dir, "tests/__init__.py"), 1)) !== undefined;
  return { manifests, pythonTests, testsIsPackage };
}

async function pythonTestFiles(dir: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of ["", "tests", "test"]) {
    const names = await readdir(join(dir, folder)).catch(() => []);
    for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
      if (/^(?:test_.*|.*_test|tests?)\.py$/.test(name)) found.push(join(folder, name));
    }
  }
  return found.slice(0, TEST_FILES_MAX);
}

async function readStart(path: string, bytesMax: number): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return undefined;
  }
}

// Ecosystems of which we build no layer. A project without dependencies outside
// of its tree needs none; one with them is told what to do.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import { readProjectFile } from "./project-files.ts";

type Ecosystem = {
  readonly file: string;
  /** Whether the text of the file names something that is not in the tree. */
  readonly hasDependencies: (text: string) => boolean;
  readonly vendored?: string;
  readonly next: string;
};

const ECOSYSTEMS: readonly Ecosystem[] = [
  {
    file: "go.mod",
    hasDependencies: (text) => /^[ \t]*require\b/m.test(text),
    vendored: "vendor/modules.txt",
    next: "Run go mod vendor and commit the folder vendor.",
  },
  {
    file: "Cargo.lock",
    hasDependencies: (text) => /^source\s*=/m.test(text),
    vendored: "vendor",
    next: "Run cargo vendor, and commit the folder vendor and the configuration that it prints.",
  },
  {
    file: "composer.lock",
    hasDependencies: (text) => /"packages(?:-dev)?":\s*\[\s*\{/.test(text),
    vendored: "vendor/autoload.php",
    next: "Commit the folder vendor that composer install makes.",
  },
  {
    file: "Gemfile",
    hasDependencies: (text) => /^[ \t]*gem\b/m.test(text),
    vendored: "vendor/cache",
    next: "Run bundle cache and commit the folder vendor/cache.",
  },
  {
    file: "pom.xml",
    hasDependencies: (text) => text.includes("<dependency>"),
    next: "Use a check that needs no dependencies outside of the repository.",
  },
  {
    file: "build.gradle",
    hasDependencies: (text) => /\bdependencies\s*\{/.test(text),
    next: "Use a check that needs no dependencies outside of the repository.",
  },
  {
    file: "build.gradle.kts",
    hasDependencies: (text) => /\bdependencies\s*\{/.test(text),
    next: "Use a check that needs no dependencies outside of the repository.",
  },
];

/** Throws `layer_unsupported` for the first ecosystem whose dependencies are not in the tree. */
export function checkOthers(dir: string, names: ReadonlySet<string>): void {
  for (const { file, hasDependencies, vendored, next } of ECOSYSTEMS) {
    if (!names.has(file) || (vendored !== undefined && existsSync(join(dir, vendored)))) continue;
    if (hasDependencies(readProjectFile(dir, file) ?? "")) {
      throw new AutopilotError(
        "layer_unsupported",
        `Dependencies of ${file} cannot be packed as a layer yet. ${next}`,
      );
    }
  }
}

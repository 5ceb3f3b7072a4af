// Regenerates src/gen from the proto files, or into another folder for
// check.ts. The plugins run under the Node that runs this file, because the one
// on PATH may be too old for TypeScript.

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root; proto/ lies there. */
export const ROOT = fileURLToPath(new URL("../../../..", import.meta.url)).replace(/\/$/, "");

/** The committed output. */
export const GENERATED = fileURLToPath(new URL("../gen", import.meta.url));

const PLUGIN = fileURLToPath(new URL("./plugin.ts", import.meta.url));

/** Write all generated files into a folder; what it held before goes. Throws with buf's own words when buf fails. */
export function generate(folder: string): void {
  // The first pass makes the descriptors that our own plugin reads options with.
  buf(["generate", "proto", "--template", template(folder, "descriptors")], true);
  buf(["generate", "proto", "--template", template(folder, "plain")], true);
}

/** Run buf at the repository's root. Throws when it fails; answers what it printed. */
export function buf(
  args: readonly string[],
  mustSucceed: boolean,
): { readonly ok: boolean; readonly output: string } {
  const result = spawnSync(process.execPath, [binary("@bufbuild/buf", "buf"), ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`.trim();
  if (mustSucceed && result.status !== 0) throw new Error(`buf ${args[0] ?? ""} failed:\n${output}`);
  return { ok: result.status === 0, output };
}

function template(folder: string, kind: "descriptors" | "plain"): string {
  const es = binary("@bufbuild/protoc-gen-es", "protoc-gen-es");
  const plugin =
    kind === "descriptors"
      ? {
          local: [process.execPath, es],
          opt: ["target=ts", "erasable_syntax=true", "import_extension=ts"],
          include_imports: true,
        }
      : { local: [process.execPath, PLUGIN], opt: ["target=ts", "import_extension=ts"] };
  return JSON.stringify({ version: "v2", plugins: [{ ...plugin, out: folder, strategy: "all" }] });
}

function binary(packageName: string, name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
  return join(dirname(manifest), "bin", name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(join(GENERATED, "openagents"), { recursive: true, force: true });
  generate(GENERATED);
}

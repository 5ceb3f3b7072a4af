// For tests: projects to build layers of, folders to pack, and archives that no honest packer makes.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { AutopilotError } from "../autopilot-error.ts";
import { buildLayers, type BuiltLayer, type LayerRequest } from "./index.ts";

export const quiet = new AbortController().signal;

/** A folder with these files, removed with the test. */
export function makeFolder(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "openagents-layer-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

export function build(
  t: TestContext,
  dir: string,
  request: Partial<LayerRequest> = {},
): Promise<readonly BuiltLayer[]> {
  return buildLayers(dir, {
    scratch: makeFolder(t),
    allowScripts: false,
    signal: quiet,
    say: () => {},
    ...request,
  });
}

/** Builds, or skips the test with the reason when no registry can be reached from here. */
export async function buildOrSkip(t: TestContext, dir: string): Promise<readonly BuiltLayer[] | undefined> {
  try {
    return await build(t, dir);
  } catch (error) {
    const isOffline =
      error instanceof AutopilotError &&
      (error.code === "layer_tool_missing" ||
        /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|NewConnectionError|name resolution/.test(
          error.message,
        ));
    if (!isOffline) throw error;
    t.skip(`the registry or its client is not there: ${error.message.slice(0, 200)}`);
    return undefined;
  }
}

export type RawEntry = {
  readonly path: string;
  /** "0" file, "1" hard link, "2" link, "3" and "4" devices, "5" folder, "6" pipe. */
  readonly type?: string;
  readonly content?: string;
  readonly target?: string;
  readonly mode?: string;
  /** What the header says, when it is not the truth. */
  readonly size?: string;
  readonly magic?: string;
  readonly sum?: string;
};

/** Writes down whatever it is told. */
export function rawTar(entries: readonly RawEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? "");
    const header = Buffer.alloc(512);
    header.write(entry.path, 0, 100);
    header.write(entry.mode ?? "0000644", 100);
    header.write(entry.size ?? content.length.toString(8).padStart(11, "0"), 124);
    header.write(entry.type ?? "0", 156);
    header.write(entry.target ?? "", 157, 100);
    header.write(entry.magic ?? "ustar  \0", 257, "latin1");
    header.fill(" ", 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(entry.sum ?? `${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export function rawLayer(entries: readonly RawEntry[]): Buffer {
  return gzipSync(rawTar(entries));
}

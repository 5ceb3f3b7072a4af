// Before an agent works: its workspace, the check that will decide, and the
// dependencies that the check needs. What an earlier process has done is taken over.

import { createHash } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { chooseCheck, readProject, type Check } from "../check/index.ts";
import { checkOut } from "../git/index.ts";
import { buildLayers } from "../layers/index.ts";
import {
  makeWorkspace,
  openWorkspace,
  parseSource,
  type BaseFacts,
  type Workspace,
} from "../workspace/index.ts";
import { writeDurably, type LayerFacts } from "./journal.ts";
import type { Session } from "./session.ts";

export type Prepared = {
  readonly workspace: Workspace;
  readonly base: BaseFacts;
  readonly check: Check;
  readonly layers: readonly LayerFacts[];
};

export async function prepare(session: Session): Promise<Prepared> {
  const { folder, journal, signal } = session;
  const base = journal.current.base ?? (await takeBase(session));
  const workspace = await openWorkspace(workspaceFolder(folder), base, signal);
  const check = journal.current.check ?? (await pickCheck(session, workspace));
  const layers = journal.current.layers ?? (await packLayers(session, workspace));
  return { workspace, base, check, layers };
}

export function workspaceFolder(folder: string): string {
  return join(folder, "workspace");
}

function layerFile(folder: string, sha256: string): string {
  return join(folder, "layers", sha256);
}

async function takeBase({ folder, journal, steps, signal }: Session): Promise<BaseFacts> {
  const source = parseSource(journal.current.request.repo, "/");
  const base = await steps.step(
    "workspace",
    () => makeWorkspace(source, workspaceFolder(folder), signal),
    describeBase,
  );
  await journal.save({ base });
  return base;
}

function describeBase({ tree, origin, uncommitted }: BaseFacts): string {
  const what = origin === undefined ? `base ${tree.slice(0, 12)}` : `base ${origin.head.slice(0, 12)}`;
  if (uncommitted === 0) return `${what} in a folder of its own`;
  return `${what}; ${uncommitted} uncommitted ${uncommitted === 1 ? "change is" : "changes are"} not part of it`;
}

/** From the base's files, which the agent has not touched yet. */
async function pickCheck({ folder, journal, steps, signal }: Session, workspace: Workspace): Promise<Check> {
  const check = await steps.step(
    "check",
    async () => {
      const scratch = await freshScratch(folder);
      await checkOut(workspace.base, join(scratch, "tree"), signal);
      const project = await readProject(join(scratch, "tree"));
      return chooseCheck(project, journal.current.request.checks);
    },
    ({ commands, because }) => `${commands.join(" && ")} (${because})`,
  );
  await journal.save({ check });
  return check;
}

async function packLayers(session: Session, workspace: Workspace): Promise<readonly LayerFacts[]> {
  const { folder, journal, steps, signal } = session;
  const { request } = journal.current;
  if (!request.layers) {
    await journal.save({ layers: [] });
    return [];
  }
  const layers = await steps.step(
    "layers",
    async (say) => {
      const scratch = await freshScratch(folder);
      const tree = join(scratch, "tree");
      await mkdir(join(folder, "layers"), { recursive: true, mode: 0o700 });
      await checkOut(workspace.base, tree, signal);
      const built = await buildLayers(tree, {
        scratch: join(scratch, "layers"),
        allowScripts: request.allowScripts,
        signal,
        say,
      });
      const facts: LayerFacts[] = [];
      for (const { kind, path, tar, toolchains } of built) {
        const sha256 = createHash("sha256").update(tar).digest("hex");
        await writeDurably(layerFile(folder, sha256), tar);
        facts.push({ kind, path, sha256, toolchains });
      }
      return facts;
    },
    (made) =>
      made.length === 0
        ? "the project has no dependencies to bring"
        : made.map(({ kind, path }) => `${kind} ${path}`).join(", "),
  );
  await journal.save({ layers });
  return layers;
}

/** Empty, and gone when the run has ended. */
async function freshScratch(folder: string): Promise<string> {
  const scratch = join(folder, "scratch");
  await rm(scratch, { recursive: true, force: true });
  await mkdir(join(scratch, "layers"), { recursive: true, mode: 0o700 });
  return scratch;
}

export function readLayer(folder: string, sha256: string): Promise<Buffer> {
  return readFile(layerFile(folder, sha256));
}

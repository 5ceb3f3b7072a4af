// Before an agent works: its workspace, the check that will decide, and the
// dependencies that the check needs, for the agent too. What an earlier process
// has done is taken over.

import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { chooseCheck, findCheckPaths, readProject, type Check } from "../check/index.ts";
import { giveDependencies, type Dependencies } from "../dependencies/index.ts";
import { checkOut } from "../git/index.ts";
import { buildLayers } from "../layers/index.ts";
import { findToolchains, matchToolchains, type InstalledToolchain } from "../toolchains/index.ts";
import {
  makeWorkspace,
  openWorkspace,
  parseSource,
  type BaseFacts,
  type Workspace,
} from "../workspace/index.ts";
import { writeDurably } from "../write-durably.ts";
import type { LayerFacts } from "./journal.ts";
import { layerFile, readLayer, workspaceFolder } from "./run-files.ts";
import type { Session } from "./session.ts";

export type Prepared = {
  readonly workspace: Workspace;
  readonly base: BaseFacts;
  readonly check: Check;
  /** Files of the base that the check starts, sorted. */
  readonly checkPaths: readonly string[];
  readonly layers: readonly LayerFacts[];
  /** What the agent's commands get of them. */
  readonly dependencies: Dependencies;
};

export async function prepare(session: Session): Promise<Prepared> {
  const { folder, journal, signal } = session;
  const base = journal.current.base ?? (await takeBase(session));
  const untouched = await openWorkspace(workspaceFolder(folder), base, signal);
  const check = journal.current.check ?? (await pickCheck(session, untouched));
  const checkPaths = journal.current.checkPaths ?? (await namePaths(session, untouched, check));
  const { layers, dependencies } = await bringLayers(session, untouched, check);
  const workspace = await openWorkspace(workspaceFolder(folder), base, signal, dependencies.leftOut);
  return { workspace, base, check, checkPaths, layers, dependencies };
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

/** Kept, so that a resumed run names the same even where another release would find more. */
async function namePaths(
  { journal, signal }: Session,
  { base }: Workspace,
  { commands }: Check,
): Promise<readonly string[]> {
  const checkPaths = await findCheckPaths(base, commands, signal);
  await journal.save({ checkPaths });
  return checkPaths;
}

type Brought = Pick<Prepared, "layers" | "dependencies">;

async function bringLayers(session: Session, workspace: Workspace, check: Check): Promise<Brought> {
  const { folder, journal, steps, signal } = session;
  const bring = async (layers: readonly LayerFacts[]): Promise<Brought> => {
    const dependencies = await giveDependencies(layers, {
      workspace,
      folder: join(folder, "layers", "agent"),
      readTar: ({ sha256 }) => readLayer(folder, sha256),
      toolchains: await toolsOfAgent(session, [check, ...layers]),
      path: session.deps.env["PATH"] ?? "/usr/bin:/bin",
      signal,
    });
    return { layers, dependencies };
  };
  const known = journal.current.layers;
  if (known !== undefined) return bring(known);
  if (!journal.current.request.layers) {
    await journal.save({ layers: [] });
    return bring([]);
  }
  return steps.step(
    "layers",
    async (say) => {
      const layers = await packLayers(session, workspace, say);
      await journal.save({ layers });
      return bring(layers);
    },
    ({ layers, dependencies }) =>
      layers.length === 0 ? "the project has no dependencies to bring" : dependencies.notes.join(", "),
  );
}

async function packLayers(
  { folder, journal, signal }: Session,
  workspace: Workspace,
  say: (detail: string) => void,
): Promise<readonly LayerFacts[]> {
  const scratch = await freshScratch(folder);
  const tree = join(scratch, "tree");
  await mkdir(join(folder, "layers"), { recursive: true, mode: 0o700 });
  await checkOut(workspace.base, tree, signal);
  const built = await buildLayers(tree, {
    scratch: join(scratch, "layers"),
    allowScripts: journal.current.request.allowScripts,
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
}

/** A tool that is not here is no trouble: the agent may do without, and the provider has it. */
async function toolsOfAgent(
  { deps, journal }: Session,
  needs: readonly Pick<Check, "toolchains">[],
): Promise<readonly InstalledToolchain[]> {
  if (deps.agentOf(journal.current.request.agent).kind === "scripted") return [];
  const installed = await findToolchains({ path: deps.env["PATH"] });
  return needs
    .flatMap(({ toolchains }) => toolchains)
    .flatMap((requirement) => {
      const match = matchToolchains(installed, [requirement]);
      return match.kind === "matched" ? match.toolchains : [];
    })
    .filter(({ prefix }) => prefix === undefined || !isPersonal(prefix, deps.env["HOME"] ?? homedir()));
}

/** A home, what is around it, or a folder right in it: logins lie there, and commands would read them. */
function isPersonal(prefix: string, home: string): boolean {
  return `${home}/`.startsWith(`${prefix}/`) || dirname(prefix) === home;
}

/** Empty, and gone when the run has ended. */
async function freshScratch(folder: string): Promise<string> {
  const scratch = join(folder, "scratch");
  await rm(scratch, { recursive: true, force: true });
  await mkdir(join(scratch, "layers"), { recursive: true, mode: 0o700 });
  return scratch;
}

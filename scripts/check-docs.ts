// Whether the documents are true where a machine can tell: links and anchors
// lead somewhere, paths exist, README's commands exist with the options that it
// names, required documents are there, and ADRs are short and whole.

import { availableParallelism } from "node:os";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { argv, execPath } from "node:process";

const REQUIRED = [
  "README.md",
  "ARCHITECTURE.md",
  "STYLE.md",
  "GLOSSARY.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "NOTICE",
];
const ADR_NUMBERS_MIN = 7;
const ADR_LINES_MAX = 80;
const ADR_HEADINGS = ["Status:", "## Context", "## Decision", "## Consequences"];
const SKIPPED_FOLDERS = new Set([".git", "node_modules", "output", "demo"]);

// These look like paths of this repository: a backticked word that begins with one of our folders.
const PATH_LIKE = /`((?:apps|packages|proto|tools|scripts|docs|bench)\/[A-Za-z0-9._/-]*|\.ci\/run)`/g;
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const COMMAND = /(?:^|`)(?:\.\/)?openagents ([a-z][^`#|\n]*)/gm;

const root = argv[2] ?? join(import.meta.dirname, "..");
const problems = [...missingDocuments(), ...markdownFiles("").flatMap(brokenReferences), ...adrProblems()];
problems.push(...(await unknownCommands()));

for (const problem of problems) console.log(problem);
console.log(`docs: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

function missingDocuments(): string[] {
  return REQUIRED.filter((file) => !existsSync(join(root, file))).map((file) => `${file}: missing`);
}

function markdownFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

function brokenReferences(file: string): string[] {
  const text = read(file);
  const prose = withoutFences(text);
  const links = [...prose.matchAll(LINK)].map(([, target = ""]) => target);
  const paths = [...prose.matchAll(PATH_LIKE)].map(([, path = ""]) => path);
  return [
    ...links.flatMap((target) => brokenLink(file, target)),
    ...paths
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${file}: \`${path}\` does not exist`),
  ];
}

function brokenLink(file: string, target: string): string[] {
  if (/^(?:https?|mailto):/.test(target)) return [];
  const [path = "", anchor] = target.split("#", 2);
  const to = path === "" ? file : join(dirname(file), decodeURIComponent(path));
  if (relative(root, join(root, to)).startsWith(".."))
    return [`${file}: link "${target}" leaves the repository`];
  if (!existsSync(join(root, to))) return [`${file}: link "${target}" leads nowhere`];
  if (anchor === undefined || statSync(join(root, to)).isDirectory()) return [];
  return anchorsOf(to).has(anchor) ? [] : [`${file}: link "${target}" names no heading of ${to}`];
}

/** Headings as the usual renderers turn them into anchors. */
function anchorsOf(file: string): Set<string> {
  const headings = [...withoutFences(read(file)).matchAll(/^#{1,6} (.+)$/gm)];
  return new Set(
    headings.map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function adrProblems(): string[] {
  const folder = "docs/adr";
  if (!existsSync(join(root, folder))) return [`${folder}: missing`];
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith(".md"));
  const numbers = new Set(files.map((name) => Number(name.slice(0, 4))));
  const missing = Array.from({ length: ADR_NUMBERS_MIN }, (_, i) => i + 1).filter(
    (number) => !numbers.has(number),
  );
  return [
    ...missing.map((number) => `${folder}: ADR ${number} is missing`),
    ...(numbers.size < files.length ? [`${folder}: two ADRs have one number`] : []),
    ...files.flatMap((name) => {
      const text = read(`${folder}/${name}`);
      const lines = text.trimEnd().split("\n").length;
      return [
        ...(lines > ADR_LINES_MAX
          ? [`${folder}/${name}: ${lines} lines; an ADR has at most ${ADR_LINES_MAX}`]
          : []),
        ...ADR_HEADINGS.filter((heading) => !text.includes(`\n${heading}`)).map(
          (heading) => `${folder}/${name}: has no "${heading}"`,
        ),
      ];
    }),
  ];
}

/** Asks the command line itself: `<command> --help` must know the command and each option that README names. */
async function unknownCommands(): Promise<string[]> {
  if (!existsSync(join(root, "README.md"))) return [];
  const mentions = [...read("README.md").matchAll(COMMAND)].map(([, words = ""]) =>
    words.trim().split(/\s+/),
  );
  const options = new Map<string, Set<string>>();
  for (const words of mentions) {
    const command = words.filter((word) => /^[a-z]+$/.test(word)).join(" ");
    const named = options.get(command) ?? new Set<string>();
    for (const word of words) if (word.startsWith("--")) named.add(word);
    options.set(command, named);
  }
  // Each is a process of its own: as many at once as there are cores, or all of them wait for each other.
  const asked = options.entries();
  const problems: string[] = [];
  const ask = async () => {
    for (const [command, named] of asked) problems.push(...(await askHelp(command, named)));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, ask));
  return problems.sort();
}

async function askHelp(command: string, options: ReadonlySet<string>): Promise<string[]> {
  const { code, output } = await run([join(root, "apps/cli/src/main.ts"), ...command.split(" "), "--help"]);
  if (code !== 0 || !output.includes(`openagents ${command}`)) {
    return [`README.md: \`openagents ${command}\` is no command: ${firstError(output)}`];
  }
  return [...options]
    .filter((option) => !output.includes(option))
    .map((option) => `README.md: \`openagents ${command}\` has no option ${option}`);
}

function firstError(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? "it said nothing";
}

function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

function withoutFences(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "");
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

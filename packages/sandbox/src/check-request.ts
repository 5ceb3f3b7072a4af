// Whether a request can be run, judged before anything is started.

import type { RunRequest, SandboxLimits, Toolchain } from "./sandbox.ts";
import { checkCollect, checkLayers } from "./check-layers.ts";
import { checkFolder, checkShared, refuse } from "./check-folder.ts";

const COMMANDS_MAX = 64;
/** Below the kernel's limit of 128 KiB for one argument. */
const COMMAND_BYTES_MAX = 64 * 1024;
const TOOLCHAINS_MAX = 32;
const VARIABLES_MAX = 256;
const DAY_MS = 86_400_000;

/** [least, most]. The least are what a shell needs to start. */
const BOUNDS: Readonly<Record<keyof SandboxLimits, readonly [number, number]>> = {
  wallMs: [1, DAY_MS],
  cpuMs: [1, DAY_MS],
  memoryMib: [16, 1024 * 1024],
  pids: [1, 32_768],
  diskMib: [1, 1024 * 1024],
  outputBytes: [0, 1024 * 1024 * 1024],
};

/** Throws `sandbox_request_invalid` naming the first rule that the request breaks. */
export async function checkRequest(request: RunRequest): Promise<void> {
  const { commands, toolchains, env = {} } = request;
  if (commands.length < 1 || commands.length > COMMANDS_MAX) refuse(`needs 1 to ${COMMANDS_MAX} commands`);
  for (const command of commands) {
    if (command.includes("\0")) refuse("a command holds a NUL character");
    if (Buffer.byteLength(command) > COMMAND_BYTES_MAX)
      refuse(`a command is longer than ${COMMAND_BYTES_MAX} bytes`);
  }
  for (const [name, [least, most]] of Object.entries(BOUNDS)) checkLimit(request.limits, name, least, most);
  const variables = Object.entries(env);
  if (variables.length > VARIABLES_MAX) refuse(`has more than ${VARIABLES_MAX} variables`);
  for (const [name, value] of variables) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) refuse(`the variable ${JSON.stringify(name)} is not a name`);
    if (value.includes("\0") || Buffer.byteLength(value) > COMMAND_BYTES_MAX)
      refuse(`the value of ${name} is not usable`);
  }
  await checkFolder(request.tree, "the tree");
  if (toolchains.length > TOOLCHAINS_MAX) refuse(`has more than ${TOOLCHAINS_MAX} toolchains`);
  const names = new Set<string>();
  for (const toolchain of toolchains) {
    if (names.has(toolchain.name)) refuse(`the toolchain ${toolchain.name} is there twice`);
    names.add(toolchain.name);
    await checkToolchain(toolchain);
  }
  await checkLayers(request.layers ?? [], request.tree);
  checkCollect(request.collect);
}

function checkLimit(limits: SandboxLimits, name: string, least: number, most: number): void {
  const value = Object.entries(limits).find(([key]) => key === name)?.[1];
  if (value === undefined || !Number.isSafeInteger(value) || value < least || value > most) {
    refuse(`the limit ${name} is ${value}; it must be a whole number from ${least} to ${most}`);
  }
}

async function checkToolchain({ name, prefix }: Toolchain): Promise<void> {
  if (!/^[a-z0-9][a-z0-9._+-]{0,63}$/.test(name))
    refuse(`${JSON.stringify(name)} is not a name of a toolchain`);
  await checkShared(prefix, `the folder of the toolchain ${name}`);
}

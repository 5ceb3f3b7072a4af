export { entryPointsOf } from "./entry-points.ts";
export { joinPath, shellCommandsOf, type ShellCommand } from "./shell-commands.ts";

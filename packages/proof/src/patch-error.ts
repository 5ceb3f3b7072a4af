/** Why a diff was refused. */
export type PatchRefusal =
  /** The text is not what `git diff` writes, or not with the prefixes and options that we require. */
  | "patch_malformed"
  /** A path that may not be written: absolute, climbing out, inside `.git`, or not plain text. */
  | "patch_path_refused"
  /** A symbolic link or a submodule. */
  | "patch_mode_refused"
  | "patch_too_large";

/** A diff that is refused as a whole; `line` counts from 1 and is where the reading stopped. */
export class PatchError extends Error {
  readonly code: PatchRefusal;
  readonly line: number;

  constructor(code: PatchRefusal, line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.name = "PatchError";
    this.code = code;
    this.line = line;
  }
}

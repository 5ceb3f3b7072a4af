// Whether a new file would be found in place of one that the check starts, or
// started beside it.
//
// `node run` takes `run` before `run.js`, `python3 -m tools.check` the package
// before the module, and make takes a target for done when a file of its name is
// there. The check's own file is untouched then, and never read.

const FOLDERS_OWN = /^(?:index|main|__main__|__init__)$/;

const MAKEFILE = /^(?:gnumakefile|makefile|.*[.]mk)$/i;

/** What make builds, by name: programs, which have no ending, and what they are made of. */
const BUILT = /^[^.]+$|[.](?:o|obj|a|lib|so|dylib|out|exe|stamp|d)$/i;

const SCRIPT = /^[^.]+$|[.](?:sh|bash|zsh|ksh)$/;

const PROSE = /^(?:licen[cs]e|notice|authors|copying|changelog|readme|contributing)$/i;

/** Pure; both paths are from the root. */
export function standsBefore(path: string, started: string): boolean {
  const [folder, name] = split(started);
  if (MAKEFILE.test(name)) {
    const [, own] = split(path);
    return path.startsWith(folder) && BUILT.test(own) && !PROSE.test(own);
  }
  // A script may start or source whatever lies beside it, by a pattern.
  if (SCRIPT.test(name) && isBeside(path, folder)) return true;
  const stem = name.replace(/[.][^.]*$/, "");
  const places = [folder + stem, ...(FOLDERS_OWN.test(stem) && folder !== "" ? [folder.slice(0, -1)] : [])];
  return places.some((place, index) => isAt(path, place, index === 0));
}

function isBeside(path: string, folder: string): boolean {
  const [own, name] = split(path);
  return own === folder && SCRIPT.test(name) && !PROSE.test(name);
}

/** The place itself, with any ending, or in a folder of its name. */
function isAt(path: string, place: string, orBelow: boolean): boolean {
  if (!path.startsWith(place)) return false;
  const rest = path.slice(place.length);
  return rest === "" || /^[.][^./]+$/.test(rest) || (orBelow && rest.startsWith("/"));
}

/** The folder with its slash, and the name. */
function split(path: string): readonly [folder: string, name: string] {
  const at = path.lastIndexOf("/") + 1;
  return [path.slice(0, at), path.slice(at)];
}

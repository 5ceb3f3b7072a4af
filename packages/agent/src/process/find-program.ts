// Which program a name means, decided before an environment of somebody else's
// choosing is in force.

import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { join } from "node:path";

/** The absolute path of the first program of that name on `path`; undefined when there is none. A name with a slash is a path already. */
export async function findProgram(name: string, path = ""): Promise<string | undefined> {
  if (name.includes("/")) return name;
  for (const folder of path.split(":").filter((entry) => entry.startsWith("/"))) {
    const file = join(folder, name);
    const runs = await access(file, constants.X_OK).then(
      async () => (await stat(file)).isFile(),
      () => false,
    );
    if (runs) return file;
  }
  return undefined;
}

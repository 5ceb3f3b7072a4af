// Who made a thing that a killed process leaves behind, so that a sweep takes
// what belongs to the dead and nothing of the living. A process id alone does
// not tell: it is given again, in a container often at once. With the time at
// which the process started it is its own.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

const MARK = /^(\d{1,10})-(\d{1,20})-[0-9a-f]{12}$/;
/** proc_pid_stat(5), counted from after the name, which may hold spaces. */
const START_TIME_FIELD = 19;

/** A new mark of this process: `<pid>-<start time>-<random>`. */
export function nextOwnerMark(): string {
  return `${process.pid}-${findStartTime("self") ?? "0"}-${randomBytes(6).toString("hex")}`;
}

/** Whether a name is a mark, and its process has ended. */
export function isMarkOfDead(mark: string): boolean {
  const [, pid, startTime] = MARK.exec(mark) ?? [];
  return pid !== undefined && findStartTime(pid) !== startTime;
}

function findStartTime(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(") ") + 2).split(" ");
    // Killed and not yet waited for, which may take as long as its parent likes.
    return fields[0] === "Z" ? undefined : fields[START_TIME_FIELD];
  } catch {
    return undefined;
  }
}

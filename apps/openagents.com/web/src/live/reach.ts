// Whether the control service can be reached from here, and when it last was. A
// page without a connection says so, and from when what it shows is.

const KEY = "openagents.last_seen_ms";

export type Reach = { readonly connected: boolean; readonly lastSeenAtMs: number | undefined };

let state: Reach = { connected: true, lastSeenAtMs: remembered() };
const watchers = new Set<() => void>();

export const reach = {
  get state(): Reach {
    return state;
  },
  watch: (listener: () => void): (() => void) => {
    watchers.add(listener);
    return () => watchers.delete(listener);
  },
  /** The service answered. */
  seen(atMs: number): void {
    remember(atMs);
    become({ connected: true, lastSeenAtMs: atMs });
  },
  /** It gave no answer. */
  lost(): void {
    if (state.connected) become({ connected: false, lastSeenAtMs: state.lastSeenAtMs });
  },
};

function become(next: Reach): void {
  const told = next.connected !== state.connected;
  state = next;
  if (told) for (const watcher of watchers) watcher();
}

/** Where a browser keeps nothing, the time is not known the next time; that is all. */
function remembered(): number | undefined {
  try {
    const kept = Number(localStorage.getItem(KEY) ?? "");
    return kept > 0 ? kept : undefined;
  } catch {
    return undefined;
  }
}

function remember(atMs: number): void {
  try {
    localStorage.setItem(KEY, String(atMs));
  } catch {
    // Nothing depends on it.
  }
}

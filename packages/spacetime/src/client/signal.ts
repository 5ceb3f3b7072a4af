/** Wakes one waiter. A ring that comes while nobody waits is kept for the next. */
export type Signal = { readonly ring: () => void; readonly wait: () => Promise<void> };

export function createSignal(): Signal {
  let rung = false;
  let resolve: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      resolve?.();
    },
    async wait() {
      if (!rung) {
        await new Promise<void>((resume) => {
          resolve = resume;
        });
      }
      rung = false;
      resolve = undefined;
    },
  };
}

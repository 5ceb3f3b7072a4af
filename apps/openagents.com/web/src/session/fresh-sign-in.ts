// A command that needs a fresh sign-in waits here until its person has given one,
// or has said no. It says when to show the dialog; the dialog says what came of it.

import { authCall } from "./auth-call.ts";
import { session, type Session, type SignedIn } from "./session.ts";

export type FreshSignIn = {
  /** Whether the dialog is wanted. */
  readonly wanted: boolean;
  readonly subscribe: (listener: () => void) => () => void;
  /** A dialog is there to be shown; without one nobody is asked. Answers how to leave. */
  readonly offer: () => () => void;
  /** Resolves once the same person has signed in anew, and is false when they have not. */
  ask(): Promise<boolean>;
  /** Somebody has signed in. Rejects when it is not the person who was asked. */
  given(): Promise<void>;
  /** The person leaves it. */
  declined(): void;
};

/** Another person may have signed in by a passkey of theirs: what the first one asked for is not repeated. */
export class SomebodyElse extends Error {
  override readonly name = "SomebodyElse";
}

type FreshSignInDeps = Pick<Session, "state" | "renew"> & {
  /** For which organisation the session is from now on. */
  readonly actIn: (org: string) => Promise<unknown>;
};

export function createFreshSignIn(of: FreshSignInDeps): FreshSignIn {
  let waiting: PromiseWithResolvers<boolean> | undefined;
  let dialogs = 0;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const end = (fresh: boolean) => {
    waiting?.resolve(fresh);
    waiting = undefined;
    changed();
  };
  /** A new session begins in the personal organisation: what waits is for the one that it was asked in. */
  async function signedInAs({ userId, org }: SignedIn): Promise<boolean> {
    const now = await of.renew();
    if (now.kind !== "signed_in" || now.userId !== userId) return false;
    if (now.org === org) return true;
    await of.actIn(org);
    const then = await of.renew();
    return then.kind === "signed_in" && then.userId === userId && then.org === org;
  }

  return {
    get wanted() {
      return waiting !== undefined;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    offer() {
      dialogs += 1;
      return () => {
        dialogs -= 1;
        if (dialogs === 0) end(false);
      };
    },
    async ask() {
      if (dialogs === 0) return false;
      // However many commands wait, the person is asked once.
      waiting ??= Promise.withResolvers<boolean>();
      changed();
      return waiting.promise;
    },
    async given() {
      const before = of.state.kind === "signed_in" ? of.state : undefined;
      const same = before !== undefined && (await signedInAs(before));
      end(same);
      if (!same) throw new SomebodyElse("another person is signed in now");
    },
    declined: () => end(false),
  };
}

export const freshSignIn = createFreshSignIn({
  get state() {
    return session.state;
  },
  renew: () => session.renew(),
  actIn: (organizationId) => authCall("/organization/set-active", { organizationId }),
});

import { useSyncExternalStore } from "react";
import { session, type SessionState, type SignedIn } from "./session.ts";

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, () => session.state);
}

/** For pages behind the sign-in, where there is one. */
export function useSignedIn(): SignedIn {
  const state = useSession();
  if (state.kind === "signed_in") return state;
  return { kind: "signed_in", userId: "", org: "", scopes: new Set() };
}

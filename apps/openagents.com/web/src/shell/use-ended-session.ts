import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { live } from "../live/live.ts";
import { queries } from "../queries.ts";
import { session } from "../session/session.ts";
import { useSession } from "../session/use-session.ts";

/** So that a session that was ended elsewhere is gone from this screen within five seconds. */
const CONFIRM_EVERY_MS = 3_000;

/** Leaves for the sign-in page when the session ends, and takes what it showed off the screen. */
export function useEndedSession(): void {
  const state = useSession();
  const navigate = useNavigate();
  const href = useRouterState({ select: ({ location }) => location.href });
  const ended = state.kind === "signed_out" && state.ended;

  useEffect(() => {
    const confirm = () => {
      if (document.visibilityState === "visible") void session.confirm();
    };
    const timer = setInterval(confirm, CONFIRM_EVERY_MS);
    document.addEventListener("visibilitychange", confirm);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", confirm);
    };
  }, []);

  useEffect(() => {
    if (!ended) return;
    void live.stop();
    queries.clear();
    void navigate({ to: "/sign-in", search: { back: href, ended: "yes" }, replace: true });
    // Where it ended is where the person comes back to; later addresses are of the way out.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [ended]);
}

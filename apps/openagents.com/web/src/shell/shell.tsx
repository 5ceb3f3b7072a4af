import { useMantineColorScheme } from "@mantine/core";
import { AuthorityModeReads, MaintenanceBanner } from "./authority-mode.tsx";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import { queries } from "../queries.ts";
import { live as lane } from "../live/live.ts";
import { useLiveState, useStream } from "../live/use-live.ts";
import { session } from "../session/session.ts";
import { useSignedIn } from "../session/use-session.ts";
import { Brand } from "./brand.tsx";
import { FreshSignInDialog } from "./fresh-sign-in-dialog.tsx";
import { Icon } from "./icon.tsx";
import { ConnectionLost } from "./offline.tsx";
import { PLACES, type Place } from "./places.ts";
import { useEndedSession } from "./use-ended-session.ts";

const LIVE_WORDS = {
  off: "Not following",
  connecting: "Connecting",
  live: "Live",
  waiting: "Not live; asking every few seconds",
} as const;

/** The frame of every page behind the sign-in. */
export function Shell() {
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const main = useRef<HTMLElement>(null);
  useEffect(() => setOpen(false), [path]);
  const { org } = useSignedIn();
  useEndedSession();
  // Money is on many pages, so its changes are followed on all of them.
  useStream(
    org === "" ? undefined : `runtime.treasury.org.${org}`,
    useCallback(() => void queries.invalidateQueries({ queryKey: ["treasury"] }), []),
  );
  return (
    <div className="shell">
      <a className="skip" href="#content" onClick={() => main.current?.focus()}>
        Skip to content
      </a>
      <div className="topbar">
        <Brand />
        <button
          type="button"
          className="plain-button"
          aria-expanded={open}
          aria-controls="places"
          onClick={() => setOpen(!open)}
        >
          {open ? "Close" : "Menu"}
        </button>
      </div>
      <nav id="places" data-open={open} aria-label="Places">
        <Brand />
        {PLACES.map(({ group, places }) => (
          <div key={group} role="group" aria-label={group}>
            <div className="nav-group" aria-hidden="true">
              {group}
            </div>
            {places.map((place) => (
              <PlaceLink key={place.to} place={place} />
            ))}
          </div>
        ))}
        <Foot />
      </nav>
      <div>
        <MaintenanceBanner />
        <ConnectionLost />
        <AuthorityModeReads />
        <main id="content" ref={main} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <FreshSignInDialog />
    </div>
  );
}

function PlaceLink({ place }: { readonly place: Place }) {
  const { scopes } = useSignedIn();
  const closed =
    place.closed ??
    (place.scope !== undefined && !scopes.has(place.scope)
      ? "Only for people who operate this installation."
      : undefined);
  if (closed !== undefined) {
    return (
      <span
        className="nav-item"
        role="link"
        aria-disabled="true"
        tabIndex={0}
        title={closed}
        aria-label={`${place.label}: ${closed}`}
      >
        <Icon name={place.icon} />
        {place.label}
      </span>
    );
  }
  return (
    <Link to={place.to} className="nav-item">
      <Icon name={place.icon} />
      {place.label}
    </Link>
  );
}

function Foot() {
  const live = useLiveState();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const navigate = useNavigate();
  const next = colorScheme === "auto" ? "light" : colorScheme === "light" ? "dark" : "auto";
  const leave = async () => {
    await session.signOut();
    await lane.stop();
    queries.clear();
    await navigate({ to: "/" });
  };
  return (
    <div className="nav-foot">
      <div className="live-state" data-state={live} role="status">
        {LIVE_WORDS[live]}
      </div>
      <button type="button" className="plain-button" onClick={() => setColorScheme(next)}>
        Theme: {colorScheme === "auto" ? "as the system" : colorScheme}
      </button>
      <button type="button" className="plain-button" onClick={() => void leave()}>
        Sign out
      </button>
    </div>
  );
}

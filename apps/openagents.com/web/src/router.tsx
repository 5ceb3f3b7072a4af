// The addresses of the console. Each page's code is loaded with its first visit.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  Link,
  Outlet,
} from "@tanstack/react-router";
import { ProblemError } from "@openagents/contracts";
import { Empty, Loading, Problem } from "@openagents/ui/react";
import { Landing } from "./pages/landing.tsx";
import { session } from "./session/session.ts";
import { Offline } from "./shell/offline.tsx";

type Search = {
  readonly status?: string;
  readonly about?: string;
  readonly back?: string;
  readonly user_code?: string;
  /** What a provider sends a person back with. */
  readonly state?: string;
  readonly code?: string;
  readonly ended?: string;
};

function searchOf(search: Record<string, unknown>): Search {
  const found: Record<string, string> = {};
  for (const name of ["status", "about", "back", "user_code", "state", "code", "ended"]) {
    const value = search[name];
    if (typeof value === "string" && value !== "") found[name] = value;
  }
  return found;
}

const root = createRootRoute({
  component: Outlet,
  validateSearch: searchOf,
  notFoundComponent: () => (
    <div className="gate">
      <Empty title="There is no such page" action={<Link to="/home">Go home</Link>}>
        The address may be from another version of the console.
      </Empty>
    </div>
  ),
  errorComponent: ({ error }) =>
    error instanceof ProblemError && error.code === "unreachable" ? (
      <Offline />
    ) : (
      <div className="gate">
        <Problem error={error} action={<a href="/home">Load the console again</a>} />
      </div>
    ),
});

const landing = createRoute({ getParentRoute: () => root, path: "/", component: Landing });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: lazyRouteComponent(() => import("./pages/sign-in.tsx"), "SignIn"),
});

const stats = createRoute({
  getParentRoute: () => root,
  path: "/stats",
  component: lazyRouteComponent(() => import("./pages/stats.tsx"), "StatsPage"),
});

/** Pages behind the sign-in: whoever is not signed in is sent there, and comes back. */
const console_ = createRoute({
  getParentRoute: () => root,
  id: "console",
  component: lazyRouteComponent(() => import("./shell/shell.tsx"), "Shell"),
  // While it is asked who is there, the page is not empty.
  pendingComponent: () => (
    <div className="page">
      <Loading lines={8} />
    </div>
  ),
  pendingMs: 0,
  pendingMinMs: 0,
  async beforeLoad({ location }) {
    const state = await session.restore();
    if (state.kind !== "signed_in")
      redirect({ to: "/sign-in", search: { back: location.href }, throw: true });
  },
});

const within = <P extends string>(path: P, load: () => Promise<Record<string, unknown>>, name: string) =>
  createRoute({
    getParentRoute: () => console_,
    path,
    component: lazyRouteComponent(load as () => Promise<Record<string, () => React.ReactNode>>, name),
  });

const tree = root.addChildren([
  landing,
  signIn,
  stats,
  console_.addChildren([
    within("/home", () => import("./pages/home.tsx"), "Home"),
    within("/runs", () => import("./pages/runs.tsx"), "RunsPage"),
    within("/runs/$runId", () => import("./pages/run/run-page.tsx"), "RunPage"),
    within("/chat", () => import("./pages/chat.tsx"), "ChatPage"),
    within("/chat/$threadId", () => import("./pages/chat.tsx"), "ChatPage"),
    within("/autopilots", () => import("./pages/autopilots/autopilots-page.tsx"), "AutopilotsPage"),
    within("/autopilots/$autopilot", () => import("./pages/autopilots/autopilot-page.tsx"), "AutopilotPage"),
    within("/skills", () => import("./pages/skills/skills-page.tsx"), "SkillsPage"),
    within("/inbox", () => import("./pages/inbox.tsx"), "InboxPage"),
    within("/feed", () => import("./pages/feed.tsx"), "FeedPage"),
    within("/fleet", () => import("./pages/fleet.tsx"), "FleetPage"),
    within("/compute", () => import("./pages/compute.tsx"), "ComputePage"),
    within("/admin", () => import("./pages/admin.tsx"), "AdminPage"),
    within("/settings", () => import("./pages/settings/settings-page.tsx"), "SettingsPage"),
    within(
      "/settings/integrations/google/callback",
      () => import("./pages/google-callback.tsx"),
      "GoogleCallbackPage",
    ),
    within("/settings/$tab", () => import("./pages/settings/settings-page.tsx"), "SettingsPage"),
    within("/invitations/$invitationId", () => import("./pages/invitation.tsx"), "InvitationPage"),
    within("/device", () => import("./pages/device-code.tsx"), "DeviceCodePage"),
    within("/receipts", () => import("./pages/receipts.tsx"), "ReceiptsPage"),
    within("/receipts/$receiptId", () => import("./pages/receipt.tsx"), "ReceiptPage"),
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultPendingMs: 300,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

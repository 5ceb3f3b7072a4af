import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense, type ReactNode } from "react";
import { Loading } from "@openagents/ui/react";
import { Page } from "../../shell/page.tsx";

// Each tab's code comes with its first visit.
const ApiKeysTab = lazy(async () => ({ default: (await import("./api-keys-tab.tsx")).ApiKeysTab }));
const DevicesTab = lazy(async () => ({ default: (await import("./devices-tab.tsx")).DevicesTab }));
const IntegrationsTab = lazy(async () => ({
  default: (await import("./integrations-tab.tsx")).IntegrationsTab,
}));
const MailTab = lazy(async () => ({ default: (await import("./mail-tab.tsx")).MailTab }));
const OrgsTab = lazy(async () => ({ default: (await import("./orgs-tab.tsx")).OrgsTab }));
const ProfileTab = lazy(async () => ({ default: (await import("./profile-tab.tsx")).ProfileTab }));
const SessionsTab = lazy(async () => ({ default: (await import("./sessions-tab.tsx")).SessionsTab }));

const TABS: readonly { readonly tab: string; readonly label: string; readonly content: () => ReactNode }[] = [
  { tab: "profile", label: "Profile", content: () => <ProfileTab /> },
  { tab: "organisations", label: "Organisations", content: () => <OrgsTab /> },
  { tab: "devices", label: "Devices", content: () => <DevicesTab /> },
  { tab: "keys", label: "API keys", content: () => <ApiKeysTab /> },
  { tab: "integrations", label: "Integrations", content: () => <IntegrationsTab /> },
  { tab: "mail", label: "Mail", content: () => <MailTab /> },
  { tab: "sessions", label: "Sign-in and sessions", content: () => <SessionsTab /> },
];

export function SettingsPage() {
  const { tab = "profile" } = useParams({ strict: false });
  const chosen = TABS.find((each) => each.tab === tab) ?? TABS[0];
  return (
    <Page title="Settings">
      <nav className="tabs" aria-label="Settings">
        {TABS.map((each) => (
          <Link key={each.tab} to="/settings/$tab" params={{ tab: each.tab }}>
            {each.label}
          </Link>
        ))}
      </nav>
      <Suspense fallback={<Loading lines={6} />}>{chosen?.content()}</Suspense>
    </Page>
  );
}

import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page } from "../../shell/page.tsx";
import { ApiKeysTab } from "./api-keys-tab.tsx";
import { DevicesTab } from "./devices-tab.tsx";
import { IntegrationsTab } from "./integrations-tab.tsx";
import { MailTab } from "./mail-tab.tsx";
import { OrgsTab } from "./orgs-tab.tsx";
import { ProfileTab } from "./profile-tab.tsx";
import { SessionsTab } from "./sessions-tab.tsx";

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
      {chosen?.content()}
    </Page>
  );
}

import { Integrations, integrationProviderValues, type Integration } from "@openagents/contracts";
import { sentence } from "@openagents/ui";
import { Badge, Empty, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Choice, Field, Form } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";

const changed = () => void queries.invalidateQueries({ queryKey: ["integrations"] });

/** Secrets of other services: sealed when they come in, and never shown again. */
export function IntegrationsTab() {
  const integrations = useRead(["integrations"], (signal) =>
    client(Integrations).listIntegrations({}, { signal }),
  );
  return (
    <>
      <Panel title="Connected">
        <Read of={integrations}>
          {({ integrations: all }) =>
            all.length === 0 ? (
              <Empty title="Nothing is connected">
                With a forge’s token, a run can open its pull request.
              </Empty>
            ) : (
              <ul className="money-way">
                {all.map((each) => (
                  <IntegrationRow key={each.provider} integration={each} />
                ))}
              </ul>
            )
          }
        </Read>
      </Panel>
      <Panel title="Connect">
        <div className="oa-body">
          <Form
            submit="Connect"
            send={async (fields) => {
              const provider = integrationProviderValues.find((each) => each === fields.get("provider"));
              if (provider === undefined) return;
              const baseUrl = fields.get("base-url") ?? "";
              await client(Integrations).connectIntegration({
                provider,
                secret: fields.get("secret") ?? "",
                ...(baseUrl === "" ? {} : { baseUrl }),
              });
              changed();
            }}
          >
            <Choice name="provider" label="Service" options={integrationProviderValues} />
            <Field
              name="secret"
              label="Its token"
              type="password"
              hint="Stored sealed. It replaces the one that is there."
            />
            <Field
              name="base-url"
              label="Its address"
              type="url"
              required={false}
              placeholder="https://…"
              hint="For your own Forgejo."
            />
          </Form>
        </div>
      </Panel>
    </>
  );
}

const CHECKS = { works: "holds", refused: "rejected", unreachable: "unknown", unchecked: "pending" } as const;

function IntegrationRow({ integration }: { readonly integration: Integration }) {
  const { provider } = integration;
  const name = sentence(provider);
  return (
    <li>
      <span>
        <strong>{name}</strong> <span className="quiet">{integration.account ?? integration.baseUrl}</span>{" "}
        <span className="oa-mono quiet">{integration.secretHint}</span>{" "}
        <Badge word={CHECKS[integration.checkStatus]} />
        <br />
        <span className="quiet">
          connected <Time atMs={integration.connectedAt} />{" "}
          <Link to="/receipts/$receiptId" params={{ receiptId: integration.receiptId }}>
            receipt
          </Link>
        </span>
      </span>
      <span className="row">
        <CommandButton
          label="Check"
          title={`Check ${name}?`}
          explanation="The service is asked who the token belongs to. Nothing is changed there."
          confirm="Ask it"
          run={(_text, idempotencyKey) =>
            client(Integrations).checkIntegration({ provider }, { idempotencyKey })
          }
          done={changed}
        />
        <CommandButton
          label="Disconnect"
          title={`Disconnect ${name}?`}
          explanation="Its token is deleted here. Take it back at the service, too."
          confirm="Disconnect it"
          danger
          run={(_text, idempotencyKey) =>
            client(Integrations).disconnectIntegration({ provider }, { idempotencyKey })
          }
          done={changed}
        />
      </span>
    </li>
  );
}

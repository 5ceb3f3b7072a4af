import { ApiKeys } from "@openagents/contracts";
import { Badge, Command, Empty, Time } from "@openagents/ui/react";
import { useState } from "react";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { useSignedIn } from "../../session/use-session.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Field, Form } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";

const changed = () => void queries.invalidateQueries({ queryKey: ["api-keys"] });

/** What a person decides is given to no key. */
const OF_PERSONS = /^(admin|orgs:write|(sessions|tokens):[a-z]+|[a-z]+:decide)$/;

/** Keys belong to the organisation, and outlive the person who made them. */
export function ApiKeysTab() {
  const { scopes } = useSignedIn();
  const [secret, setSecret] = useState<string>();
  const keys = useRead(["api-keys"], (signal) => client(ApiKeys).listApiKeys({ limit: 100 }, { signal }));
  const grantable = [...scopes].filter((scope) => !OF_PERSONS.test(scope)).sort();
  return (
    <>
      {secret === undefined ? null : (
        <Panel title="The new key, shown once">
          <div className="oa-body stack">
            <p className="quiet">Copy it now. It is stored as a hash only, and nobody can show it again.</p>
            <Command>{secret}</Command>
          </div>
        </Panel>
      )}
      <Panel title="API keys of the organisation">
        <Read of={keys}>
          {({ keys: all }) =>
            all.length === 0 ? (
              <Empty title="No keys">
                A key lets a program act for the organisation, within the scopes that it is given.
              </Empty>
            ) : (
              <ul className="money-way">
                {all.map((key) => (
                  <li key={key.keyId}>
                    <span>
                      <strong>{key.name}</strong> <span className="oa-mono quiet">{key.prefix}…</span>{" "}
                      {key.revokedAt === undefined ? null : <Badge word="revoked" />}
                      <br />
                      <span className="quiet">
                        {key.scopes.join(", ")} · made <Time atMs={key.createdAt} />
                        {key.lastUsedAt === undefined ? ", never used" : null}
                        {key.lastUsedAt === undefined ? null : (
                          <>
                            , used <Time atMs={key.lastUsedAt} />
                          </>
                        )}
                      </span>
                    </span>
                    <CommandButton
                      label="Revoke"
                      title={`Revoke ${key.name}?`}
                      explanation="Programs that use it are refused within five seconds."
                      confirm="Revoke it"
                      danger
                      disabledBecause={key.revokedAt === undefined ? undefined : "It is revoked already."}
                      run={(_text, idempotencyKey) =>
                        client(ApiKeys).revokeApiKey({ keyId: key.keyId }, { idempotencyKey })
                      }
                      done={changed}
                    />
                  </li>
                ))}
              </ul>
            )
          }
        </Read>
      </Panel>
      <Panel title="A new key">
        <div className="oa-body">
          <Form
            submit="Make the key"
            disabledBecause={scopes.has("tokens:write") ? undefined : "Your role makes no keys."}
            send={async (fields) => {
              const chosen = grantable.filter((scope) => fields.has(`scope:${scope}`));
              const answer = await client(ApiKeys).createApiKey({
                name: fields.get("key-name") ?? "",
                scopes: chosen,
              });
              setSecret(answer.secret);
              changed();
            }}
          >
            <Field name="key-name" label="Name" placeholder="continuous integration" />
            <fieldset className="scopes">
              <legend className="label-text">What it may do</legend>
              {grantable.map((scope) => (
                <label key={scope}>
                  <input type="checkbox" name={`scope:${scope}`} value="yes" />{" "}
                  <span className="oa-mono">{scope}</span>
                </label>
              ))}
            </fieldset>
          </Form>
        </div>
      </Panel>
    </>
  );
}

import { Button } from "@mantine/core";
import { Empty, Problem, Time } from "@openagents/ui/react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { live } from "../../live/live.ts";
import { authCall } from "../../session/auth-call.ts";
import { addPasskey, passkeysWork } from "../../session/passkey.ts";
import { session } from "../../session/session.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Field, Form } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";

type OwnSession = {
  readonly session_id: string;
  readonly current: boolean;
  readonly authenticated_at: string;
  readonly expires_at: string;
  readonly methods: readonly string[];
  readonly user_agent?: string;
  readonly address?: string;
};

type Passkey = { readonly id: string; readonly name?: string; readonly createdAt?: string };

const METHODS: Readonly<Record<string, string>> = {
  otp: "an e-mailed code",
  passkey: "a passkey",
  link: "a link from this computer",
  sso: "your organisation’s sign-in",
  device: "a device code",
};

export function SessionsTab() {
  return (
    <>
      <Passkeys />
      <Sessions />
    </>
  );
}

function Passkeys() {
  const passkeys = useRead(["passkeys"], async () =>
    listOf<Passkey>(await authCall("/passkey/list-user-passkeys", undefined, "GET")),
  );
  const changed = () => void queries.invalidateQueries({ queryKey: ["passkeys"] });
  return (
    <Panel title="Passkeys">
      <Read of={passkeys}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No passkey yet">
              It signs you in with your finger, face or PIN, and cannot be phished.
            </Empty>
          ) : (
            <ul className="money-way">
              {all.map((passkey) => (
                <li key={passkey.id}>
                  <span>
                    <strong>{passkey.name ?? "Passkey"}</strong>{" "}
                    {passkey.createdAt === undefined ? null : (
                      <span className="quiet">
                        added <Time atMs={Date.parse(passkey.createdAt)} />
                      </span>
                    )}
                  </span>
                  <CommandButton
                    label="Remove"
                    title="Remove this passkey?"
                    explanation="It signs you in no more. Codes by e-mail still do."
                    confirm="Remove it"
                    danger
                    run={() => authCall("/passkey/delete-passkey", { id: passkey.id })}
                    done={changed}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Read>
      <div className="oa-body">
        <Form
          submit="Add a passkey"
          inline
          disabledBecause={passkeysWork ? undefined : "This browser has no passkeys."}
          send={async (fields) => {
            await addPasskey(fields.get("passkey-name") ?? "");
            changed();
          }}
        >
          <Field name="passkey-name" label="Its name" placeholder="this laptop" />
        </Form>
      </div>
    </Panel>
  );
}

function Sessions() {
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>();
  const sessions = useRead(["sessions"], async () =>
    listOf<OwnSession>(Object(await authCall("/sessions", undefined, "GET")).sessions),
  );
  const leaveAll = async () => {
    setError(undefined);
    try {
      await authCall("/sign-out-everywhere");
      await live.stop();
      session.forget();
      queries.clear();
      await navigate({ to: "/" });
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <Panel
      title="Where you are signed in"
      aside={
        <Button size="compact-sm" variant="default" onClick={() => void leaveAll()}>
          Sign out everywhere
        </Button>
      }
    >
      {error === undefined ? null : <Problem error={error} />}
      <Read of={sessions}>
        {(all) => (
          <ul className="money-way">
            {all.map((each) => (
              <li key={each.session_id}>
                <span>
                  <strong>{each.user_agent === undefined ? "A browser" : browserOf(each.user_agent)}</strong>{" "}
                  <span className="quiet">
                    {each.address} · by {each.methods.map((method) => METHODS[method] ?? method).join(", ")}{" "}
                    <Time atMs={Date.parse(each.authenticated_at)} />
                  </span>
                </span>
                {each.current ? (
                  <span className="quiet">this one</span>
                ) : (
                  <CommandButton
                    label="End"
                    title="End this session?"
                    explanation="It is signed out within five seconds."
                    confirm="End it"
                    danger
                    run={() => authCall("/sessions/revoke", { session_id: each.session_id })}
                    done={() => void queries.invalidateQueries({ queryKey: ["sessions"] })}
                  />
                )}
              </li>
            ))}
          </ul>
        )}
      </Read>
    </Panel>
  );
}

/** The control service's own answers of `/api/auth/*`, which no contract describes. */
function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : [];
}

/** A name that a person knows, out of what a browser calls itself. */
function browserOf(userAgent: string): string {
  const name = /(Firefox|Edg|Chrome|Safari)\//.exec(userAgent)?.[1] ?? "A program";
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(userAgent)?.[1];
  return `${name === "Edg" ? "Edge" : name}${system === undefined ? "" : ` on ${system.replace("Mac OS X", "macOS")}`}`;
}

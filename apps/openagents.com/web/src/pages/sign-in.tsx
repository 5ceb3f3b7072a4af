import { Button } from "@mantine/core";
import { Problem } from "@openagents/ui/react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState, type FormEvent } from "react";
import { useRead } from "../api.ts";
import { authCall } from "../session/auth-call.ts";
import { passkeysWork, signInWithPasskey } from "../session/passkey.ts";
import { session } from "../session/session.ts";
import { Brand } from "../shell/brand.tsx";
import { CodeForm } from "../shell/code-form.tsx";

type Stage = { readonly kind: "address" } | { readonly kind: "code"; readonly email: string };

/** Sign-in by a code to an address, or by a passkey. */
export function SignIn() {
  const [stage, setStage] = useState<Stage>({ kind: "address" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const { back, ended } = useSearch({ strict: false });
  const navigate = useNavigate();
  const options = useRead(["sign-in-options"], readOptions);
  useEffect(() => {
    document.title = "Sign in · OpenAgents";
    void session.restore().catch(() => undefined);
  }, []);

  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const enter = async () => {
    await session.renew();
    await navigate({ to: typeof back === "string" && /^\/[a-z]/.test(back) ? back : "/home", replace: true });
  };
  const sendCode = (email: string) =>
    attempt(async () => {
      await authCall("/email-otp/send-verification-otp", { email, type: "sign-in" });
      setStage({ kind: "code", email });
    });
  const verify = (email: string, otp: string) =>
    attempt(async () => {
      await authCall("/sign-in/email-otp", { email, otp });
      await enter();
    });
  const passkey = () =>
    attempt(async () => {
      await signInWithPasskey();
      await enter();
    });

  return (
    <main className="gate">
      <div className="gate-card">
        <Brand to="/" />
        {ended === undefined ? null : (
          <p className="reason" role="status">
            This session is over: it was ended from elsewhere, or its time was up. You come back to where you
            were.
          </p>
        )}
        {options.data?.has("sso") === true ? (
          <>
            <h1>Sign in</h1>
            <Button component="a" href="/sign-in/sso">
              Go on with your organisation’s sign-in
            </Button>
            <p className="reason">This installation signs people in at its identity provider only.</p>
          </>
        ) : stage.kind === "address" ? (
          <>
            <h1>Sign in</h1>
            <AddressForm busy={busy} send={sendCode} />
            <div className="divider">or</div>
            <Button
              variant="default"
              disabled={!passkeysWork}
              title={passkeysWork ? undefined : "This browser has no passkeys."}
              onClick={() => void passkey()}
            >
              Use a passkey
            </Button>
            <p className="reason">
              New here? The code also makes your account. No password is ever asked for.
            </p>
          </>
        ) : (
          <>
            <h1>Enter the code</h1>
            <CodeForm id="code" email={stage.email} busy={busy} label="Sign in" submit={verify}>
              <p className="reason">It works for ten minutes, and for five tries.</p>
            </CodeForm>
            <div className="row">
              <button type="button" className="plain-button" onClick={() => void sendCode(stage.email)}>
                Send another code
              </button>
              <button type="button" className="plain-button" onClick={() => setStage({ kind: "address" })}>
                Use another address
              </button>
            </div>
          </>
        )}
        {error === undefined ? null : <Problem error={error} />}
      </div>
    </main>
  );
}

type AddressFormProps = { readonly busy: boolean; readonly send: (email: string) => Promise<void> };

function AddressForm({ busy, send }: AddressFormProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const email = new FormData(event.currentTarget).get("email");
    if (typeof email === "string") void send(email.trim());
  };
  return (
    <form onSubmit={submit}>
      <div className="field">
        <label htmlFor="email">E-mail address</label>
        <input
          id="email"
          name="email"
          type="email"
          className="input"
          required
          autoComplete="username webauthn"
          placeholder="you@example.org"
        />
      </div>
      <Button type="submit" loading={busy}>
        Send me a code
      </Button>
    </form>
  );
}

async function readOptions(signal: AbortSignal): Promise<ReadonlySet<string>> {
  const answer = await fetch("/api/auth/sign-in-options", { signal });
  const methods: unknown = answer.ok ? Object(await answer.json()).methods : undefined;
  return new Set(Array.isArray(methods) ? methods.map(String) : ["otp", "passkey"]);
}

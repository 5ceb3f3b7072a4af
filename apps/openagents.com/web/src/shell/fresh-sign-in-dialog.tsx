import { Button } from "@mantine/core";
import { Problem } from "@openagents/ui/react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { authCall } from "../session/auth-call.ts";
import { SomebodyElse, freshSignIn } from "../session/fresh-sign-in.ts";
import { passkeysWork, signInWithPasskey } from "../session/passkey.ts";
import { CodeForm } from "./code-form.tsx";

/** Asks a person to sign in again, over whatever they are doing, which then goes on. */
export function FreshSignInDialog() {
  const sheet = useRef<HTMLDialogElement>(null);
  const wanted = useSyncExternalStore(freshSignIn.subscribe, () => freshSignIn.wanted);
  useEffect(() => freshSignIn.offer(), []);
  useEffect(() => {
    if (wanted) sheet.current?.showModal();
    else sheet.current?.close();
  }, [wanted]);
  return (
    <dialog
      ref={sheet}
      className="sheet"
      aria-labelledby="fresh-sign-in"
      onClose={() => {
        if (freshSignIn.wanted) freshSignIn.declined();
      }}
    >
      <div>
        <h2 id="fresh-sign-in">Confirm that it is you</h2>
        <p className="quiet">
          This needs a sign-in of the last 15 minutes. Nothing is done until then, and then it goes on.
        </p>
      </div>
      {wanted ? <Ways /> : null}
    </dialog>
  );
}

type Ways = {
  /** Empty where no code can be sent. */
  readonly email: string;
  readonly methods: ReadonlySet<string>;
};

function Ways() {
  const [ways, setWays] = useState<Ways>();
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (failure) {
      // Everything on the screen is of the one who was here before.
      if (failure instanceof SomebodyElse) window.location.assign("/home");
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => void attempt(async () => setWays(await readWays())), []);
  const sendCode = (email: string) =>
    attempt(async () => {
      await authCall("/email-otp/send-verification-otp", { email, type: "sign-in" });
      setSent(true);
    });
  const passkey = () =>
    attempt(async () => {
      await signInWithPasskey();
      await freshSignIn.given();
    });
  const confirm = (email: string, otp: string) =>
    attempt(async () => {
      await authCall("/sign-in/email-otp", { email, otp });
      await freshSignIn.given();
    });
  return (
    <div className="stack">
      {ways === undefined ? null : ways.methods.has("sso") ? (
        <div className="row">
          <Button component="a" href="/sign-in/sso" target="_blank" variant="default">
            Sign in at your organisation
          </Button>
          <Button loading={busy} onClick={() => void attempt(() => freshSignIn.given())}>
            I have signed in
          </Button>
        </div>
      ) : sent ? (
        <CodeForm id="fresh-code" email={ways.email} busy={busy} label="Confirm" submit={confirm} />
      ) : (
        <div className="row">
          <Button
            variant="default"
            disabled={!passkeysWork}
            title={passkeysWork ? undefined : "This browser has no passkeys."}
            onClick={() => void passkey()}
          >
            Use a passkey
          </Button>
          <Button
            loading={busy}
            disabled={ways.email === ""}
            title={ways.email === "" ? "Your account has no address to send a code to." : undefined}
            onClick={() => void sendCode(ways.email)}
          >
            Send me a code
          </Button>
        </div>
      )}
      {error === undefined ? null : <Problem error={error} />}
      <div className="row">
        <button type="button" className="plain-button" onClick={() => freshSignIn.declined()}>
          Not now
        </button>
      </div>
    </div>
  );
}

/** How this person can sign in here, and where a code would go. */
async function readWays(): Promise<Ways> {
  const options = Object(await authCall("/sign-in-options", undefined, "GET"));
  const { user } = Object(await authCall("/get-session", undefined, "GET"));
  const methods: unknown = options.methods;
  return {
    email: user?.emailVerified === true ? String(user.email) : "",
    methods: new Set(Array.isArray(methods) ? methods.map(String) : []),
  };
}

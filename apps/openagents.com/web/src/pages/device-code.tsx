import { Button } from "@mantine/core";
import { Problem } from "@openagents/ui/react";
import { useSearch } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { authCall } from "../session/auth-call.ts";
import { Page, Panel } from "../shell/page.tsx";

type Stage =
  | { readonly kind: "ask" }
  | { readonly kind: "decide"; readonly code: string }
  | { readonly kind: "done"; readonly said: string };

/** Where a command line or desktop app sends its person to let it in (RFC 8628). */
export function DeviceCodePage() {
  const { user_code: given } = useSearch({ strict: false });
  const [stage, setStage] = useState<Stage>({ kind: "ask" });
  const [error, setError] = useState<unknown>();
  const attempt = async (work: () => Promise<Stage>) => {
    setError(undefined);
    try {
      setStage(await work());
    } catch (failure) {
      setError(failure);
    }
  };
  const look = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const typed = new FormData(event.currentTarget).get("code");
    const code = (typeof typed === "string" ? typed : "").replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase();
    void attempt(async () => {
      await authCall(`/device?user_code=${code}`, undefined, "GET");
      return { kind: "decide", code };
    });
  };
  const decide = (path: string, code: string, said: string) =>
    void attempt(async () => {
      await authCall(path, { userCode: code });
      return { kind: "done", said };
    });
  return (
    <Page
      title="Let a device in"
      lead="Only if you started this yourself, just now, on the device that shows the code."
    >
      <Panel title="Device code">
        <div className="oa-body stack">
          {stage.kind === "ask" ? (
            <form className="inline-fields" onSubmit={look}>
              <div className="field">
                <label htmlFor="code">The code that the device shows</label>
                <input
                  id="code"
                  name="code"
                  className="input"
                  required
                  defaultValue={given}
                  autoComplete="off"
                />
              </div>
              <div>
                <Button type="submit">Look</Button>
              </div>
            </form>
          ) : null}
          {stage.kind === "decide" ? (
            <>
              <p>
                <span className="oa-mono">{stage.code}</span> asks to act for you.
              </p>
              <div className="row">
                <Button onClick={() => decide("/device/approve", stage.code, "It is let in. Go back to it.")}>
                  Let it in
                </Button>
                <Button
                  variant="default"
                  onClick={() => decide("/device/deny", stage.code, "It is refused.")}
                >
                  Refuse
                </Button>
              </div>
            </>
          ) : null}
          {stage.kind === "done" ? <p role="status">{stage.said}</p> : null}
          {error === undefined ? null : <Problem error={error} />}
        </div>
      </Panel>
    </Page>
  );
}

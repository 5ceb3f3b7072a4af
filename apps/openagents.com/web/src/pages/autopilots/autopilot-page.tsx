import { AutopilotSpends, Autopilots, CodexWorkers, type Autopilot } from "@openagents/contracts";
import { Amount, Badge, Id, Time } from "@openagents/ui/react";
import { Link, useParams } from "@tanstack/react-router";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { useSignedIn } from "../../session/use-session.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Choice, Form } from "../../shell/form.tsx";
import { Figure, Page, Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { PolicyForm } from "./policy-form.tsx";

const changed = () => void queries.invalidateQueries({ queryKey: ["autopilots"] });

/** One autopilot: what it may do, what it spent of it, and where its words go. */
export function AutopilotPage() {
  const { autopilot: name = "" } = useParams({ strict: false });
  const read = useRead(
    ["autopilots", name],
    (signal) => client(Autopilots).getAutopilot({ autopilot: name }, { signal }),
    { everyMs: 30_000 },
  );
  const autopilot = read.data?.autopilot;
  return (
    <Page
      title={autopilot?.displayName ?? "Autopilot"}
      lead={
        autopilot === undefined ? undefined : (
          <span className="row">
            <Badge word={autopilot.status} />
            <Id id={autopilot.autopilotId} />
            <span className="quiet">{autopilot.tagline}</span>
            <Link to="/autopilots">All autopilots</Link>
          </span>
        )
      }
      actions={autopilot === undefined ? null : <Switch autopilot={autopilot} />}
    >
      <Read of={read} lines={10}>
        {({ autopilot: one }) => (
          <>
            <Spent autopilot={one} />
            <PolicyForm key={String(one.configVersion)} autopilot={one} saved={changed} />
            <Worker key={one.workerId ?? ""} autopilot={one} />
          </>
        )}
      </Read>
    </Page>
  );
}

/** Stops it at once, or lets it act again. */
function Switch({ autopilot }: { readonly autopilot: Autopilot }) {
  const { scopes } = useSignedIn();
  const { displayName, autopilotId } = autopilot;
  const active = autopilot.status === "active";
  return (
    <CommandButton
      label={active ? "Disable" : "Enable"}
      title={active ? `Disable ${displayName}?` : `Enable ${displayName}?`}
      explanation={
        active
          ? "It uses no tool and spends nothing from this moment. Its policy and its threads stay."
          : "It may act within its policy again."
      }
      confirm={active ? "Disable it now" : "Enable it"}
      danger={active}
      disabledBecause={scopes.has("autopilots:write") ? undefined : "Your role changes no autopilots."}
      run={(_text, idempotencyKey) =>
        client(Autopilots).updateAutopilot(
          { autopilot: autopilotId, status: active ? "disabled" : "active" },
          { idempotencyKey },
        )
      }
      done={changed}
    />
  );
}

function Spent({
  autopilot: { autopilotId, policy, configVersion, updatedAt },
}: {
  readonly autopilot: Autopilot;
}) {
  const spending = useRead(
    ["autopilots", autopilotId, "spending"],
    (signal) => client(AutopilotSpends).getAutopilotSpending({ autopilot: autopilotId }, { signal }),
    { everyMs: 15_000 },
  );
  const { dayMsats = 0n, monthMsats = 0n } = spending.data ?? {};
  return (
    <div className="figures">
      <Figure label="Spent today" note={<Of max={policy.spendPerDayMsatsMax} />}>
        <Amount msats={dayMsats} />
      </Figure>
      <Figure label="Spent this month" note={<Of max={policy.spendPerMonthMsatsMax} />}>
        <Amount msats={monthMsats} />
      </Figure>
      <Figure
        label="Policy"
        note={
          <>
            changed <Time atMs={updatedAt} />
          </>
        }
      >{`Version ${configVersion}`}</Figure>
    </div>
  );
}

function Of({ max }: { readonly max: bigint | undefined }) {
  if (max === undefined) return "nothing may be spent";
  return (
    <>
      of <Amount msats={max} />
    </>
  );
}

/** The device's agent that its threads reach where they name none. */
function Worker({ autopilot: { autopilotId, workerId } }: { readonly autopilot: Autopilot }) {
  const { scopes } = useSignedIn();
  const workers = useRead(["codex-workers", "all"], (signal) =>
    client(CodexWorkers).listCodexWorkers({ status: "running", limit: 50 }, { signal }),
  );
  return (
    <Panel title="Where its words go">
      <Read of={workers}>
        {({ workers: all }) => (
          <div className="oa-body">
            <Form
              submit="Save"
              inline
              disabledBecause={
                scopes.has("autopilots:write") ? undefined : "Your role changes no autopilots."
              }
              send={async (fields) => {
                const chosen = all.find((worker) => nameOf(worker) === fields.get("worker"));
                await client(Autopilots).updateAutopilot({
                  autopilot: autopilotId,
                  workerId: chosen?.workerId ?? "",
                });
                changed();
              }}
            >
              <Choice
                name="worker"
                label="Agent"
                options={[NO_WORKER, ...all.map(nameOf)]}
                initial={all.filter((worker) => worker.workerId === workerId).map(nameOf)[0] ?? NO_WORKER}
              />
            </Form>
          </div>
        )}
      </Read>
    </Panel>
  );
}

const NO_WORKER = "None: each thread names its own";

function nameOf({
  name,
  adapter,
  workerId,
}: {
  readonly name: string;
  readonly adapter: string;
  readonly workerId: string;
}): string {
  return `${name}, ${adapter} (${workerId.slice(-6)})`;
}

import { Autopilots, ProblemError, Tools, type Autopilot, type AutopilotPolicy } from "@openagents/contracts";
import { formatSatsNumber, parseSats } from "@openagents/ui";
import { client, useRead } from "../../api.ts";
import { useSignedIn } from "../../session/use-session.ts";
import { Field, Form, Lines, linesOf } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { allowedTools, rulesFor } from "./tool-choice.ts";

type PolicyFormProps = { readonly autopilot: Autopilot; readonly saved: () => void };

/** What it may do. Saving replaces the policy whole, and is refused when somebody changed it meanwhile. */
export function PolicyForm({ autopilot, saved }: PolicyFormProps) {
  const { scopes } = useSignedIn();
  const tools = useRead(["tool-packs"], (signal) => client(Tools).listToolPacks({}, { signal }));
  const { policy, autopilotId, configVersion } = autopilot;
  return (
    <Panel
      title="What it may do"
      aside={<span className="oa-fine">enforced by the services, whatever it asks for</span>}
    >
      <Read of={tools} lines={8}>
        {({ tools: offered }) => {
          const names = offered.map(({ tool }) => tool);
          const allowed = allowedTools(policy, names);
          return (
            <div className="oa-body">
              <Form
                submit="Save the policy"
                disabledBecause={
                  scopes.has("autopilots:write") ? undefined : "Your role changes no autopilots."
                }
                send={async (fields) => {
                  await client(Autopilots).updateAutopilot({
                    autopilot: autopilotId,
                    policy: policyOf(fields, names, policy),
                    expectedConfigVersion: configVersion,
                  });
                  saved();
                }}
              >
                <fieldset className="plain-fields">
                  <legend className="label-text">Tools that it may use</legend>
                  {offered.map(({ tool, description, writes }) => (
                    <label key={tool} className="tick">
                      <input
                        type="checkbox"
                        name={`tool:${tool}`}
                        value="yes"
                        defaultChecked={allowed.has(tool)}
                      />
                      <span>
                        <span className="oa-mono">{tool}</span>{" "}
                        {writes ? (
                          <span className="oa-badge" data-tone="attention">
                            writes
                          </span>
                        ) : null}
                        <br />
                        <span className="quiet">{description}</span>
                      </span>
                    </label>
                  ))}
                  <label className="tick">
                    <input
                      type="checkbox"
                      name="writes"
                      value="yes"
                      defaultChecked={policy.writesWithoutApproval}
                    />
                    <span>
                      Tools that write go on without asking you
                      <br />
                      <span className="quiet">
                        Unticked, each waits in your inbox until you approve exactly that.
                      </span>
                    </span>
                  </label>
                </fieldset>
                <div className="field-grid">
                  <Sats name="per-call" label="A call, at most" msats={policy.spendPerCallMsatsMax} />
                  <Sats name="per-day" label="A day, at most" msats={policy.spendPerDayMsatsMax} />
                  <Sats name="per-month" label="A month, at most" msats={policy.spendPerMonthMsatsMax} />
                  <Sats
                    name="approval-over"
                    label="Asks you above"
                    msats={policy.approvalOverMsats}
                    hint="In sats. Empty: whatever costs something."
                  />
                </div>
                <div className="columns">
                  <Lines
                    name="hosts"
                    label="Hosts that tools may reach"
                    initial={policy.hostsAllowed.join("\n")}
                    placeholder="github.com"
                    hint="One on each line. Empty: none."
                  />
                  <Lines
                    name="fallback"
                    label="Where work goes, in this order"
                    initial={policy.fallbackOrder.join("\n")}
                    placeholder={"local_codex\nruntime"}
                    hint="One on each line: the next is asked when the one before cannot take it."
                  />
                </div>
              </Form>
            </div>
          );
        }}
      </Read>
    </Panel>
  );
}

type SatsProps = {
  readonly name: string;
  readonly label: string;
  readonly msats: bigint | undefined;
  readonly hint?: string;
};

function Sats({ name, label, msats, hint = "In sats. Empty: nothing." }: SatsProps) {
  return (
    <Field
      name={name}
      label={label}
      required={false}
      initial={msats === undefined ? "" : formatSatsNumber(msats)}
      hint={hint}
    />
  );
}

function policyOf(
  fields: ReadonlyMap<string, string>,
  tools: readonly string[],
  before: AutopilotPolicy,
): AutopilotPolicy {
  const chosen = new Set(tools.filter((tool) => fields.has(`tool:${tool}`)));
  return {
    ...rulesFor(chosen, tools, before),
    spendPerCallMsatsMax: satsIn(fields, "per-call", "A call, at most"),
    spendPerDayMsatsMax: satsIn(fields, "per-day", "A day, at most"),
    spendPerMonthMsatsMax: satsIn(fields, "per-month", "A month, at most"),
    approvalOverMsats: satsIn(fields, "approval-over", "Asks you above"),
    writesWithoutApproval: fields.has("writes"),
    hostsAllowed: linesOf(fields.get("hosts")),
    fallbackOrder: linesOf(fields.get("fallback")),
  };
}

function satsIn(fields: ReadonlyMap<string, string>, name: string, label: string): bigint | undefined {
  const text = fields.get(name) ?? "";
  if (text === "") return undefined;
  const msats = parseSats(text);
  if (msats !== undefined) return msats;
  throw new ProblemError({
    status: 400,
    code: "amount_invalid",
    detail: `“${label}” is no amount of sats: ${text}. Write it as 1,000 or 0.5.`,
  });
}

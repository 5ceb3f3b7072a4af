import { ProblemError, Skills, type JsonObject, type ToolSpec } from "@openagents/contracts";
import { client } from "../../api.ts";
import { useSignedIn } from "../../session/use-session.ts";
import { Field, Form, Lines } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";

type WriteSkillProps = { readonly tools: readonly ToolSpec[]; readonly saved: () => void };

/** A version is written, and written anew as often as wanted, until it is published. */
export function WriteSkill({ tools, saved }: WriteSkillProps) {
  const { scopes } = useSignedIn();
  return (
    <Panel title="Write a version">
      <div className="oa-body">
        <Form
          submit="Save the draft"
          disabledBecause={scopes.has("skills:write") ? undefined : "Your role writes no skills."}
          send={async (fields) => {
            const chosen = tools.filter((tool) => fields.has(`tool:${nameOf(tool)}`));
            await client(Skills).putSkillSpec({
              skillId: fields.get("skill") ?? "",
              version: numberIn(fields, "version"),
              description: fields.get("description") ?? "",
              instructions: fields.get("instructions") ?? "",
              tools: chosen.map(({ toolId, version }) => ({ toolId, version })),
            });
            saved();
          }}
        >
          <div className="inline-fields">
            <Field name="skill" label="Name" placeholder="review-etiquette" />
            <Field name="version" label="Version" type="number" initial="1" />
          </div>
          <Field name="description" label="When it helps" placeholder="When a pull request is opened" />
          <Lines
            name="instructions"
            label="What the agent is told, in Markdown"
            required
            rows={6}
            placeholder="Keep each commit to one idea, and say why in its message."
          />
          {tools.length === 0 ? null : (
            <fieldset className="scopes">
              <legend className="label-text">Tools that it needs</legend>
              {tools.map((tool) => (
                <label key={nameOf(tool)}>
                  <input type="checkbox" name={`tool:${nameOf(tool)}`} value="yes" />{" "}
                  <span className="oa-mono">{nameOf(tool)}</span>
                </label>
              ))}
            </fieldset>
          )}
        </Form>
      </div>
    </Panel>
  );
}

export function RegisterTool({ saved }: { readonly saved: () => void }) {
  const { scopes } = useSignedIn();
  return (
    <details className="oa-body">
      <summary>Register a tool</summary>
      <Form
        submit="Register it"
        disabledBecause={scopes.has("skills:write") ? undefined : "Your role registers no tools."}
        send={async (fields) => {
          await client(Skills).registerToolSpec({
            toolId: fields.get("tool") ?? "",
            version: numberIn(fields, "tool-version"),
            toolPack: fields.get("pack") ?? "",
            description: fields.get("tool-description") ?? "",
            inputSchema: schemaIn(fields.get("schema") ?? ""),
          });
          saved();
        }}
      >
        <div className="inline-fields">
          <Field name="tool" label="Tool" placeholder="issue-reader" />
          <Field name="tool-version" label="Its version" type="number" initial="1" />
        </div>
        <Field name="pack" label="Pack" placeholder="coding.v1" />
        <Field name="tool-description" label="What it does" />
        <Lines
          name="schema"
          label="What it takes, as JSON Schema"
          required
          rows={5}
          initial={'{ "type": "object" }'}
        />
      </Form>
    </details>
  );
}

function nameOf({ toolId, version }: ToolSpec): string {
  return `${toolId}@${version}`;
}

function numberIn(fields: ReadonlyMap<string, string>, name: string): number {
  const value = Number(fields.get(name) ?? "");
  if (Number.isInteger(value) && value >= 1) return value;
  throw invalid("version_invalid", "A version is a whole number from 1 on.");
}

function schemaIn(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Said below, as for any other value.
  }
  throw invalid("schema_invalid", "The schema is no JSON object.");
}

function invalid(code: string, detail: string): ProblemError {
  return new ProblemError({ status: 400, code, detail });
}

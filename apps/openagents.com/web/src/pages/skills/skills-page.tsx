import { Skills, type SkillSpec, type ToolSpec } from "@openagents/contracts";
import { Badge, Empty, Id, Time } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { useSignedIn } from "../../session/use-session.ts";
import { CommandButton } from "../../shell/command-button.tsx";
import { Page, Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";
import { skillHash, toolHash } from "./content-hash.ts";
import { RegisterTool, WriteSkill } from "./skill-forms.tsx";

const changed = () => void queries.invalidateQueries({ queryKey: ["skills"] });

/** What the organisation teaches its agents, version by version. */
export function SkillsPage() {
  const skills = useRead(["skills", "specs"], (signal) =>
    client(Skills).listSkillSpecs({ limit: 200 }, { signal }),
  );
  const tools = useRead(["skills", "tools"], (signal) =>
    client(Skills).listToolSpecs({ limit: 200 }, { signal }),
  );
  return (
    <Page
      title="Skills"
      lead="What you teach your agents. A published version never changes: who has its hash knows what it says."
    >
      <Read of={skills} lines={6}>
        {({ skillSpecs }) =>
          skillSpecs.length === 0 ? (
            <Panel title="Skills">
              <Empty title="No skill yet">
                A skill is what you would tell a new colleague, once: how you name branches, which checks
                matter, what never to touch. Write the first below.
              </Empty>
            </Panel>
          ) : (
            bySkill(skillSpecs).map(([skillId, versions]) => (
              <SkillPanel key={skillId} skillId={skillId} versions={versions} />
            ))
          )
        }
      </Read>
      <WriteSkill tools={tools.data?.toolSpecs ?? []} saved={changed} />
      <Panel title="Tools that skills may name">
        <Read of={tools}>
          {({ toolSpecs }) =>
            toolSpecs.length === 0 ? (
              <Empty title="No tool is registered">
                A skill that needs a tool names a version of it, which never changes either.
              </Empty>
            ) : (
              <ul className="money-way">
                {toolSpecs.map((tool) => (
                  <ToolRow key={`${tool.toolId}@${tool.version}`} tool={tool} />
                ))}
              </ul>
            )
          }
        </Read>
        <RegisterTool saved={changed} />
      </Panel>
    </Page>
  );
}

type Versions = readonly SkillSpec[];

/** Each skill with its versions, the newest first. */
function bySkill(specs: Versions): readonly (readonly [string, Versions])[] {
  const found = new Map<string, SkillSpec[]>();
  for (const spec of specs) {
    const known = found.get(spec.skillId) ?? [];
    known.push(spec);
    found.set(spec.skillId, known);
  }
  return [...found].map(([skillId, versions]) => [skillId, versions.sort((a, b) => b.version - a.version)]);
}

function SkillPanel({ skillId, versions }: { readonly skillId: string; readonly versions: Versions }) {
  const newest = versions.find(({ state }) => state === "published");
  return (
    <Panel
      title={skillId}
      aside={
        <span className="oa-fine">
          {newest === undefined ? "nothing published yet" : `version ${newest.version} is published`}
        </span>
      }
    >
      <ul className="money-way">
        {versions.map((spec) => (
          <Version key={spec.version} spec={spec} />
        ))}
      </ul>
    </Panel>
  );
}

function Version({ spec }: { readonly spec: SkillSpec }) {
  const { skillId, version, state, description, instructions, tools, receiptId } = spec;
  const { scopes } = useSignedIn();
  const computed = useMemo(() => skillHash(spec), [spec]);
  const because =
    state === "published"
      ? "It is published, and stays as it is."
      : scopes.has("skills:write")
        ? undefined
        : "Your role publishes no skills.";
  return (
    <li>
      <span className="wide-cell">
        <strong>{`Version ${version}`}</strong> <Badge word={state} />{" "}
        <Hash computed={computed} told={spec.contentSha256} />
        <br />
        <span>{description}</span>
        <details>
          <summary className="oa-fine">What it says</summary>
          <pre className="oa-output" tabIndex={0}>
            {instructions}
          </pre>
          {tools.length === 0 ? null : (
            <p className="oa-fine">
              With {tools.map((tool) => `${tool.toolId} version ${tool.version}`).join(", ")}
            </p>
          )}
        </details>
        <span className="quiet">
          {spec.publishedAt === undefined ? "written " : "published "}
          <Time atMs={spec.publishedAt ?? spec.writtenAt} />
        </span>
      </span>
      <span className="row">
        {receiptId === undefined ? null : (
          <Link to="/receipts/$receiptId" params={{ receiptId }}>
            receipt
          </Link>
        )}
        <CommandButton
          label="Publish"
          title={`Publish version ${version} of ${skillId}?`}
          explanation="Your agents may use it from then on, and nobody can change it: a correction is the next version."
          confirm="Publish it"
          disabledBecause={because}
          run={(_text, idempotencyKey) =>
            client(Skills).publishSkill({ skillId, version }, { idempotencyKey })
          }
          done={changed}
        />
      </span>
    </li>
  );
}

function ToolRow({ tool }: { readonly tool: ToolSpec }) {
  const computed = useMemo(() => toolHash(tool), [tool]);
  return (
    <li>
      <span className="wide-cell">
        <strong>{tool.toolId}</strong> {`version ${tool.version}`}{" "}
        <span className="oa-mono quiet">{tool.toolPack}</span>{" "}
        <Hash computed={computed} told={tool.contentSha256} />
        <br />
        <span className="quiet">{tool.description}</span>
      </span>
      <span className="quiet">
        <Time atMs={tool.registeredAt} />
      </span>
    </li>
  );
}

/** The hash of the content, computed here from what is on the screen. */
function Hash({ computed, told }: { readonly computed: string; readonly told: string }) {
  return (
    <>
      <Id id={told} />{" "}
      {computed === told ? null : (
        <span className="oa-badge" data-tone="bad">
          the content has another hash
        </span>
      )}
    </>
  );
}

import { Profiles } from "@openagents/contracts";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";
import { Field, Form } from "../../shell/form.tsx";
import { Panel } from "../../shell/page.tsx";
import { Read } from "../../shell/read.tsx";

/** What strangers see of a person: never an address. */
export function PublicProfile() {
  const profile = useRead(["profile"], (signal) => client(Profiles).getProfile({}, { signal }));
  return (
    <Panel title="Public profile">
      <Read of={profile}>
        {({ profile: known }) => (
          <div className="oa-body">
            <Form
              key={known.updatedAt}
              submit="Save the profile"
              send={async (fields) => {
                const handle = fields.get("handle") ?? "";
                await client(Profiles).updateProfile({
                  displayName: fields.get("display-name") ?? "",
                  bio: fields.get("bio") ?? "",
                  ...(handle === "" || handle === known.handle ? {} : { handle }),
                });
                await queries.invalidateQueries({ queryKey: ["profile"] });
              }}
            >
              <Field
                name="handle"
                label="Handle"
                initial={known.handle ?? ""}
                required={false}
                hint="By which people write to you."
              />
              <Field name="display-name" label="Shown name" initial={known.displayName} required={false} />
              <Field name="bio" label="About you" initial={known.bio} required={false} />
            </Form>
          </div>
        )}
      </Read>
    </Panel>
  );
}

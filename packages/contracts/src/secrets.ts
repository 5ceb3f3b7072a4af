// Fields that are shown once: what keeps an answer keeps it without them.

import { getOption, hasOption, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { secret } from "./gen/openagents/protocol/v1/route_pb.ts";
import { isPlainObject } from "./struct.ts";

/** Whether a field's value is shown once. */
export function isSecret(field: DescField): boolean {
  return hasOption(field, secret) && getOption(field, secret);
}

const found = new WeakMap<DescMessage, boolean>();

/** Whether a message, or one inside of it, has a field that is shown once. */
export function hasSecrets(desc: DescMessage): boolean {
  const known = found.get(desc);
  if (known !== undefined) return known;
  // Messages may contain each other: one that is being looked at says no for now.
  found.set(desc, false);
  const has = desc.fields.some(
    (field) => isSecret(field) || (field.message !== undefined && hasSecrets(field.message)),
  );
  found.set(desc, has);
  return has;
}

/** A plain value without what is shown once; the value itself where there is nothing of the kind. */
export function withoutSecrets(desc: DescMessage, plain: unknown): unknown {
  if (!hasSecrets(desc) || !isPlainObject(plain)) return plain;
  const kept: Record<string, unknown> = { ...plain };
  for (const field of desc.fields) {
    const name = field.localName;
    const value = kept[name];
    if (isSecret(field)) delete kept[name];
    else if (field.fieldKind === "message" && value !== undefined)
      kept[name] = withoutSecrets(field.message, value);
    else if (field.fieldKind === "list" && field.message !== undefined && Array.isArray(value)) {
      const { message } = field;
      kept[name] = value.map((each) => withoutSecrets(message, each));
    }
  }
  return kept;
}

// How enums are spelled on the wire: lower case, without the type's prefix, and
// never the unspecified zero.

import type { DescEnum, DescEnumValue } from "@bufbuild/protobuf";

/** `RUN_STATUS_SUCCEEDED` → `succeeded`. */
export function enumWireName(desc: DescEnum, value: DescEnumValue): string {
  const prefix = desc.sharedPrefix ?? "";
  const name = value.name.toLowerCase();
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** All names that may appear on the wire, in the order of the proto file. */
export function enumWireValues(desc: DescEnum): string[] {
  return desc.values.filter((value) => value.number !== 0).map((value) => enumWireName(desc, value));
}

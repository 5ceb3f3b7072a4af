// Which clients a service still talks to. Decided before authentication, so
// that a client that is too old learns that first.

/** What a service publishes that it understands. */
export type CompatibilityWindow = {
  readonly protocolVersion: string;
  /** Build ids are UTC times such as `20260221T130000Z` and compare as text. */
  readonly clientBuildIdMin: string;
  readonly clientBuildIdMax?: string | undefined;
  readonly schemaVersionMin: number;
  readonly schemaVersionMax: number;
};

/** The window of this contract. */
export const COMPATIBILITY_WINDOW: CompatibilityWindow = {
  protocolVersion: "openagents.v1",
  clientBuildIdMin: "00000000T000000Z",
  schemaVersionMin: 1,
  schemaVersionMax: 1,
};

/** What a client says about itself; what it leaves out is not checked. */
export type ClientVersion = {
  readonly buildId: string | undefined;
  readonly protocolVersion: string | undefined;
  readonly schemaVersion: string | undefined;
};

export type Incompatibility =
  | "invalid_client_build"
  | "unsupported_protocol_version"
  | "unsupported_schema_version"
  | "upgrade_required"
  | "unsupported_client_build";

/** Why a client is outside of the window, reasons in order of precedence; undefined when it is inside. */
export function decideCompatibility(
  client: ClientVersion,
  window: CompatibilityWindow,
): Incompatibility | undefined {
  const buildId = client.buildId?.trim();
  if (buildId === "") return "invalid_client_build";
  if (client.protocolVersion !== undefined && client.protocolVersion.trim() !== window.protocolVersion) {
    return "unsupported_protocol_version";
  }
  if (client.schemaVersion !== undefined) {
    const version = /^[0-9]{1,9}$/.test(client.schemaVersion) ? Number(client.schemaVersion) : 0;
    if (version < window.schemaVersionMin || version > window.schemaVersionMax)
      return "unsupported_schema_version";
  }
  if (buildId === undefined) return undefined;
  if (buildId < window.clientBuildIdMin) return "upgrade_required";
  if (window.clientBuildIdMax !== undefined && buildId > window.clientBuildIdMax)
    return "unsupported_client_build";
  return undefined;
}

/** One sentence that names the window. */
export function describeWindow(window: CompatibilityWindow): string {
  const builds = `builds from ${window.clientBuildIdMin}${window.clientBuildIdMax === undefined ? "" : ` to ${window.clientBuildIdMax}`}`;
  return `This service speaks ${window.protocolVersion}, schema versions ${window.schemaVersionMin} to ${window.schemaVersionMax}, with client ${builds}.`;
}

/** Headers that carry the window on a 426. */
export function windowHeaders(
  code: Incompatibility,
  window: CompatibilityWindow,
): Readonly<Record<string, string>> {
  return {
    "cache-control": "no-store",
    "x-oa-compatibility-code": code,
    "x-oa-compatibility-upgrade-required": "true",
    "x-oa-compatibility-protocol-version": window.protocolVersion,
    "x-oa-compatibility-min-client-build-id": window.clientBuildIdMin,
    ...(window.clientBuildIdMax === undefined
      ? {}
      : { "x-oa-compatibility-max-client-build-id": window.clientBuildIdMax }),
    "x-oa-compatibility-min-schema-version": String(window.schemaVersionMin),
    "x-oa-compatibility-max-schema-version": String(window.schemaVersionMax),
  };
}

// What the caveats of an L402 macaroon say, as Aperture writes them, and whether
// a request is inside. Each further caveat of a kind may only take away.

import { L402Error } from "../l402-error.ts";

/** What a seller sells with one payment. */
export type Grant = {
  readonly service: string;
  /** Aperture's tier; 0 is the base. */
  readonly tier: number;
  /** Empty: all that the service has. */
  readonly capabilities: readonly string[];
  /** Seconds since 1970, after which it is worth nothing; undefined: no end. */
  readonly validUntilSeconds: number | undefined;
  /** The path and what is below it; undefined: all. */
  readonly path: string | undefined;
  /** Requests that the payment is good for, counted by the gateway; undefined: no end. */
  readonly quota: number | undefined;
};

/** In the order in which a verifier of Aperture expects them: the service first. */
export function formatCaveats(grant: Grant): readonly string[] {
  const { service, tier, capabilities, validUntilSeconds, path, quota } = grant;
  assertName(service);
  capabilities.forEach(assertName);
  return [
    `services=${service}:${tier}`,
    ...(capabilities.length === 0 ? [] : [`${service}_capabilities=${capabilities.join(",")}`]),
    ...(validUntilSeconds === undefined ? [] : [`${service}_valid_until=${validUntilSeconds}`]),
    ...(path === undefined ? [] : [`${service}_path=${path}`]),
    ...(quota === undefined ? [] : [`${service}_quota=${quota}`]),
  ];
}

/**
 * What is left of the rights to one service after all caveats. Throws
 * `service_mismatch` when it is not among the services, `caveat_widened` when a
 * later caveat gives more than an earlier one, and `caveat_unknown`: a
 * restriction that we do not understand cannot be kept.
 */
export function readCaveats(caveats: readonly string[], service: string): Grant {
  let tiers: ReadonlyMap<string, number> | undefined;
  let left: Omit<Grant, "service" | "tier"> = {
    capabilities: [],
    validUntilSeconds: undefined,
    path: undefined,
    quota: undefined,
  };
  for (const caveat of caveats) {
    const [condition, value] = split(caveat);
    if (condition === "services") tiers = narrowTiers(tiers, parseTiers(value));
    else if (condition === `${service}_capabilities`)
      left = { ...left, capabilities: narrowNames(left.capabilities, value) };
    else if (condition === `${service}_valid_until`)
      left = { ...left, validUntilSeconds: narrowNumber(left.validUntilSeconds, value) };
    else if (condition === `${service}_path`) left = { ...left, path: narrowPath(left.path, value) };
    else if (condition === `${service}_quota`) left = { ...left, quota: narrowNumber(left.quota, value) };
    else if (!isOfOtherService(condition, service, tiers))
      throw new L402Error("caveat_unknown", `the caveat ${condition} is not one that we can keep`);
  }
  const tier = tiers?.get(service);
  if (tier === undefined) throw new L402Error("service_mismatch", `the macaroon is not for ${service}`);
  return { service, tier, ...left };
}

/** Whether `path` is `scope` or below it. Both begin with a slash; a query is no part of them. */
export function isPathInside(path: string, scope: string): boolean {
  const folder = scope.endsWith("/") ? scope : `${scope}/`;
  return path === scope || path.startsWith(folder);
}

/** One macaroon may be for several services, each with restrictions of its own. */
function isOfOtherService(
  condition: string,
  service: string,
  tiers: ReadonlyMap<string, number> | undefined,
): boolean {
  return [...(tiers?.keys() ?? [])].some(
    (other) =>
      other !== service &&
      ["capabilities", "valid_until", "path", "quota"].some((kind) => condition === `${other}_${kind}`),
  );
}

function split(caveat: string): [condition: string, value: string] {
  const at = caveat.indexOf("=");
  if (at < 1) throw new L402Error("caveat_malformed", "a caveat has the form condition=value");
  return [caveat.slice(0, at), caveat.slice(at + 1)];
}

function parseTiers(value: string): ReadonlyMap<string, number> {
  return new Map(
    value.split(",").map((entry): [string, number] => {
      const [, name, tier] = /^([^:]+):(\d{1,3})$/.exec(entry) ?? [];
      if (name === undefined) throw new L402Error("caveat_malformed", "services are written name:tier");
      assertName(name);
      return [name, Number(tier)];
    }),
  );
}

function narrowTiers(
  before: ReadonlyMap<string, number> | undefined,
  next: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  for (const [name, tier] of next)
    if (before !== undefined && tier > (before.get(name) ?? -1)) throw widened("services");
  return next;
}

function narrowNames(before: readonly string[], value: string): readonly string[] {
  const names = value.split(",");
  names.forEach(assertName);
  if (before.length > 0 && names.some((name) => !before.includes(name))) throw widened("capabilities");
  return names;
}

function narrowNumber(before: number | undefined, value: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(value)) throw new L402Error("caveat_malformed", "a caveat has no number");
  const next = Number(value);
  if (before !== undefined && next > before) throw widened("a number");
  return next;
}

function narrowPath(before: string | undefined, value: string): string {
  if (!value.startsWith("/")) throw new L402Error("caveat_malformed", "a path begins with a slash");
  if (before !== undefined && !isPathInside(value, before)) throw widened("the path");
  return value;
}

function widened(what: string): L402Error {
  return new L402Error("caveat_widened", `a later caveat gives back what an earlier one took: ${what}`);
}

/** Names stand between separators, and a condition is told apart by its name. */
function assertName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name))
    throw new L402Error("caveat_malformed", `"${name}" is no name of a service or capability`);
}

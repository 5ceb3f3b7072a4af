// What the contract promises of every method, against the real control service:
// the generic cases of all methods, and every kind of caller with every scope but
// the right one. Whatever is added to the contract is covered without a line here.

import assert from "node:assert/strict";
import { test } from "node:test";
import { contractsOf, methodsOf, scopesOf, type Contract, type MethodContract } from "@openagents/contracts";
import { contractCases, runContractCase } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";

const SUBJECTS = {
  user: "usr_owner",
  device: "dev_laptop",
  service_account: "sa_key",
  service: "svc_other",
} as const;

type Kind = keyof typeof SUBJECTS;

const KINDS = Object.keys(SUBJECTS) as Kind[];

test("every case of every method answers as the contract says, and none fails inside", async (t) => {
  const control = await startHarness(t);
  const tokenOf = tokensOf(control);
  const target = {
    baseUrl: control.url,
    token: (caller: { readonly kind: Kind; readonly scopes: readonly string[] }) =>
      tokenOf(caller.kind, caller.scopes),
  };
  const failures: string[] = [];
  let count = 0;
  for (const each of contractCases(await served(control))) {
    count += 1;
    try {
      await runContractCase(target, each);
    } catch (error) {
      failures.push(`${each.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  assert.deepEqual(failures, []);
  t.diagnostic(`${count} cases`);
});

test("no kind of caller gets in with any scope but the right one", async (t) => {
  const control = await startHarness(t);
  const tokenOf = tokensOf(control);
  const contracts = await served(control);
  const scopes = [...scopesOf(contracts), "runs:write", "nothing:here"];
  const failures: string[] = [];
  let count = 0;
  const expect = async (method: MethodContract, kind: Kind, held: readonly string[], code: string) => {
    count += 1;
    const { status, told } = await call(control, method, await tokenOf(kind, held));
    const isAsSaid = status === 403 && told === code;
    if (!isAsSaid) failures.push(`${method.name} as ${kind} with ${held.join(" ")}: ${status} ${told}`);
  };
  for (const method of contracts.flatMap(methodsOf)) {
    if (method.access === "public") continue;
    for (const kind of KINDS) {
      const isWrongKind = method.access === "service" && kind !== "service";
      const code = isWrongKind ? "wrong_principal_kind" : "missing_scope";
      for (const scope of others(scopes, method, kind)) await expect(method, kind, [scope], code);
      await expect(method, kind, [], code);
      await expect(
        method,
        kind,
        scopes.filter((scope) => scope !== method.scope),
        code,
      );
      if (method.access === "admin") await expect(method, kind, [method.scope], code);
      if (isWrongKind) await expect(method, kind, scopes, code);
    }
  }
  assert.deepEqual(failures, []);
  t.diagnostic(`${count} cases`);
});

test("a token for one method opens that one and no other", async (t) => {
  const control = await startHarness(t);
  const methods = (await served(control)).flatMap(methodsOf).filter((method) => method.access === "user");
  const failures: string[] = [];
  for (const [index, method] of methods.entries()) {
    const other = methods[(index + 1) % methods.length];
    const claims = { scopes: methods.map(({ scope }) => scope), method: method.name };
    const token = await control.token(claims);
    const own = await call(control, method, token);
    if (own.told === "wrong_method") failures.push(`${method.name} is refused its own token`);
    if (other === undefined) continue;
    const { status, told } = await call(control, other, token);
    if (status !== 403 || told !== "wrong_method") failures.push(`${other.name}: ${status} ${told}`);
  }
  assert.deepEqual(failures, []);
});

/** Other scopes one at a time, each with some methods of each kind: all with all grows with the square. */
function others(scopes: readonly string[], { name, scope }: MethodContract, kind: Kind): string[] {
  const start = name.length + KINDS.indexOf(kind);
  return scopes.filter((each, index) => each !== scope && index % OTHERS_EVERY === start % OTHERS_EVERY);
}

const OTHERS_EVERY = 7;

/** Contracts whose methods are all mounted: what a sibling part has not landed yet is not ours to test. */
async function served(control: Harness): Promise<Contract[]> {
  const document = (await control.get("/openapi.json")).json;
  const routes = new Set(
    Object.entries<object>(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((verb) => `${verb.toUpperCase()} ${path}`),
    ),
  );
  return contractsOf("control").filter((contract) =>
    methodsOf(contract).every(({ http }) => routes.has(`${http.verb} ${http.path}`)),
  );
}

function tokensOf(control: Harness) {
  const tokens = new Map<string, Promise<string>>();
  return (kind: Kind, scopes: readonly string[]): Promise<string> => {
    const name = `${kind} ${scopes.join(" ")}`;
    const known = tokens.get(name) ?? control.token({ sub: SUBJECTS[kind], scopes });
    tokens.set(name, known);
    return known;
  };
}

/** Without a body: who may call is answered before what is sent is looked at. */
async function call(control: Harness, method: MethodContract, token: string) {
  const path = method.http.path.replace(/\{[^}]*\}/g, "x");
  const headers = { authorization: `Bearer ${token}`, "idempotency-key": crypto.randomUUID() };
  const response = await fetch(control.url + path, { method: method.http.verb, headers });
  const text = await response.text();
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  return { status: response.status, told: isProblem ? String(JSON.parse(text).code) : "" };
}

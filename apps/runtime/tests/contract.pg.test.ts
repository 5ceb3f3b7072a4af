// What the contract promises of every method, against the real runtime: the
// generic cases of all methods, and keys replayed, reused and raced.

import assert from "node:assert/strict";
import { test } from "node:test";
import { contractsOf, methodsOf } from "@openagents/contracts";
import { contractCases, runContractCase, type ContractCase } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";

const cases = [...contractCases(contractsOf("runtime"))];

test("every case of every method answers as the contract says, and none fails inside", async (t) => {
  const runtime = await startHarness(t);
  const tokens = new Map<string, Promise<string>>();
  const target = {
    baseUrl: runtime.url,
    token: (caller: { readonly kind: string; readonly scopes: readonly string[] }) => {
      const name = JSON.stringify(caller);
      const known =
        tokens.get(name) ?? runtime.token({ sub: SUBJECTS[caller.kind] ?? "", scopes: caller.scopes });
      tokens.set(name, known);
      return known;
    },
  };
  const failures: string[] = [];
  for (const each of cases) {
    try {
      await runContractCase(target, each);
    } catch (error) {
      failures.push(`${each.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  assert.deepEqual(failures, []);
  t.diagnostic(`${cases.length} cases over ${new Set(cases.map((each) => each.method.name)).size} methods`);
});

const SUBJECTS: Readonly<Record<string, string>> = { user: "usr_owner", service: "svc_other" };

for (const good of cases.filter(isGoodCommand)) {
  test(`${good.method.name}: a key raced by eight has one effect and one answer, or none where nothing is decided`, async (t) => {
    const runtime = await startHarness(t);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => send(runtime, good, "raced", good.request.body)),
    );
    const decided = answers.filter((answer) => answer.status < 400 || answer.refused);
    if (decided.length === 0) {
      // Nothing was decided, so each attempt is judged afresh and alike.
      assert.equal(new Set(answers.map((answer) => answer.status)).size, 1);
      assert.ok(answers.every((answer) => !answer.replayed));
      return;
    }
    assert.equal(decided.length, 8);
    assert.equal(new Set(answers.map((answer) => answer.text)).size, 1);
    assert.equal(answers.filter((answer) => !answer.replayed).length, 1);
    const others = variants(String(good.request.body ?? ""));
    const statuses = [];
    for (const other of others) statuses.push((await send(runtime, good, "raced", other)).status);
    assert.ok(
      statuses.every((status) => status === 422 || status === 400),
      String(statuses),
    );
    assert.ok(statuses.includes(422) || others.length === 0, String(statuses));
  });
}

test("OpenAPI lists every route of ours and nothing else", async (t) => {
  const runtime = await startHarness(t);
  const document = (await runtime.get("/internal/v1/openapi.json")).json;
  assert.match(document.openapi, /^3\.1\.[0-9]+$/);
  const listed = Object.entries<object>(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((verb) => `${verb.toUpperCase()} ${path}`),
  );
  const ours = contractsOf("runtime")
    .flatMap(methodsOf)
    .map((method) => `${method.http.verb} ${method.http.path}`);
  assert.deepEqual(listed.toSorted(), ours.toSorted());
});

function isGoodCommand(each: ContractCase): boolean {
  const { method, expect } = each;
  return (
    method.effect === "command" &&
    method.idempotency === "key" &&
    expect.kind === "reaches_handler" &&
    each === cases.find((first) => first.method.name === method.name)
  );
}

async function send(
  runtime: Harness,
  { method, request }: ContractCase,
  key: string,
  body: ContractCase["request"]["body"],
) {
  const response = await fetch(runtime.url + request.path, {
    method: method.http.verb,
    headers: { ...request.headers, authorization: `Bearer ${await runtime.token()}`, "idempotency-key": key },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  return {
    status: response.status,
    text,
    replayed: response.headers.get("idempotent-replayed") === "true",
    refused: isProblem && String(JSON.parse(text).code).startsWith("refused_"),
  };
}

/** The same body with one number or text changed; some may break a rule of their field. */
function variants(body: string): string[] {
  const parsed = JSON.parse(body === "" ? "{}" : body);
  return Object.entries(parsed).flatMap(([name, value]) => {
    if (typeof value === "number") return [JSON.stringify({ ...parsed, [name]: value + 1 })];
    if (typeof value === "string") return [JSON.stringify({ ...parsed, [name]: `${value}x` })];
    return [];
  });
}

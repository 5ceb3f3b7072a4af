// Requests that nobody thought of, to every route that is served: most of them
// well formed and about what is there, the rest not. Whatever comes, the answer
// is one that the contract documents, in its own form.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import {
  contractsOf,
  decodeShape,
  encode,
  isByteStream,
  messageSchema,
  methodsOf,
  problemDesc,
  scopesOf,
  type JsonSchema,
  type MethodContract,
} from "@openagents/contracts";
import { arbitraryOf } from "@openagents/testing";
import fc from "fast-check";
import { startHarness, type Harness } from "./harness.ts";

/** What may be away, or was never set up, and says so. Nothing else answers 5xx. */
const DOCUMENTED_503 = new Set([
  "maintenance",
  "lightning_not_configured",
  "stats_unavailable",
  "runtime_unavailable",
  "revocations_unavailable",
  "google_not_configured",
  "mailbox_unreachable",
  "draft_busy",
]);

const CONCURRENCY = 8;

/** Ids that answers told, at most. */
const TOLD_MAX = 2_000;

type FuzzRequest = {
  readonly method: MethodContract;
  readonly input: unknown;
  readonly raw: string | undefined;
  readonly caller: number;
  readonly key: string | undefined;
};

/** Send `count` requests; the seed that a failure names gives the same ones again. */
export async function fuzz(t: TestContext, count: number, seed = Date.now() % 2 ** 31): Promise<void> {
  const control = await startHarness(t, { findDeviceOwner: async () => "usr_fuzz" });
  const told = new Set<string>();
  const callers = callersOf(control);
  const documented = await statusesOf(control);
  const statuses = new Map<number, number>();
  let sent = 0;
  const next = batches(() => [...told], documented, seed);
  const work = async () => {
    while (sent < count) {
      sent += 1;
      const request = next();
      const answer = await send(control, request, await callers.token(request.caller));
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.text.includes('"token_revoked"')) callers.renew(request.caller);
      // A request began it; what stops at the door tests the door only.
      if (answer.text.includes('"code":"maintenance"'))
        await control.post("/api/maintenance", { active: false, reason: "" });
      const fault = faultOf(request.method, answer, documented);
      if (fault !== undefined)
        assert.fail(
          `seed ${seed}: ${request.method.name} ${JSON.stringify(request.input ?? request.raw)}: ${fault}`,
        );
      for (const text of toldBy(answer.text)) if (told.size < TOLD_MAX) told.add(text);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  t.diagnostic(
    `seed ${seed}: ${JSON.stringify(Object.fromEntries([...statuses].sort(([a], [b]) => a - b)))}`,
  );
  // A fuzzer whose requests all stop at the door tests the door only.
  const behind = [...statuses].filter(([status]) => status < 300 || status === 409 || status === 404);
  assert.ok(behind.reduce((sum, [, n]) => sum + n, 0) > count / 10, "too few requests got behind the checks");
}

/** Ids, and cursors of lists. */
function* toldBy(answer: string): Generator<string> {
  for (const [id] of answer.matchAll(/\b[a-z]{2,5}_[0-9a-f]{32}\b/g)) yield id;
  for (const [, cursor = ""] of answer.matchAll(/"next_cursor":"([^"]+)"/g)) yield cursor;
}

type Documented = ReadonlyMap<
  string,
  { readonly method: MethodContract; readonly statuses: ReadonlySet<number> }
>;

/** Which statuses the service's own document lists for each method that it serves. */
async function statusesOf(control: Harness): Promise<Documented> {
  const { paths } = (await control.get("/openapi.json")).json;
  return new Map(
    contractsOf("control")
      .flatMap(methodsOf)
      // Its answer is measurements in a form of its own.
      .filter(({ name }) => !name.endsWith("GetMetrics"))
      .flatMap((method) => {
        const operation = paths[method.http.path]?.[method.http.verb.toLowerCase()];
        if (operation === undefined) return [];
        const statuses = new Set(Object.keys(operation.responses).map(Number));
        return [[method.name, { method, statuses }] as const];
      }),
  );
}

/** Generators are compiled once, and asked for a batch at a time. */
function batches(told: () => readonly string[], documented: Documented, seed: number): () => FuzzRequest {
  const arbitrary = requestOf(told, documented);
  let batch: FuzzRequest[] = [];
  let made = 0;
  return () => {
    if (batch.length === 0) {
      batch = fc.sample(arbitrary, { numRuns: 200, seed: seed + made });
      made += 1;
    }
    return batch.pop() ?? assert.fail("no request was made");
  };
}

function requestOf(told: () => readonly string[], documented: Documented): fc.Arbitrary<FuzzRequest> {
  const each = [...documented.values()].map(({ method }) => {
    const schema: JsonSchema = messageSchema(method.input, "request");
    const well = arbitraryOf(schema, { told });
    const broken = fc.oneof(fc.jsonValue({ maxDepth: 3 }), brokenMember(well));
    return fc.record({
      method: fc.constant(method),
      input: fc.oneof({ weight: 9, arbitrary: well }, { weight: 1, arbitrary: broken }),
      raw: fc.oneof(
        { weight: 30, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
        { weight: 1, arbitrary: fc.json() },
      ),
      caller: callerOf(method),
      key: fc.oneof(
        { weight: 20, arbitrary: fc.uuid() },
        // Used by many, so that keys are replayed and reused.
        { weight: 3, arbitrary: fc.constantFrom("k1", "k2", "k3") },
        { weight: 1, arbitrary: fc.constantFrom(undefined, "", "a b", "k".repeat(201)) },
      ),
    });
  });
  return fc.oneof(...each);
}

function brokenMember(well: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(well, fc.string(), fc.jsonValue({ maxDepth: 1 })).map(([input, name, value]) => {
    const members = Object.entries(typeof input === "object" && input !== null ? input : {});
    const at = members[name.length % Math.max(1, members.length)]?.[0] ?? name;
    return { ...Object.fromEntries(members), [at]: value };
  });
}

const CALLERS = ["usr_fuzz", "usr_other", "dev_fuzz", "sa_fuzz", "svc_fuzz"] as const;

/** Mostly of a kind that may call, with all scopes. */
function callerOf(method: MethodContract): fc.Arbitrary<number> {
  const fitting = method.access === "service" ? SERVICE : fc.nat(SERVICE_INDEX - 1);
  return fc.oneof(
    { weight: 8, arbitrary: fitting },
    { weight: 1, arbitrary: fc.nat(CALLERS.length * 2 - 1) },
  );
}

const SERVICE_INDEX = CALLERS.length - 1;
const SERVICE = fc.constant(SERVICE_INDEX);

/** The second half of them holds one scope only. */
function callersOf(control: Harness) {
  const all = scopesOf(contractsOf("control"));
  const made = new Map<number, Promise<string>>();
  let renewed = 0;
  return {
    token(caller: number): Promise<string> {
      const known = made.get(caller);
      if (known !== undefined) return known;
      const sub = `${CALLERS[caller % CALLERS.length] ?? "usr_fuzz"}${renewed === 0 ? "" : `_${renewed}`}`;
      const scopes = caller < CALLERS.length ? all : all.slice(caller, caller + 1);
      const authTime = Math.floor(Date.now() / 1000);
      const fresh = control.token({ sub, scopes, auth_time: authTime, amr: ["otp"] });
      made.set(caller, fresh);
      return fresh;
    },
    renew(caller: number): void {
      renewed += 1;
      made.delete(caller);
    },
  };
}

type Answer = { readonly status: number; readonly contentType: string; readonly text: string };

async function send(control: Harness, request: FuzzRequest, token: string): Promise<Answer> {
  const { method, key, raw } = request;
  const input = isMembers(request.input) ? request.input : {};
  const path = method.http.path.replace(/\{([^}=]*)[^}]*\}/g, (_, name: string) => {
    const value = input[name] ?? "x";
    const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "x");
    return encodeURIComponent(
      text === "" || text === "." || text === ".." ? "x" : text.slice(0, 400).toWellFormed(),
    );
  });
  const hasBody = method.http.body === "*";
  const query = new URLSearchParams();
  if (!hasBody)
    for (const [name, value] of Object.entries(input))
      if (!method.http.params.includes(name))
        query.append(name, typeof value === "string" ? value.toWellFormed() : (JSON.stringify(value) ?? ""));
  const rest = isMembers(request.input)
    ? Object.fromEntries(Object.entries(input).filter(([name]) => !method.http.params.includes(name)))
    : request.input;
  const response = await fetch(`${control.url}${path}${query.size === 0 ? "" : `?${query.toString()}`}`, {
    method: method.http.verb,
    headers: {
      authorization: `Bearer ${token}`,
      ...(hasBody ? { "content-type": "application/json" } : {}),
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    ...(hasBody ? { body: raw ?? JSON.stringify(rest) ?? "" } : {}),
  });
  return {
    status: response.status,
    contentType: response.headers.get("content-type") ?? "",
    text: await response.text(),
  };
}

function isMembers(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with an answer; undefined for one that is as the contract says. */
function faultOf(method: MethodContract, answer: Answer, documented: Documented): string | undefined {
  const { status, contentType, text } = answer;
  const said = `${status} ${text.slice(0, 300)}`;
  if (documented.get(method.name)?.statuses.has(status) !== true)
    return `a status that is not documented: ${said}`;
  if (status < 400 && isByteStream(method.output)) return undefined;
  const isProblem = contentType === "application/problem+json";
  if (status >= 400 !== isProblem) return `the wrong media type ${contentType}: ${said}`;
  const json: unknown = JSON.parse(text);
  const desc = isProblem ? problemDesc : method.output;
  try {
    assert.deepEqual(encode(desc, decodeShape(desc, json)), json);
  } catch (error) {
    return `an answer outside of its schema: ${said}: ${String(error)}`;
  }
  if (status >= 500 && !DOCUMENTED_503.has(String(Object(json).code))) return `a failure: ${said}`;
  return undefined;
}

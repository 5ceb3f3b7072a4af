import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import Fastify from "fastify";
import { allContracts, methodsOf, mount, openApi, type Binding, type Contract } from "../src/index.ts";
import { compileProto } from "./compile-proto.ts";
import { authenticate } from "./fake-service.ts";

type Operation = {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: unknown;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, unknown>>;
  readonly description?: string;
  readonly security: readonly unknown[];
  readonly [extension: `x-oa-${string}`]: unknown;
};

type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
  };
};

const document = openApi(allContracts, { title: "test", version: "1" }) as unknown as Document;

test("the document lists exactly the mounted routes", async () => {
  const app = Fastify();
  const mounted: string[] = [];
  app.addHook("onRoute", (route) => {
    const url = route.url.replace(/:([a-z0-9_]+)/g, "{$1}").replace(/[*]$/, "{path}");
    mounted.push(`${String(route.method)} ${url}`);
  });
  mount(app, allContracts.map(served), { authenticate });
  await app.ready();
  const documented = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((verb) => `${verb.toUpperCase()} ${path}`),
  );
  assert.deepEqual(documented.sort(), mounted.sort());
  await app.close();
});

test("every reference resolves, and every schema is one that a validator takes", () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, formats: { "date-time": true } });
  ajv.addVocabulary(["components", "x-oa-secret"]);
  ajv.addSchema({ $id: "doc", components: document.components });
  for (const name of Object.keys(document.components.schemas)) {
    assert.ok(ajv.compile({ $ref: `doc#/components/schemas/${name}` }), name);
  }
  for (const reference of JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)) {
    let target: unknown = document;
    for (const token of (reference[1] ?? "").split("/").slice(1)) target = Object(target)[token];
    assert.ok(target !== undefined, reference[1]);
  }
});

test("operations have the members that OpenAPI 3.1 asks for", () => {
  assert.match(document.openapi, /^3\.1\.\d+$/);
  const ids = new Set<string>();
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of Object.values(item)) {
      assert.ok(!ids.has(operation.operationId), operation.operationId);
      ids.add(operation.operationId);
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      assert.deepEqual(
        inPath.map(({ name }) => `{${name}}`),
        path.match(/\{[^}]+\}/g) ?? [],
      );
      for (const parameter of operation.parameters ?? [])
        assert.ok(parameter.schema !== undefined && parameter.in !== "");
      for (const parameter of inPath) assert.equal(parameter.required, true);
      assert.ok(Object.keys(operation.responses).some((status) => status.startsWith("2")));
    }
  }
});

test("comments of the proto files become descriptions, and route options extensions", () => {
  const create = document.paths["/internal/v1/runs"]?.["post"];
  assert.equal(create?.description, "Open a run. Its first event, `run.started`, is written with it.");
  assert.equal(create["x-oa-scope"], "runs:write");
  assert.equal(create["x-oa-effect"], "command");
  assert.equal(create["x-oa-owner"], "runtime");
  assert.ok(create.parameters?.some(({ name, required }) => name === "Idempotency-Key" && required));
  assert.deepEqual(create.security, [{ bearerAuth: [] }]);
  const run = document.components.schemas["Run"]?.properties;
  assert.equal(Object(run?.["created_by"]).description, "The principal that opened it.");
});

test("a natural command documents no key, a public route no token, a byte stream no JSON", () => {
  const heartbeat = document.paths["/internal/v1/workers/{worker_id}/heartbeat"]?.["post"];
  assert.deepEqual(
    heartbeat?.parameters?.map(({ name }) => name),
    ["worker_id"],
  );
  assert.deepEqual(document.paths["/healthz"]?.["get"]?.security, []);
  const put = document.paths["/internal/v1/artifacts/{sha256}"]?.["put"];
  assert.deepEqual(Object.keys(put?.requestBody?.content ?? {}), ["application/octet-stream"]);
  assert.deepEqual(
    put?.parameters?.map(({ name }) => name),
    ["sha256", "lease_id"],
  );
});

test("requests are closed and may leave out defaults, answers are open and complete", () => {
  const { schemas } = document.components;
  assert.deepEqual(Object(schemas["IssueInput"]).required, ["title"]);
  assert.equal(Object(schemas["IssueInput"]).additionalProperties, false);
  assert.deepEqual(Object(schemas["Issue"]).required, ["title", "body"]);
  assert.equal(Object(schemas["Issue"]).additionalProperties, undefined);
});

test("messages of two packages with one short name are told apart by refusing them", () => {
  const other = compileProto(`
    message GetRunRequest {} message GetRunResponse {}
    service Others { rpc GetRun(GetRunRequest) returns (GetRunResponse) {
      option (google.api.http) = {get: "/others"};
      option (openagents.protocol.v1.route) = {owner: OWNER_ANY access: ACCESS_PUBLIC effect: EFFECT_READ};
    } }
  `).contract("Others");
  assert.throws(
    () => openApi([...allContracts, other], { title: "t", version: "1" }),
    /share the name GetRunResponse/,
  );
});

function served(contract: Contract): Binding {
  const handlers = contract.service.methods.map(({ localName }) => [localName, async () => ({})] as const);
  const followed = methodsOf(contract).filter(({ eventStream }) => eventStream);
  const live = followed.map(({ localName }) => [localName, async () => undefined] as const);
  return { contract, handlers: Object.fromEntries(handlers), live: Object.fromEntries(live) };
}

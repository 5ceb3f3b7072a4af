import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ProblemError,
  allContracts,
  methodsOf,
  mount,
  problemServerOptions,
  type Binding,
  type Contract,
} from "@openagents/contracts";
import Fastify from "fastify";
import { contractCases, runContractCase } from "./contract-cases.ts";

const cases = [...contractCases(allContracts)];

test("every case has a name of its own, and every method a case that reaches its handler", () => {
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
  const reaching = new Set(
    cases.filter(({ expect }) => expect.kind === "reaches_handler").map(({ method }) => method.name),
  );
  const methods = allContracts.flatMap(({ service }) =>
    service.methods.map(({ name }) => `${service.typeName}.${name}`),
  );
  assert.deepEqual([...reaching].sort(), methods.sort());
});

test("a service mounted from the contract passes every case", async (t) => {
  const app = Fastify({ ...problemServerOptions, forceCloseConnections: true });
  mount(app, allContracts.map(served), {
    async authenticate(request) {
      const token = request.headers.authorization?.replace("Bearer ", "");
      if (token === undefined)
        throw new ProblemError({ status: 401, code: "token_missing", detail: "Send a token." });
      const [kind, ...scopes] = token.split(",");
      return {
        id: "usr_a",
        kind: kind === "service" ? "service" : "user",
        org: "org_a",
        scopes: new Set(scopes),
        zoneTenths: 5,
        tokenId: "t",
      };
    },
  });
  const baseUrl = await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => app.close());
  for (const contractCase of cases) {
    const target = {
      baseUrl,
      token: ({ kind, scopes }: { kind: string; scopes: readonly string[] }) => [kind, ...scopes].join(),
    };
    await assert.doesNotReject(runContractCase(target, contractCase), contractCase.name);
  }
});

/** Handlers that answer nothing but that they were reached. */
function served(contract: Contract): Binding {
  const reached = async () => {
    throw new ProblemError({ status: 404, code: "reached", detail: "The handler was reached." });
  };
  return {
    contract,
    handlers: Object.fromEntries(contract.service.methods.map(({ localName }) => [localName, reached])),
    live: Object.fromEntries(
      methodsOf(contract)
        .filter(({ eventStream }) => eventStream)
        .map(({ localName }) => [localName, reached]),
    ),
  };
}

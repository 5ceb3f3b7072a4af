// One key, raced: what the one door promises of every command, whatever it does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { contractsOf } from "@openagents/contracts";
import { contractCases, type ContractCase } from "@openagents/testing";
import { startHarness, type Harness } from "./harness.ts";

const cases = [...contractCases(contractsOf("control"))];

test("a key raced by eight has one effect and one answer, or none where nothing is decided", async (t) => {
  const control = await startHarness(t);
  const isServed = await servedBy(control);
  const failures: string[] = [];
  for (const good of cases.filter(isGoodCommand).filter(isServed)) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => send(control, good, `raced ${good.method.name}`.replaceAll(" ", "_"))),
    );
    const decided = answers.filter((answer) => answer.status < 400 || answer.refused);
    const right =
      decided.length === 0
        ? // Nothing was decided, so each attempt is judged afresh and alike.
          new Set(answers.map((answer) => answer.status)).size === 1 &&
          answers.every(({ replayed }) => !replayed)
        : decided.length === 8 &&
          new Set(answers.map((answer) => answer.text)).size === 1 &&
          answers.filter((answer) => !answer.replayed).length === 1;
    if (!right) failures.push(`${good.method.name}: ${answers.map(({ status }) => status).join()}`);
  }
  assert.deepEqual(failures, []);
});

/** Which cases are of a method that is served here. */
async function servedBy(control: Harness): Promise<(each: ContractCase) => boolean> {
  const { paths } = (await control.get("/openapi.json")).json;
  return ({ method }) => paths[method.http.path]?.[method.http.verb.toLowerCase()] !== undefined;
}

function isGoodCommand(each: ContractCase): boolean {
  const { method, expect } = each;
  return (
    method.effect === "command" &&
    method.idempotency === "key" &&
    expect.kind === "reaches_handler" &&
    each === cases.find((first) => first.method.name === method.name)
  );
}

async function send(control: Harness, { method, request }: ContractCase, key: string) {
  const sub = method.access === "service" ? "svc_other" : "usr_owner";
  const authTime = Math.floor(Date.now() / 1000);
  const token = await control.token({ sub, auth_time: authTime, amr: ["otp"] });
  const response = await fetch(control.url + request.path, {
    method: method.http.verb,
    headers: { ...request.headers, authorization: `Bearer ${token}`, "idempotency-key": key },
    ...(request.body === undefined ? {} : { body: request.body }),
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

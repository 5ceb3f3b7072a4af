// OpenAPI 3.1 from the same descriptors that the routes come from, so that the
// document cannot promise what the service does not do.

import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { Contract, Comments } from "./contract.ts";
import { EVENT_STREAM } from "./event-stream.ts";
import { problemDesc } from "./gen/openagents/protocol/v1/problem_oa.ts";
import {
  bodyFields,
  isByteStream,
  methodsOf,
  queryFields,
  streamField,
  type MethodContract,
} from "./method.ts";
import { PROBLEM_CONTENT_TYPE } from "./problem.ts";
import { fieldSchema, objectSchema, type JsonSchema, type SchemaMode, type SchemaOptions } from "./schema.ts";

export type OpenApiInfo = {
  readonly title: string;
  readonly version: string;
  readonly description?: string | undefined;
};

/** The OpenAPI 3.1 document of some contracts. Throws when two messages share a short name. */
export function openApi(contracts: readonly Contract[], info: OpenApiInfo): JsonSchema {
  const comments: Comments = Object.assign({}, ...contracts.map((contract) => contract.comments));
  const components = new Components(contracts, comments);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const contract of contracts) {
    for (const method of methodsOf(contract)) {
      const item = (paths[method.http.path] ??= {});
      item[method.http.verb.toLowerCase()] = operation(contract, method, components, comments);
    }
  }
  const problem = components.refer(problemDesc, "answer");
  return {
    openapi: "3.1.1",
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    info: {
      title: info.title,
      version: info.version,
      ...(info.description === undefined ? {} : { description: info.description }),
    },
    tags: contracts.map(({ service }) => ({ name: service.name, ...described(comments[service.typeName]) })),
    paths,
    components: {
      securitySchemes: { bearerAuth: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      responses: {
        Problem: {
          description: "What went wrong and what to do next (RFC 9457).",
          headers: { "x-request-id": REQUEST_ID_HEADER },
          content: { [PROBLEM_CONTENT_TYPE]: { schema: { $ref: problem } } },
        },
      },
      schemas: components.schemas(),
    },
  };
}

const REQUEST_ID_HEADER = {
  description: "Names this request in the service's log.",
  schema: { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$" },
};

/**
 * Schemas by message name. A message that both requests and answers hold has
 * two schemas, because only a request may leave out what has a default: the
 * request's is named `…Input`.
 */
class Components {
  readonly #schemas = new Map<string, JsonSchema>();
  readonly #owners = new Map<string, string>();
  readonly #answered: ReadonlySet<string>;
  readonly #comments: Comments;

  constructor(contracts: readonly Contract[], comments: Comments) {
    this.#comments = comments;
    const answered = new Set<string>();
    for (const contract of contracts)
      for (const { output } of contract.service.methods) collect(output, answered);
    collect(problemDesc, answered);
    this.#answered = answered;
  }

  refer(desc: DescMessage, mode: SchemaMode): string {
    const name = mode === "request" && this.#answered.has(desc.typeName) ? `${desc.name}Input` : desc.name;
    const owner = this.#owners.get(name);
    if (owner !== undefined && owner !== desc.typeName)
      throw new Error(`${owner} and ${desc.typeName} share the name ${name}`);
    if (owner === undefined) {
      this.#owners.set(name, desc.typeName);
      this.#schemas.set(name, objectSchema(desc, this.options(mode)));
    }
    return `#/components/schemas/${name}`;
  }

  options(mode: SchemaMode): SchemaOptions {
    return { mode, comments: this.#comments, refer: (desc) => this.refer(desc, mode) };
  }

  /** The body of a method whose path carries some of its input's fields. */
  body(method: MethodContract): string {
    if (method.http.params.length === 0) return this.refer(method.input, "request");
    this.#owners.set(method.input.name, method.input.typeName);
    this.#schemas.set(
      method.input.name,
      objectSchema(method.input, this.options("request"), bodyFields(method)),
    );
    return `#/components/schemas/${method.input.name}`;
  }

  schemas(): JsonSchema {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function collect(desc: DescMessage, into: Set<string>): void {
  if (into.has(desc.typeName)) return;
  into.add(desc.typeName);
  for (const { message } of desc.fields) if (message !== undefined) collect(message, into);
}

function operation(
  contract: Contract,
  method: MethodContract,
  components: Components,
  comments: Comments,
): JsonSchema {
  const description = comments[method.name];
  return {
    operationId: `${contract.service.name}_${method.localName}`,
    tags: [contract.service.name],
    ...(description === undefined ? {} : { summary: firstSentence(description), description }),
    "x-oa-method": method.name,
    "x-oa-owner": method.owner,
    "x-oa-access": method.access,
    "x-oa-effect": method.effect,
    ...(method.scope === "" ? {} : { "x-oa-scope": method.scope }),
    ...(method.effect === "command" ? { "x-oa-idempotency": method.idempotency } : {}),
    ...(method.receiptSchemas.length === 0 ? {} : { "x-oa-receipt-schemas": method.receiptSchemas }),
    ...(method.access === "public" ? { security: [] } : { security: [{ bearerAuth: [] }] }),
    ...parameters(method, components),
    ...requestBody(method, components),
    responses: responses(method, components),
  };
}

function parameters(method: MethodContract, components: Components): JsonSchema {
  const options = components.options("request");
  const parameter = (field: DescField, place: "path" | "query") => {
    const { description, ...schema } = fieldSchema(field, options);
    const required = place === "path" || isRequiredIn(method, field, options);
    return { name: field.name, in: place, required, ...described(description), schema };
  };
  const list: unknown[] = [
    ...method.input.fields
      .filter(({ name }) => method.http.params.includes(name))
      .map((field) => parameter(field, "path")),
    ...queryFields(method).map((field) => parameter(field, "query")),
  ];
  if (method.effect === "command" && method.idempotency === "key") list.push(IDEMPOTENCY_KEY);
  return list.length === 0 ? {} : { parameters: list };
}

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: true,
  description: "Unique for this command; repeat it to repeat the command, which then answers the same bytes.",
  schema: { type: "string", pattern: "^[!-~]{1,200}$" },
};

function isRequiredIn(method: MethodContract, field: DescField, options: SchemaOptions): boolean {
  const { required } = objectSchema(method.input, options, [field]);
  return Array.isArray(required) && required.includes(field.name);
}

function requestBody(method: MethodContract, components: Components): JsonSchema {
  if (streamField(method) !== undefined) {
    const description = `At most ${method.bodyBytesMax} bytes.`;
    return { requestBody: { required: true, description, content: { "application/octet-stream": {} } } };
  }
  if (method.http.body !== "*") return {};
  return {
    requestBody: {
      required: isBodyRequired(method),
      content: { "application/json": { schema: { $ref: components.body(method) } } },
    },
  };
}

function isBodyRequired(method: MethodContract): boolean {
  const { required, allOf } = objectSchema(
    method.input,
    { mode: "request", refer: () => "" },
    bodyFields(method),
  );
  return required !== undefined || allOf !== undefined;
}

function responses(method: MethodContract, components: Components): JsonSchema {
  const replayed =
    method.effect === "command" && method.idempotency === "key"
      ? {
          "idempotent-replayed": {
            description: "`true` when the answer is a stored one.",
            schema: { type: "string", const: "true" },
          },
        }
      : {};
  const content = isByteStream(method.output)
    ? { "*/*": {} }
    : {
        "application/json": { schema: { $ref: components.refer(method.output, "answer") } },
        ...(method.eventStream ? { [EVENT_STREAM]: { schema: { type: "string" } } } : {}),
      };
  const statuses = problemStatuses(method).map((status) => [
    status,
    { $ref: "#/components/responses/Problem" },
  ]);
  return {
    [method.successStatus]: {
      description: "Success.",
      headers: { "x-request-id": REQUEST_ID_HEADER, ...replayed },
      content,
    },
    ...(method.eventStream ? { 204: { description: "Nothing more will come." } } : {}),
    ...Object.fromEntries(statuses),
  };
}

function problemStatuses(method: MethodContract): readonly number[] {
  const statuses = [400, 426, 500, 503];
  if (method.access !== "public") statuses.push(401, 403, 404, 429);
  if (method.effect === "command") statuses.push(402, 409, 413, 415);
  if (method.effect === "command" && method.idempotency === "key") statuses.push(422);
  return statuses.sort((a, b) => a - b);
}

function described(description: unknown): JsonSchema {
  return typeof description === "string" ? { description } : {};
}

function firstSentence(text: string): string {
  const line = text.replaceAll("\n", " ");
  const end = line.search(/[.:](\s|$)/);
  return end < 0 ? line : line.slice(0, end + 1).replace(/:$/, ".");
}

// A request's path, query and JSON body, put together as one message.

import type { DescField } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { decode } from "./decode.ts";
import type { FieldError } from "./gen/openagents/protocol/v1/problem_oa.ts";
import { InvalidMessageError } from "./invalid-message.ts";
import { queryFields, type MethodContract } from "./method.ts";
import { ProblemError } from "./problem.ts";

export type RequestParts = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Readonly<Record<string, unknown>>;
};

/** Build a method's reader of requests. It answers the decoded plain input, or throws 400 with `field_errors`. */
export function inputReader(method: MethodContract): (parts: RequestParts) => Record<string, unknown> {
  const query = new Map(queryFields(method).map((field) => [field.name, field]));
  const params = method.input.fields.filter(({ name }) => method.http.params.includes(name));
  return (parts) => {
    const json: Record<string, unknown> = { ...parts.body };
    const errors: FieldError[] = [];
    for (const field of params) {
      // The body may not say it again: two places for one fact can disagree.
      if (Object.hasOwn(json, field.name))
        errors.push(unknownField(field.name, "It is taken from the path."));
      const name = field.name === method.http.rest ? "*" : field.name;
      setParsed(json, field, parts.params[name] ?? "", errors);
    }
    for (const [name, value] of Object.entries(parts.query)) {
      const field = query.get(name);
      if (field === undefined)
        errors.push(unknownField(name.slice(0, 200), "There is no such query parameter."));
      else if (typeof value !== "string")
        errors.push({ field: name, code: "duplicate_key", message: "Send it once." });
      else setParsed(json, field, value, errors);
    }
    if (errors.length > 0) throw invalid(errors);
    try {
      return decode(method.input, json) as Record<string, unknown>;
    } catch (error) {
      throw error instanceof InvalidMessageError ? invalid(error.fieldErrors) : error;
    }
  };
}

function setParsed(
  json: Record<string, unknown>,
  field: DescField,
  text: string,
  errors: FieldError[],
): void {
  const value = parseText(field, text);
  if (value === undefined)
    errors.push({ field: field.name, code: "wrong_type", message: typeMessage(field) });
  else json[field.name] = value;
}

/** Text of a path or query as the JSON that it stands for; undefined when it is not of the field's type. */
function parseText(field: DescField, text: string): string | number | boolean | undefined {
  switch (field.scalar) {
    case undefined:
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return text;
    case ScalarType.BOOL:
      return text === "true" ? true : text === "false" ? false : undefined;
    case ScalarType.DOUBLE:
      return /^-?(0|[1-9][0-9]{0,15})([.][0-9]{1,16})?$/.test(text) ? Number(text) : undefined;
    default:
      return /^(0|-?[1-9][0-9]{0,30})$/.test(text) ? Number(text) : undefined;
  }
}

function typeMessage(field: DescField): string {
  if (field.scalar === ScalarType.BOOL) return "It must be true or false.";
  return field.scalar === ScalarType.DOUBLE
    ? "It must be a decimal number."
    : "It must be an integer in decimal digits.";
}

function unknownField(field: string, why: string): FieldError {
  return { field, code: "unknown_field", message: `${why} Remove it.` };
}

function invalid(fieldErrors: readonly FieldError[]): ProblemError {
  const [first] = fieldErrors;
  const where = first === undefined || first.field === "" ? "The request" : `\`${first.field}\``;
  const others = fieldErrors.length > 1 ? ` And ${fieldErrors.length - 1} more.` : "";
  return new ProblemError({
    status: 400,
    code: "invalid_request",
    detail: `${where}: ${first?.message ?? "It breaks the contract."}${others}`,
    fieldErrors,
  });
}

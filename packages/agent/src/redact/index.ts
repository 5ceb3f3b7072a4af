export { createRedactor, type Redactor } from "./create-redactor.ts";
export { secretsOf } from "./secrets-of.ts";

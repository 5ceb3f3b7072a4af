export { createServiceApp, type ReadinessProbe, type ServiceApp, type ServiceAppConfig } from "./app.ts";
export {
  assertFreshPerson,
  assertPerson,
  createAuthenticator,
  type Authenticator,
  type AuthenticatorOptions,
  type CallEffect,
  type KeySource,
} from "./auth.ts";
export {
  REVOCATION_KEPT_MS,
  createRevocationSet,
  followRevocations,
  type FollowedRevocations,
  type Revocation,
  type RevocationCheck,
  type RevocationSet,
} from "./revocations.ts";
export { createLogger, silentLogger, type Logger } from "./log.ts";
export { assertLoopbackRequest, isLoopbackOrigin } from "./loopback.ts";
export { OutboundError, createOutbound, type Outbound } from "./outbound/index.ts";
export { createMetrics, type ServiceMetrics } from "./metrics.ts";
export {
  ConfigError,
  keyVariable,
  portVariable,
  requiredVariable,
  runService,
  urlVariable,
  type Environment,
} from "./run-service.ts";
export { PAGE_DEFAULT, decodeCursor, encodeCursor, pageOf } from "./page.ts";
export { invalidField, notFound } from "./problems.ts";
export { startSweep, type After, type Sweep } from "./sweep.ts";
export { serviceToken, type ServiceTokenOptions } from "./service-token.ts";

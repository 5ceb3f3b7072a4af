export { forwardToRuntime, type Gateway, type GatewayDeps, type GatewayLimits } from "./gateway.ts";

export { DEFAULT_LIMITS, parseLimits, type Limits } from "./limit.ts";
export { createRateLimits, type RateLimits } from "./limiter.ts";

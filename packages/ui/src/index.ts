export { formatSats } from "./format-sats.ts";

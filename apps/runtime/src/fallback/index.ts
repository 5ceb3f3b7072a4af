export { fallBack } from "./fall-back.ts";
export { startLeaseSweep } from "./lease-sweep.ts";
export { sweepLeases } from "./sweep.ts";

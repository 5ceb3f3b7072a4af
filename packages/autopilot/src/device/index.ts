export type { DemoOrder, DemoRunner } from "./do-demo.ts";
export { runDevice, type DeviceEnd, type DeviceEvent, type DeviceOptions } from "./run-device.ts";

export { runDevice, type DeviceEnd, type DeviceEvent, type DeviceOptions } from "./run-device.ts";

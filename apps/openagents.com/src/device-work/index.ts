export { startDeviceWork, type DeviceWork } from "./device-work.ts";

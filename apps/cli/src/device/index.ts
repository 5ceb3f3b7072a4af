export { addControlOptions, connectControl, type ControlOptions } from "./control.ts";
export { loadOrCreateDeviceKey } from "./key.ts";
export { deviceLine, deviceToWire } from "./lines.ts";
export { openDeviceSession } from "./session.ts";
export { demoRunner } from "./run-demo.ts";

export { createChallenges, type Challenges } from "./challenge.ts";
export { deviceIdOf, type Device } from "./device.ts";
export { deviceRoutes } from "./routes.ts";
export {
  findDeviceOwner,
  lockDevice,
  forgetChallenges,
  markSeen,
  takeChallenge,
  listDevicesOfOwner,
} from "./store.ts";

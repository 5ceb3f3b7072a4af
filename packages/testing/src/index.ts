export { manualClock, type ManualClock } from "./clock.ts";
export { TEST_APP_ROLE, testDatabase, type TestDatabase } from "./database.ts";

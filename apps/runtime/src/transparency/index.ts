export { publishLog, type PublishedLog } from "./published.ts";
export { transparencyRoutes, type TransparencyDeps } from "./routes.ts";
export { sequencePage, startSequencer, type Sequencer } from "./sequencer.ts";

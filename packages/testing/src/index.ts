export { arbitraryOf, type ArbitraryOptions } from "./schema-arbitrary.ts";
export { manualClock, type ManualClock } from "./clock.ts";
export {
  contractCases,
  runContractCase,
  type Caller,
  type ContractCase,
  type ContractRequest,
  type ContractTarget,
  type Expectation,
} from "./contract-cases.ts";
export { TEST_APP_ROLE, testDatabase, type TestDatabase } from "./database.ts";
export { startForgeStandIn, type ForgeStandIn, type StandInFault } from "./forge-stand-in.ts";
export {
  CHANNEL_SATS,
  startLightningNetwork,
  until,
  type Chain,
  type LightningNetwork,
  type LndProcess,
  type NodeName,
} from "./lightning/index.ts";
export {
  projectRepository,
  sampleProject,
  type ProjectName,
  type ProjectRepository,
  type SampleProject,
} from "./projects.ts";
export {
  startResponsesServer,
  type ResponsesScript,
  type ResponsesServer,
  type ScriptedStep,
} from "./responses-server.ts";
export { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
export { seededRandom, type SeededRandom } from "./seeded-random.ts";
export {
  auditPath,
  consistencyPath,
  leafOf,
  readCheckpoint,
  readPublishedLog,
  rootByPath,
  rootsByProof,
  treeHash,
} from "./rfc9162.ts";

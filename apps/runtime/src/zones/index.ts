export {
  artifactShare,
  heldZone,
  isOperator,
  mayReceiveSource,
  mayShareArtifacts,
  rerunRateBps,
  type SourceOrder,
} from "./zones.ts";

export {
  artifactShare,
  heldZone,
  isOperator,
  mayReceiveSource,
  mayShareArtifacts,
  type SourceOrder,
} from "./zones.ts";

export { startMirror, type Mirror, type MirrorStats } from "./mirror.ts";

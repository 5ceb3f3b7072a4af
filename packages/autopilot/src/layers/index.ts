export { buildLayers } from "./build-layers.ts";
export type { BuiltLayer, LayerRequest } from "./layer.ts";
export { openLayer, type OpenedLayer } from "./open-layer.ts";

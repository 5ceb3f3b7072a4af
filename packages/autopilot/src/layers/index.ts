export { buildLayers } from "./build-layers.ts";
export { NODE_CACHES, findLinkGoal, type BuiltLayer, type LayerPlace, type LayerRequest } from "./layer.ts";
export { layerEnvironment, openLayer, type LayerEnvironment, type OpenedLayer } from "./open-layer.ts";

export { fill } from "./fill.js";
export { indent } from "./indent.js";
export { visibleWidth } from "./width.js";

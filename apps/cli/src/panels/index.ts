export { askPanel } from "./ask.ts";
export { panelLines, settledLine } from "./lines.ts";
export { settleCopies } from "./settle.ts";

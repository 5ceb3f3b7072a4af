export { formatDuration, formatSats, formatTime, inSats } from "./format.ts";
export { openOutput, type Output } from "./output.ts";
export { showSteps, silentSteps, type Step, type StepList } from "./steps.ts";
export { noStyle, type Style } from "./style.ts";
export { renderPairs, renderTable, type Column } from "./table.ts";
export { fit, printable } from "./width.ts";

export { noReport, reportJson, reportLines, type DemoReport } from "./report.ts";
export { runDemo, type DemoSettings } from "./run-demo.ts";

export { noReport, reportJson, reportLines, type DemoReport } from "./report.ts";
export { DEMO_BUDGET_MSATS, demoRequest, runDemo, type DemoSettings } from "./run-demo.ts";

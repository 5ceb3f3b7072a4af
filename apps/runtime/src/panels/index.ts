export { concludePanel } from "./conclude-panel.ts";
export { panelRoutes } from "./routes.ts";
export { findPanelRules } from "./rules.ts";

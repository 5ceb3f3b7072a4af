export { createControl, MIGRATIONS, type Control, type ControlDeps } from "./app.ts";
export { configFromEnv, type ControlConfig, type MailSettings, type WorkOsSettings } from "./config.ts";

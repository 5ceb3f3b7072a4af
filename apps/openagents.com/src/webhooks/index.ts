export { serveWebhooks } from "./webhooks.ts";

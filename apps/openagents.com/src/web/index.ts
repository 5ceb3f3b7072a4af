export { CONSOLE_DIR, servePages, type PagesDeps } from "./pages.ts";

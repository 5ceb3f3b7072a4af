export { startProjector } from "./projector.ts";
export { projectorRoutes } from "./routes.ts";

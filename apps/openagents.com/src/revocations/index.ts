export { revocationRoutes } from "./routes.ts";
export {
  startRevocations,
  type Revocations,
  type RevocationTarget,
  type RevocationChange,
} from "./revocations.ts";

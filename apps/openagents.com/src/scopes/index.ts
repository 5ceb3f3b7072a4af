export {
  isForKeys,
  isForServices,
  scopesOfDevice,
  scopesOfOperator,
  scopesOfRole,
  SYNC_SCOPES,
} from "./role-scopes.ts";

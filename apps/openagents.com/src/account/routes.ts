import { Account, bind, type Binding } from "@openagents/contracts";
import { deleteAccount, type AccountDeps } from "./delete-account.ts";

export function accountRoutes(deps: AccountDeps): Binding {
  return bind(Account, {
    deleteAccount: (request, call) => deleteAccount(deps, call, request),
  });
}

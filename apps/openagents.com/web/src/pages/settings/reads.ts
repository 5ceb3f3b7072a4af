import { Me } from "@openagents/contracts";
import { client, queries, useRead } from "../../api.ts";

/** Who the reader is, and in which organisations. */
export function useMe() {
  return useRead(["me"], (signal) => client(Me).getMe({}, { signal }));
}

export function meChanged(): void {
  void queries.invalidateQueries({ queryKey: ["me"] });
}

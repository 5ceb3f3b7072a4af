import { Me } from "@openagents/contracts";
import { client, useRead } from "../../api.ts";
import { queries } from "../../queries.ts";

/** Who the reader is, and in which organisations. */
export function useMe() {
  return useRead(["me"], (signal) => client(Me).getMe({}, { signal }));
}

export function meChanged(): void {
  void queries.invalidateQueries({ queryKey: ["me"] });
}

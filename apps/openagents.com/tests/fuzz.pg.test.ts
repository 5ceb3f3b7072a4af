import { test } from "node:test";
import { fuzz } from "./fuzz.ts";

test("of five thousand arbitrary requests each is answered as the contract documents", async (t) => {
  await fuzz(t, 5_000);
});

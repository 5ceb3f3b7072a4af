import type { QueryKey } from "@tanstack/react-query";
import { queries } from "../queries.ts";

/**
 * Reads again whenever it is called, one read at a time. A call that comes while
 * one is under way is for something that it may not have seen, so another read
 * follows it; any number of such calls make one.
 */
export function readAgain(queryKey: QueryKey): () => void {
  let reading = false;
  let called = false;
  const read = async () => {
    reading = true;
    try {
      while (called) {
        called = false;
        await queries.invalidateQueries({ queryKey });
      }
    } finally {
      reading = false;
    }
  };
  return () => {
    called = true;
    if (!reading) void read();
  };
}

export type Depth = { readonly prices: readonly number[]; readonly counts: readonly number[] };

/** How many offers are to be had at each price or less. Prices in sats, ascending, each once. */
export function depthOf(pricesMsats: readonly bigint[]): Depth {
  const sorted = [...pricesMsats].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const at = new Map<number, number>();
  for (const [place, price] of sorted.entries()) at.set(Number(price) / 1000, place + 1);
  return { prices: [...at.keys()], counts: [...at.values()] };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "commander";
import { bandText, collectBand, priceWords, pricesOf } from "./prices.ts";

const BAND = {
  capability: "oa.sandbox_run.v1",
  payOn: "outcome",
  minPriceMsats: 150_000n,
  maxPriceMsats: 400_000n,
  stepMsats: 50_000n,
} as const;

test("a band is read as it is typed, and the process in the background reads the same", () => {
  const [band] = collectBand("outcome=150sat+50sat..400sat", undefined);
  assert.deepEqual(band, BAND);
  const flat = collectBand("oa.repo_index.v1:execution=1500msat..2sat", [BAND]);
  assert.deepEqual(flat[1], {
    capability: "oa.repo_index.v1",
    payOn: "execution",
    minPriceMsats: 1_500n,
    maxPriceMsats: 2_000n,
  });
  for (const each of flat) assert.deepEqual(collectBand(bandText(each), undefined), [each]);
});

test("a band that says nothing, or says it twice, is refused", () => {
  for (const text of [
    "",
    "150sat",
    "outcome",
    "outcome=150sat",
    "outcome=150..400",
    "outcome=150sat..",
    "outcome=400sat..150sat",
    "outcome=150sat+..400sat",
    "outcome=150sat+0sat..400sat",
    "luck=150sat..400sat",
    "sandbox_run:outcome=1sat..2sat",
  ])
    assert.throws(() => collectBand(text, undefined), InvalidArgumentError, text);
  assert.throws(() => collectBand("outcome=1sat..2sat", [BAND]), /another band/);
  assert.equal(collectBand("execution=1sat..2sat", [BAND]).length, 2);
});

test("what is not sold has no price, and what is sold has one", () => {
  assert.deepEqual(pricesOf({}, 7n), { priceMsats: 7n, priceBands: [] });
  assert.deepEqual(pricesOf({ price: 1n, executionPrice: 2n }, 7n), {
    priceMsats: 1n,
    executionPriceMsats: 2n,
    priceBands: [],
  });
  const none = { priceMsats: 0n, priceBands: [] };
  assert.deepEqual(pricesOf({ payOn: "execution" }, 7n), { ...none, executionPriceMsats: 7n });
  assert.deepEqual(pricesOf({ payOn: "execution", executionPrice: 2n }, 7n), {
    ...none,
    executionPriceMsats: 2n,
  });
  assert.deepEqual(pricesOf({ payOn: "outcome" }, 7n), { priceMsats: 7n, priceBands: [] });
  for (const options of [
    { payOn: "execution", price: 1n },
    { payOn: "outcome", executionPrice: 1n },
    { payOn: "execution", priceBand: [BAND] },
  ] as const)
    assert.throws(() => pricesOf(options, 7n), { code: "usage" });
});

test("a person reads each price with what it is for", () => {
  assert.equal(priceWords({ priceMsats: 1_000n, priceBands: [] }), "1 sat a job");
  assert.equal(
    priceWords({ priceMsats: 0n, executionPriceMsats: 90_000n, priceBands: [BAND] }),
    "90 sat a job whatever its verdict; oa.sandbox_run.v1 on outcome: 150 sat to 400 sat, 50 sat more for each open job",
  );
});

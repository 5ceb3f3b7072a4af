import assert from "node:assert/strict";
import { describe as suite, it } from "node:test";
import { plan } from "../src/index.js";

suite("plan", () => {
  it("doubles each wait", () => {
    assert.deepEqual(plan({ first: 100, tries: 4 }), [100, 200, 400]);
  });
  it("reads durations as texts", () => {
    assert.deepEqual(plan({ first: "1.5s", tries: 3 }), [1500, 3000]);
  });
  it("stays at the longest wait for the tries that are left", () => {
    assert.deepEqual(plan({ first: "100ms", most: "1s", tries: 6 }), [100, 200, 400, 800, 1000]);
  });
  it("is cut to the longest wait from the start", () => {
    assert.deepEqual(plan({ first: "5s", most: "2s", tries: 3 }), [2000, 2000]);
  });
  it("spends its total to the last millisecond", () => {
    assert.deepEqual(plan({ first: 100, tries: 10, total: 300 }), [100, 200]);
  });
  it("stops before it would spend more than its total", () => {
    assert.deepEqual(plan({ first: 100, tries: 10, total: 250 }), [100]);
  });
  it("has no waits for a single try", () => {
    assert.deepEqual(plan({ first: 100, tries: 1 }), []);
  });
  it("can keep its waits even", () => {
    assert.deepEqual(plan({ first: 50, tries: 4, factor: 1 }), [50, 50, 50]);
  });
  it("refuses a number of tries that makes no sense", () => {
    for (const tries of [0, -1, 1.5, 101, NaN]) assert.throws(() => plan({ first: 1, tries }), RangeError);
  });
  it("refuses a factor that would shrink the waits", () => {
    assert.throws(() => plan({ first: 1, tries: 2, factor: 0.5 }), RangeError);
  });
});

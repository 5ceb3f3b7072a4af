// Patches that make a check pass without fixing anything, and bases that fail for
// another reason than the bug, with Vitest and make: none of them is ever proven.

import { holdCheats } from "./cheats/hold-cheats.ts";
import { MAKE, MAKE_CHEATS } from "./cheats/make-cheats.ts";
import { VITEST, VITEST_CHEATS } from "./cheats/vitest-cheats.ts";

holdCheats("Vitest", VITEST, VITEST_CHEATS);
holdCheats("make", MAKE, MAKE_CHEATS);

// Patches that make a check pass without fixing anything, and bases that fail for
// another reason than the bug, with pytest and unittest: none of them is ever proven.

import { holdCheats } from "./cheats/hold-cheats.ts";
import { PYTEST, PYTEST_CHEATS, UNITTEST, UNITTEST_CHEATS } from "./cheats/python-cheats.ts";

holdCheats("pytest", PYTEST, PYTEST_CHEATS);
holdCheats("unittest", UNITTEST, UNITTEST_CHEATS);

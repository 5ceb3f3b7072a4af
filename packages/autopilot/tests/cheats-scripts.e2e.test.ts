// Patches that make a check pass by changing what its commands start, none of which
// is ever proven; and honest ones to the same projects, which are.

import { holdCheats, holdFixes } from "./cheats/hold-cheats.ts";
import { MAKE, MAKE_FIXES } from "./cheats/make-cheats.ts";
import { SCRIPTS, SCRIPT_CHEATS, SCRIPT_FIXES } from "./cheats/script-cheats.ts";

holdCheats("scripts", SCRIPTS, SCRIPT_CHEATS);
holdFixes("scripts", SCRIPTS, SCRIPT_FIXES);
holdFixes("make", MAKE, MAKE_FIXES);

// The pieces of React that the console and the desktop window share.

export { Amount } from "./pieces/amount.tsx";
export { Badge } from "./pieces/badge.tsx";
export { Claims } from "./pieces/claims.tsx";
export { Command } from "./pieces/command.tsx";
export { DiffView } from "./pieces/diff-view.tsx";
export { Empty, Loading } from "./pieces/empty.tsx";
export { Id } from "./pieces/id.tsx";
export { Plot, type Series } from "./pieces/plot.tsx";
export { Problem } from "./pieces/problem.tsx";
export { Time } from "./pieces/time.tsx";
export { Timeline } from "./pieces/timeline.tsx";
export { useNow } from "./pieces/clock.ts";

// The thread that decides on an index: a message in, the decision out.

import { parentPort, workerData } from "node:worker_threads";
import { decideRepoIndex } from "./decide-repo-index.ts";
import type { IndexQuestion } from "./decide-index-aside.ts";

const { spec, result, outputs, index }: IndexQuestion = workerData;
const bytes = index === undefined ? undefined : Buffer.from(index.buffer, index.byteOffset, index.byteLength);
parentPort?.postMessage(decideRepoIndex(spec, result, { outputs, index: bytes }));

// A device as a process of its own, to be killed. Its agent says "one" and then
// waits for ever, unless GO is set: then it says "two" and is done.

import { runDevice } from "@openagents/autopilot";

const { CONTROL_URL = "", DEVICE_TOKEN = "", DEVICE_DIR = "", GO } = process.env;

await runDevice({
  client: { baseUrl: CONTROL_URL, token: DEVICE_TOKEN },
  name: "desk",
  dataDir: DEVICE_DIR,
  signal: new AbortController().signal,
  agent: {
    name: "recorded (says one and two)",
    kind: "scripted",
    assertReady: () => undefined,
    async run({ onEvent }) {
      await onEvent({ type: "message", text: "one" });
      if (GO === undefined) await new Promise(() => setInterval(() => undefined, 1_000));
      await onEvent({ type: "message", text: "two" });
      return { kind: "finished", summary: "two" };
    },
  },
});

// A WebSocket whose frames come twice, after the next one, or with a bit turned
// over. TCP does none of this; whatever stands between might.

import type { OpenSocket, Socket } from "@openagents/spacetime";
import type { SeededRandom } from "@openagents/testing";

export type Shakes = { readonly twice: number; readonly late: number; readonly damaged: number };

/** A frame that no other follows is not held back for longer. */
const LATE_MS = 200;

export function shakySocket(random: SeededRandom, shakes: Shakes): OpenSocket {
  return (url, protocols) => {
    const inner = new WebSocket(url, [...protocols]);
    inner.binaryType = "arraybuffer";
    let held: ArrayBuffer | undefined;

    function pass(data: ArrayBuffer): void {
      socket.onmessage?.({ data });
    }
    function release(): void {
      const data = held;
      held = undefined;
      if (data !== undefined) pass(data);
    }

    const socket: Socket = {
      binaryType: "arraybuffer",
      get protocol() {
        return inner.protocol;
      },
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (frame) => inner.send(frame),
      close: (code) => inner.close(code),
    };
    inner.onmessage = ({ data }: { readonly data: unknown }) => {
      if (!(data instanceof ArrayBuffer)) return;
      const heard = random.unit() < shakes.damaged ? damage(random, data) : data;
      if (held === undefined && random.unit() < shakes.late) {
        held = heard;
        setTimeout(release, LATE_MS);
        return;
      }
      pass(heard);
      if (random.unit() < shakes.twice) pass(heard);
      release();
    };
    inner.onclose = ({ code, reason }) => socket.onclose?.({ code, reason });
    return socket;
  };
}

function damage(random: SeededRandom, data: ArrayBuffer): ArrayBuffer {
  const bytes = new Uint8Array(data.slice(0));
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes.buffer;
}

// What a device does, for a person and for machines.

import type { DeviceEvent } from "@openagents/autopilot";
import { formatTime, printable, type Style } from "../terminal/index.ts";

export function deviceLine(event: DeviceEvent, nowMs: number, style: Style): string {
  return `${style.dim(formatTime(nowMs))}  ${wordsOf(event, style)}`;
}

function wordsOf(event: DeviceEvent, style: Style): string {
  switch (event.type) {
    case "opened":
      return `ready as ${event.workerId}`;
    case "claimed": {
      const again = event.claims > 1 ? style.yellow(` (taken up again, ${event.claims})`) : "";
      return `${event.method} ${style.dim(event.requestId)}${again}`;
    }
    case "answered": {
      const mark = event.outcome === "response" ? style.green("✓") : style.red("✗");
      return `${mark} ${printable(event.detail)}`;
    }
    case "too_late":
      return style.yellow(`too late: ${printable(event.detail)}`);
    case "trouble":
      return style.yellow(`${printable(event.detail)} (again in ${Math.ceil(event.retryMs / 1_000)} s)`);
  }
}

export function deviceToWire(event: DeviceEvent, nowMs: number): Readonly<Record<string, unknown>> {
  const at = new Date(nowMs).toISOString();
  switch (event.type) {
    case "opened":
      return { type: event.type, at, worker_id: event.workerId };
    case "claimed":
      return {
        type: event.type,
        at,
        request_id: event.requestId,
        method: event.method,
        claims: event.claims,
      };
    case "answered":
      return {
        type: event.type,
        at,
        request_id: event.requestId,
        outcome: event.outcome,
        detail: event.detail,
      };
    case "too_late":
      return { type: event.type, at, request_id: event.requestId, detail: event.detail };
    case "trouble":
      return { type: event.type, at, detail: event.detail, retry_ms: event.retryMs };
  }
}

// Strokes on a grid of sixteen, one for each place of the console.

const PATHS = {
  home: "M2.5 7.5 8 3l5.5 4.5V13h-4V9.5h-3V13h-4z",
  runs: "M3 4h10M3 8h10M3 12h6",
  chat: "M2.5 3.5h11v7H7l-3 2.5v-2.5H2.5z",
  autopilot: "M4 6.5h8v6H4zM8 6.5V3.5M6.2 9.5v.1M9.8 9.5v.1M2 8.5v2M14 8.5v2",
  skills:
    "M3 3.5h4.2c.5 0 .8.3.8.8v8.2c0-.5-.3-.8-.8-.8H3zM13 3.5H8.8c-.5 0-.8.3-.8.8v8.2c0-.5.3-.8.8-.8H13z",
  feed: "M3 12.5a9.5 9.5 0 0 1 9.5 0M5 9.5a6 6 0 0 1 6 0M8 6v.1",
  inbox: "M2.5 9.5 4.5 3.5h7l2 6v3h-11zM2.5 9.5H6l.8 1.5h2.4L10 9.5h3.5",
  fleet: "M2.5 3.5h11v3.5h-11zM2.5 9h11v3.5h-11zM5 5.2v.1M5 10.7v.1",
  compute: "M5 5h6v6H5zM8 2.5V5M8 11v2.5M2.5 8H5M11 8h2.5",
  receipts: "M4 2.5h8v11l-2-1.2-2 1.2-2-1.2-2 1.2zM6 6h4M6 8.5h4",
  stats: "M3 13V8M8 13V3.5M13 13V6",
  wallet: "M2.5 4.5h11v8h-11zM10 8.5h3.5M2.5 4.5l8-2v2",
  gate: "M4.5 13v-9l3.5-1.5L11.5 4v9M2.5 13h11M8 7v2",
  pool: "M2.5 6c2-2 3.5 2 5.5 0s3.5 2 5.5 0M2.5 10.5c2-2 3.5 2 5.5 0s3.5 2 5.5 0",
  shield: "M8 2.5 13 4v4c0 3-2 4.7-5 5.5C5 12.7 3 11 3 8V4z",
  admin:
    "M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 2.5V4M8 12v1.5M2.5 8H4M12 8h1.5M4.2 4.2l1 1M10.8 10.8l1 1M11.8 4.2l-1 1M5.2 10.8l-1 1",
  settings: "M3 4.5h6M12 4.5h1M3 11.5h1M7 11.5h6M9 3v3M5.5 10v3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

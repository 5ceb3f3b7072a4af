import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "react";

export type Series = { readonly label: string; readonly values: readonly (number | null)[] };

type PlotProps = {
  readonly label: string;
  /** Along the axis; seconds since 1970 when `time` is set. */
  readonly along: readonly number[];
  readonly series: readonly Series[];
  readonly time?: boolean;
  readonly stepped?: boolean;
  readonly format?: (value: number) => string;
  readonly height?: number;
};

/** A plot, drawn with uPlot, which is loaded with the first one. Its figures stand beside it as a table where they matter. */
export function Plot({
  label,
  along,
  series,
  time = true,
  stepped = false,
  format,
  height = 200,
}: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const target = place.current;
    if (target === null) return;
    let drop: (() => void) | undefined;
    let left = false;
    const draw = async () => {
      const { default: UPlot } = await import("uplot");
      if (left) return;
      const style = getComputedStyle(document.documentElement);
      const colour = (name: string) => style.getPropertyValue(name).trim();
      const lines = [
        colour("--oa-accent"),
        colour("--oa-good"),
        colour("--oa-attention"),
        colour("--oa-ink-3"),
      ];
      const axis = {
        stroke: colour("--oa-ink-3"),
        grid: { stroke: colour("--oa-line"), width: 1 },
        ticks: { show: false },
        font: `11px ${colour("--oa-font")}`,
      };
      const steps = stepped ? UPlot.paths.stepped?.({ align: 1 }) : undefined;
      const plot = new UPlot(
        {
          width: Math.max(target.clientWidth, 200),
          height,
          legend: { show: series.length > 1 },
          cursor: { points: { size: 7 } },
          scales: { x: { time } },
          axes: [
            axis,
            {
              ...axis,
              size: 62,
              values: (_, ticks) => ticks.map((tick) => format?.(tick) ?? tick.toLocaleString("en")),
            },
          ],
          series: [
            {},
            ...series.map((each, place) => ({
              label: each.label,
              stroke: lines[place % lines.length] ?? "currentColor",
              width: 1.75,
              fill: series.length === 1 ? colour("--oa-accent-soft") : undefined,
              points: { show: along.length < 30 },
              ...(steps === undefined ? {} : { paths: steps }),
            })),
          ] as uPlot.Series[],
        },
        [[...along], ...series.map(({ values }) => [...values])],
        target,
      );
      const observer = new ResizeObserver(() =>
        plot.setSize({ width: Math.max(target.clientWidth, 200), height }),
      );
      observer.observe(target);
      drop = () => {
        observer.disconnect();
        plot.destroy();
      };
    };
    void draw();
    return () => {
      left = true;
      drop?.();
    };
  }, [along, series, time, stepped, format, height]);
  return <div ref={place} className="oa-plot" role="img" aria-label={label} />;
}

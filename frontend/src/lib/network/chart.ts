// A chart on a canvas, in the page's own colours. Loaded when a chart is shown.

import uPlot, { type Options, type Series } from "uplot";
import "uplot/dist/uPlot.min.css";

import type { Columns } from "./series";

export interface ChartLook {
  shape: "steps" | "bars" | "line";
  /** A colour of the page for each column, as in `--blue`. */
  colours: readonly string[];
  /** The least that the axis reaches up to. */
  atLeast: number;
  timeText: (seconds: number) => string;
  valueText: (value: number) => string;
  /** Where the pointer is; null where it has left. */
  onPoint: (index: number | null) => void;
}

export interface Chart {
  show(columns: Columns, span: Span): void;
  remove(): void;
}

/** The stretch of time on the chart, in seconds. */
export interface Span {
  from: number;
  to: number;
}

export const CHART_HEIGHT = 176;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What may lie between two times on the axis. */
const STEPS = [
  ...[1, 2, 5, 10, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 3, 5, 7, 14].map((days) => days * DAY),
];

export function drawChart(into: HTMLElement, look: ChartLook, columns: Columns, span: Span): Chart {
  const colour = colourOf(into);
  let shown = span;
  const options: Options = {
    width: Math.max(1, into.clientWidth),
    height: CHART_HEIGHT,
    legend: { show: false },
    cursor: {
      x: true,
      y: false,
      drag: { setScale: false, x: false, y: false },
      points: { show: look.shape !== "bars" },
    },
    scales: {
      x: { time: true, range: () => [shown.from, shown.to] },
      y: { range: (_, __, most) => [0, Math.max(look.atLeast, (most || 0) * 1.1)] },
    },
    axes: [
      {
        ...axis(colour),
        size: 26,
        space: 64,
        // Steps of seconds would all be called by the same minute.
        incrs: STEPS,
        values: (_, splits) => splits.map(look.timeText),
      },
      {
        ...axis(colour),
        size: 52,
        space: 36,
        values: (_, splits) => splits.map(look.valueText),
      },
    ],
    series: [{}, ...look.colours.map((name) => seriesOf(look, colour(name), colour(name, 16)))],
    hooks: {
      setCursor: [
        (plot) => {
          look.onPoint(plot.cursor.idx ?? null);
        },
      ],
    },
  };
  const plot = new uPlot(options, columns, into);
  const observer = new ResizeObserver(() => {
    plot.setSize({ width: Math.max(1, into.clientWidth), height: CHART_HEIGHT });
  });
  observer.observe(into);
  return {
    show(next, nextSpan) {
      shown = nextSpan;
      plot.setData(next);
    },
    remove() {
      observer.disconnect();
      plot.destroy();
    },
  };
}

function seriesOf(look: ChartLook, stroke: string, fill: string): Series {
  const { bars, stepped, linear } = uPlot.paths;
  const common: Series = { stroke, width: 2, points: { show: false }, spanGaps: false };
  if (look.shape === "bars") {
    const paths = bars?.({ size: [0.78, 64, 1], align: 1, radius: 0.15 });
    return { ...common, ...(paths ? { paths } : {}), width: 0, fill: stroke };
  }
  const paths = look.shape === "steps" ? stepped?.({ align: 1 }) : linear?.();
  const points = look.shape === "line" ? { show: true, size: 6, fill: stroke, width: 0 } : { show: false };
  return { ...common, ...(paths ? { paths } : {}), fill, points };
}

function axis(colour: (name: string) => string): uPlot.Axis {
  return {
    stroke: colour("--quiet"),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
}

/** A canvas knows no variables: the browser works out what a colour is here and now. */
function colourOf(element: HTMLElement): (name: string, percent?: number) => string {
  return (name, percent = 100) => {
    const probe = document.createElement("span");
    probe.style.color = `color-mix(in srgb, var(${name}) ${percent}%, transparent)`;
    element.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

/**
 * How busy many runs of one task were over time: how much ran at once, by state.
 *
 * Gives heights from 0 to 1, stacked, for a drawing of any size.
 */

import type { TaskRow } from "../../api/types";
import { lookOf } from "../state/looks";
import type { Span } from "./axis";
import { attemptsOf } from "./pieces";

/** One state's part of the picture. */
export interface Layer {
  /** The colour role. */
  role: string;
  /** SVG path in a box as wide as there are bins, one high. */
  path: string;
}

/** What went wrong lies at the bottom, where it cannot be overlooked. */
const BOTTOM_UP = ["red", "orange", "stone", "violet", "blue", "amber", "slate", "teal", "green"];

export function layersOf(members: TaskRow[], reach: Span, now: number, bins: number): Layer[] {
  const busy = busyBy(members, reach, now, bins);
  const most = tallest([...busy.values()], bins);
  if (most === 0) return [];
  const floor = new Float64Array(bins);
  return [...busy]
    .sort(([one], [two]) => rank(one) - rank(two))
    .map(([role, heights]) => ({ role, path: stack(floor, heights, most) }));
}

function busyBy(members: TaskRow[], reach: Span, now: number, bins: number) {
  const busy = new Map<string, Float64Array>();
  const width = Math.max(reach.to - reach.from, 1) / bins;
  for (const member of members) {
    for (const { started, ended, state_name, state_type } of attemptsOf(member)) {
      const { role } = lookOf(state_name, state_type);
      const heights = busy.get(role) ?? new Float64Array(bins);
      busy.set(role, heights);
      const from = (started - reach.from) / width;
      fill(heights, from, ((ended ?? member.ended ?? now) - reach.from) / width);
    }
  }
  return busy;
}

/** Adds what lies between two places, counted in bins, to the bins that it touches. */
function fill(heights: Float64Array, from: number, to: number): void {
  const last = Math.min(heights.length - 1, Math.floor(to));
  for (let bin = Math.max(0, Math.floor(from)); bin <= last; bin++) {
    const share = Math.min(to, bin + 1) - Math.max(from, bin);
    // What is too short to fill a bin is still seen.
    heights[bin] = (heights[bin] as number) + Math.max(share, 0.02);
  }
}

function tallest(layers: Float64Array[], bins: number): number {
  let most = 0;
  for (let bin = 0; bin < bins; bin++) {
    const sum = layers.reduce((total, heights) => total + (heights[bin] as number), 0);
    most = Math.max(most, sum);
  }
  return most;
}

/** A stepped area over what lies below; raises the floor for the next one. */
function stack(floor: Float64Array, heights: Float64Array, most: number): string {
  const over: string[] = [];
  const under: string[] = [];
  heights.forEach((height, bin) => {
    const low = 1 - (floor[bin] as number) / most;
    const high = low - height / most;
    over.push(`L${bin} ${high.toFixed(3)}H${bin + 1}`);
    under.unshift(`L${bin + 1} ${low.toFixed(3)}H${bin}`);
    floor[bin] = (floor[bin] as number) + height;
  });
  return `M0 1${over.join("")}${under.join("")}Z`;
}

function rank(role: string): number {
  const index = BOTTOM_UP.indexOf(role);
  return index < 0 ? BOTTOM_UP.length : index;
}

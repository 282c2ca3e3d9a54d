/** What keys and clicks on the graph do. */

import type { MouseEvent, RefObject } from "react";
import type { Graph, Look } from "../../api/types";
import { stepFrom } from "./steps";
import type { Facts } from "./use-facts";
import { cardOf } from "./use-hover";
import type { Commands } from "./use-keys";
import type { Viewer } from "./use-view";

interface Parts {
  graph: Graph;
  look: Look;
  onLook(look: Look): void;
  selected: string | null;
  onSelect(node: string | null): void;
  viewer: Viewer;
  facts: Facts;
  area: RefObject<HTMLDivElement>;
  field: RefObject<HTMLInputElement>;
}

const STEP = 1.3;

export function commandsOf(parts: Parts): Commands {
  const { graph, selected, onSelect, viewer, facts, area, field } = parts;
  const go = (id: string | null | undefined) => {
    if (id == null) return;
    focusCard(area.current, id);
    viewer.reveal(id);
  };
  return {
    cardOf,
    isGroup: (id) => graph.groups.includes(id),
    toggle: (id) => {
      viewer.held = id;
      parts.onLook({ ...parts.look, closed: toggled(graph.closed, id) });
    },
    select: (id) => onSelect(id === selected ? null : id),
    step: (from, key) => go(stepFrom(from, key, facts.places, facts.relations)),
    end: (first) => go(graph.nodes.at(first ? 0 : -1)?.id),
    pan: (x, y) => viewer.pan(x, y, true),
    zoom: (closer) => viewer.zoom(closer ? STEP : 1 / STEP, undefined, true),
    fit: () => viewer.fit(),
    search: () => field.current?.focus(),
  };
}

function toggled(closed: readonly string[], id: string): string[] {
  return closed.includes(id) ? closed.filter((other) => other !== id) : [...closed, id];
}

/** Give a card the focus; it need not be the Tab key's stop yet. */
export function focusCard(area: HTMLElement | null, id: string): void {
  const cards = area?.querySelectorAll<SVGGElement>("[data-node]") ?? [];
  const card = [...cards].find((each) => each.getAttribute("data-node") === id);
  card?.focus({ preventScroll: true });
}

/** A click on a card selects it, on its mark opens or closes it, on the ground deselects. */
export function onClick({ target }: MouseEvent, commands: Commands): void {
  const card = cardOf(target);
  const toggle = target instanceof Element && target.closest("[data-toggle]") !== null;
  if (card !== null && toggle) commands.toggle(card);
  else commands.select(card);
}

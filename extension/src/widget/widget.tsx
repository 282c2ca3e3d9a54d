/** The bundle's door: makes a model the bridge to its kernel, and the page's elements live. */

import { Bridge } from "./bridge";
import { defineElement } from "./element";
import { ElementHost } from "./host";
import type { Model } from "./model";
import type { Host, Page, Stage } from "./page";

/** This bundle's own; another version in the same page has another. */
let own: Host | undefined;

/** Begin; what comes back ends it. */
export function start({ model, page }: { model: Model; page: Page }): () => void {
  const stage = stageOf(page);
  const bridge = new Bridge(model, page.id);
  // The same kernel may have come back through a new model: then the old one is silent.
  for (const line of stage.lines) line.doubt();
  stage.lines.add(bridge);
  for (const host of stage.hosts) host.joined(bridge);
  defineElement(page);
  return () => {
    stage.lines.delete(bridge);
    bridge.end();
    for (const host of stage.hosts) host.left(bridge);
  };
}

/** The page's stage, with this bundle's host on it. */
function stageOf(page: Page): Stage {
  const lines = page.stage?.lines ?? new Set();
  if (own === undefined || !page.stage?.hosts.has(own)) {
    own = new ElementHost(lines);
    const hosts = page.stage?.hosts ?? new Set();
    page.stage = { lines, hosts: hosts.add(own), host: own };
  }
  return page.stage as Stage;
}

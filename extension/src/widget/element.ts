/** The element `nbflow-view`, defined once per page, whoever comes first. */

import type { Host, Page } from "./page";

export const NAME = "nbflow-view";

/** Define it, if no other bundle has: it only tells the page's host of the moment. */
export function defineElement(page: Page): void {
  if (customElements.get(NAME) !== undefined) return;
  class NbflowView extends HTMLElement {
    #host: Host | undefined;

    connectedCallback(): void {
      this.#host ??= page.stage?.host;
      this.#host?.connect(this);
    }

    disconnectedCallback(): void {
      this.#host?.disconnect(this);
    }
  }
  customElements.define(NAME, NbflowView);
}

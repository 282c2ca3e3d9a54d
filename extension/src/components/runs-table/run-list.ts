/**
 * The runs that a query finds, from the first on, kept fresh on request.
 *
 * It always asks for all rows that are shown: new runs push others down, and a page of its own
 * would then show some twice or not at all. It must not know when to refresh.
 */

import { type RunRow, type Service, ServiceError } from "../../api/types";
import { type Query, whereOf } from "./query";

export interface Listed {
  /** null: not known yet. */
  rows: RunRow[] | null;
  total: number;
  /** Somebody waits for an answer. */
  loading: boolean;
  /** Why the last question had no answer. */
  error: string | null;
  /** When the last question was answered, by this page's clock. */
  at: number;
}

const PAGE = 50;
/** More rows nobody reads: finding is what filters are for. */
export const MOST_ROWS = 500;

export class RunList {
  snapshot: Listed = { rows: null, total: 0, loading: true, error: null, at: 0 };
  #service: Service;
  /** The table that asks: it may be about some runs only. */
  #about: { view?: string };
  #query: Query | null = null;
  #count = PAGE;
  #asked = 0;
  #listeners = new Set<() => void>();

  constructor(service: Service, view: string | null = null) {
    this.#service = service;
    this.#about = view === null ? {} : { view };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  show(query: Query): void {
    this.#query = query;
    this.#count = PAGE;
    this.#load();
  }

  more(): void {
    this.#count = Math.min(MOST_ROWS, this.#count + PAGE);
    this.#load();
  }

  refresh = (): void => {
    this.#load();
  };

  /** Answers that come later are not heard. */
  close(): void {
    this.#asked += 1;
  }

  async #load(): Promise<void> {
    if (this.#query === null) return;
    this.#asked += 1;
    const question = this.#asked;
    this.#tell({ loading: true });
    const told = await this.#answer(this.#query);
    // A later question has overtaken this one.
    if (question === this.#asked) this.#tell({ ...told, loading: false, at: Date.now() });
  }

  async #answer(query: Query): Promise<Partial<Listed>> {
    const page = { limit: this.#count, offset: 0 };
    try {
      const asked = { where: whereOf(query), order: query.order, ...page, ...this.#about };
      const { items, total } = await this.#service.ask("runs.list", asked);
      return { rows: items, total, error: null };
    } catch (error) {
      return { error: sentence(error) };
    }
  }

  #tell(change: Partial<Listed>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function sentence(error: unknown): string {
  if (error instanceof ServiceError && error.message) return error.message;
  return "The runs could not be listed.";
}

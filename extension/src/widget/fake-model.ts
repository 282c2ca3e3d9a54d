/** For tests: a model whose kernel is the test. */

import type { Model } from "./model";

type Receive = (content: unknown) => void;
export type Sent = Record<string, unknown> & { type: string };

export class FakeModel implements Model {
  sent: Sent[] = [];
  /** The comm is closed. */
  broken = false;
  #listeners = new Map<string, Set<Receive>>();
  #values: Record<string, unknown>;

  constructor(values: Record<string, unknown> = {}) {
    this.#values = values;
  }

  get(name: string): unknown {
    return this.#values[name];
  }

  send(content: unknown): void {
    if (this.broken) throw new Error("Cannot send");
    this.sent.push(structuredClone(content) as Sent);
  }

  on(event: string, receive: Receive): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(receive));
  }

  off(event: string, receive: Receive): void {
    this.#listeners.get(event)?.delete(receive);
  }

  /** The kernel says something. */
  say(content: unknown): void {
    this.fire("msg:custom", content);
  }

  fire(event: string, content?: unknown): void {
    for (const receive of [...(this.#listeners.get(event) ?? [])]) receive(content);
  }

  heard(type: string): Sent[] {
    return this.sent.filter((message) => message.type === type);
  }

  get listening(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

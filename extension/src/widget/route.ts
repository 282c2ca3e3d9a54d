/**
 * From one target to the kernel that can tell of it, of all kernels whose notebooks are open here.
 *
 * Nothing on the page says which notebook an element stands in, so all are asked, and the first
 * that knows the target keeps it. Kernels of one store can all tell of its runs: when one ends,
 * another takes over. Objects of a kernel are known to that kernel only. Questions without a
 * watch go to the newest kernel first; reading ones to the next when it refuses.
 */

import {
  type Asks,
  type Connection,
  type Look,
  type Method,
  type RunUpdate,
  type Service,
  ServiceError,
  type Target,
  type Watch,
} from "../api/types";
import type { Line } from "./page";

const NOBODY = "No kernel is connected. Run a cell of the notebook, then try again.";
/** Asking these of the wrong kernel does no harm. */
const READING: ReadonlySet<Method> = new Set(["runs.list", "deploy.describe", "deploy.preview"]);

export class Route implements Service {
  #lines: ReadonlySet<Line>;
  #owner: Line | null = null;
  #watches = new Set<RoutedWatch>();
  #listeners = new Set<(connection: Connection) => void>();
  #told: Connection = "connecting";
  #following = new Map<Line, () => void>();

  constructor(lines: ReadonlySet<Line>) {
    this.#lines = lines;
    for (const line of lines) this.#follow(line);
  }

  watch(target: Target, look: Look, receive: (update: RunUpdate) => void): Watch {
    const own = (line: Line) => this.#own(line);
    const watch = new RoutedWatch(target, look, receive, own, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    for (const line of this.#candidates()) watch.begin(line);
    return watch;
  }

  async ask<M extends Method>(
    method: M,
    params: Asks[M][0],
    options?: { seconds?: number },
  ): Promise<Asks[M][1]> {
    const [first, ...others] = this.#candidates();
    if (first === undefined) throw new ServiceError(NOBODY);
    try {
      return await this.#asked(first, method, params, options);
    } catch (refusal) {
      if (!READING.has(method)) throw refusal;
      for (const line of others) {
        const answer = this.#asked(line, method, params, options);
        if (await settled(answer)) return answer;
      }
      throw refusal;
    }
  }

  onConnection(receive: (connection: Connection) => void): () => void {
    this.#listeners.add(receive);
    receive(this.#told);
    return () => this.#listeners.delete(receive);
  }

  joined(line: Line): void {
    this.#follow(line);
    if (this.#owner?.connection !== "live") this.#spread();
  }

  left(line: Line): void {
    this.#following.get(line)?.();
    this.#following.delete(line);
    for (const watch of this.#watches) watch.drop(line);
    if (this.#owner === line) {
      this.#owner = null;
      this.#spread();
    }
    this.#tell();
  }

  /** The one that knows the target, else all that live, the newest first; else who may wake up. */
  #candidates(): Line[] {
    if (this.#owner?.connection === "live") return [this.#owner];
    const all = [...this.#lines].reverse();
    const live = all.filter(({ connection }) => connection === "live");
    return live.length ? live : this.#owner ? [this.#owner] : all;
  }

  async #asked<M extends Method>(
    line: Line,
    method: M,
    params: Asks[M][0],
    options?: { seconds?: number },
  ): Promise<Asks[M][1]> {
    const answer = await line.ask(method, params, options);
    if (this.#owner === null) this.#own(line);
    return answer;
  }

  #own(line: Line): void {
    this.#owner = line;
    for (const watch of this.#watches) watch.keepOnly(line);
    this.#tell();
  }

  #follow(line: Line): void {
    const stop = line.onConnection((connection) => {
      const wanting = this.#owner?.connection !== "live";
      if (wanting && (connection === "live" || line === this.#owner)) this.#spread();
      this.#tell();
    });
    this.#following.set(line, stop);
  }

  #spread(): void {
    for (const line of this.#candidates()) for (const watch of this.#watches) watch.begin(line);
  }

  #tell(): void {
    const connection = this.#connection();
    if (connection === this.#told) return;
    this.#told = connection;
    for (const receive of [...this.#listeners]) receive(connection);
  }

  #connection(): Connection {
    if (this.#owner !== null) return this.#owner.connection;
    const all = [...this.#lines].map(({ connection }) => connection);
    if (all.includes("live")) return "live";
    return all.length || this.#told !== "connecting" ? "lost" : "connecting";
  }

  close(): void {
    for (const stop of this.#following.values()) stop();
    this.#following.clear();
  }
}

/** A watch at several kernels until one of them knows the target. */
class RoutedWatch implements Watch {
  #target: Target;
  #look: Look;
  #receive: (update: RunUpdate) => void;
  #own: (line: Line) => void;
  #closed: () => void;
  #visible = true;
  #inner = new Map<Line, Watch>();
  #ignorant = new Set<Line>();
  #owner: Line | null = null;

  constructor(
    target: Target,
    look: Look,
    receive: (update: RunUpdate) => void,
    own: (line: Line) => void,
    closed: () => void,
  ) {
    this.#target = target;
    this.#look = look;
    this.#receive = receive;
    this.#own = own;
    this.#closed = closed;
  }

  begin(line: Line): void {
    if (this.#inner.has(line)) return;
    this.#ignorant.delete(line);
    const watch = line.watch(this.#target, this.#look, (update) => this.#heard(line, update));
    if (!this.#visible) watch.seen(false);
    this.#inner.set(line, watch);
  }

  drop(line: Line): void {
    this.#inner.delete(line);
    if (this.#owner === line) this.#owner = null;
  }

  keepOnly(owner: Line): void {
    // A kernel that does not know the target may be asked again later, not now.
    for (const [line, watch] of this.#inner) {
      if (line === owner) continue;
      watch.close();
      this.#inner.delete(line);
    }
  }

  look(look: Look): void {
    this.#look = look;
    for (const watch of this.#inner.values()) watch.look(look);
  }

  seen(visible: boolean): void {
    this.#visible = visible;
    for (const watch of this.#inner.values()) watch.seen(visible);
  }

  close(): void {
    for (const watch of this.#inner.values()) watch.close();
    this.#inner.clear();
    this.#closed();
  }

  #heard(line: Line, update: RunUpdate): void {
    if (line === this.#owner) this.#receive(update);
    else if (update.gone !== undefined) this.#unknown(line, update);
    else {
      this.#owner = line;
      this.#own(line);
      this.#receive(update);
    }
  }

  /** It is gone only when nobody knows it. */
  #unknown(line: Line, update: RunUpdate): void {
    this.#ignorant.add(line);
    const all = [...this.#inner.keys()].every((each) => this.#ignorant.has(each));
    if (all) this.#receive(update);
  }
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

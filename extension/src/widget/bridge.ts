/**
 * The wire to one kernel: watches, questions and beats, as custom messages of a widget's model.
 *
 * This module decides when the kernel counts as lost, and that a watch survives it: it is asked
 * for again as soon as the kernel answers. It must not know what is shown.
 */

import {
  type Asks,
  type Connection,
  type Look,
  type Method,
  type RunUpdate,
  ServiceError,
  type Target,
  type Watch,
} from "../api/types";
import type { Model } from "./model";
import type { Line } from "./page";

const BEAT = 10_000;
/** Without a word for longer than this, the kernel is lost. */
const SILENCE = 25_000;
/** After a doubt, an answer must come within this time. */
const DOUBT = 4_000;
const ANSWER_SECONDS = 30;

const NO_ANSWER =
  "The kernel did not answer. It may be busy: wait for the running cell to end, or press the notebook's stop button.";
const ENDED = "The kernel is gone. Run the cell again to reach the run from a new one.";

interface Watched {
  target: Target;
  look: Look;
  visible: boolean;
  receive: (update: RunUpdate) => void;
}

interface Asked {
  resolve: (result: never) => void;
  reject: (error: ServiceError) => void;
  timer: ReturnType<typeof setTimeout>;
}

type Incoming =
  | { type: "updates"; updates: { page: string; watch: number; update: RunUpdate }[] }
  | { type: "answer"; page: string; ask: number; result?: unknown; error?: string }
  | { type: "alive" | "bundle"; page: string };

/** Numbers of watches and questions: all bridges of a page count together. */
let numbers = 0;

export class Bridge implements Line {
  /** It has just sent this very code. */
  connection: Connection = "live";
  #model: Model;
  #page: string;
  #watches = new Map<number, Watched>();
  #asked = new Map<number, Asked>();
  #listeners = new Set<(connection: Connection) => void>();
  #heard = Date.now();
  /** How many came. */
  #messages = 0;
  #timer: ReturnType<typeof setInterval>;
  #doubt: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(model: Model, page: string) {
    this.#model = model;
    this.#page = page;
    model.on("msg:custom", this.#receive);
    // The kernel was restarted, or its connection was given up: what is true now, a beat tells.
    model.on("comm_live_update", this.doubt);
    this.#timer = setInterval(this.#beat, BEAT);
  }

  watch(target: Target, look: Look, receive: (update: RunUpdate) => void): Watch {
    const watch = ++numbers;
    const watched = { target, look, visible: true, receive };
    this.#watches.set(watch, watched);
    this.#begin(watch, watched);
    return {
      look: (wanted) => {
        watched.look = wanted;
        this.#send({ type: "look", watch, look: wanted });
      },
      seen: (visible) => {
        if (watched.visible === visible) return;
        watched.visible = visible;
        this.#send({ type: "seen", watch, visible });
      },
      close: () => {
        if (this.#watches.delete(watch)) this.#send({ type: "unwatch", watch });
      },
    };
  }

  ask<M extends Method>(
    method: M,
    params: Asks[M][0],
    { seconds = ANSWER_SECONDS }: { seconds?: number } = {},
  ): Promise<Asks[M][1]> {
    if (this.#ended) return Promise.reject(new ServiceError(ENDED));
    const ask = ++numbers;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#refuse(ask, NO_ANSWER), seconds * 1000);
      this.#asked.set(ask, { resolve, reject, timer });
      if (!this.#send({ type: "ask", ask, method, params })) this.#refuse(ask, ENDED);
    });
  }

  onConnection(receive: (connection: Connection) => void): () => void {
    this.#listeners.add(receive);
    receive(this.connection);
    return () => this.#listeners.delete(receive);
  }

  doubt = (): void => {
    if (this.#ended) return;
    clearTimeout(this.#doubt);
    const before = this.#messages;
    this.#doubt = setTimeout(() => {
      if (this.#messages === before) this.#connect("lost");
    }, DOUBT);
    this.#send({ type: "beat" });
  };

  /** The model is gone: nothing comes any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    clearTimeout(this.#doubt);
    this.#model.off("msg:custom", this.#receive);
    this.#model.off("comm_live_update", this.doubt);
    this.#watches.clear();
    for (const ask of [...this.#asked.keys()]) this.#refuse(ask, ENDED);
    this.#connect("lost");
    this.#listeners.clear();
  }

  #beat = (): void => {
    if (Date.now() - this.#heard > SILENCE) this.#connect("lost");
    this.#send({ type: "beat" });
  };

  #begin(watch: number, { target, look, visible }: Watched): void {
    this.#send({ type: "watch", watch, target, look });
    if (!visible) this.#send({ type: "seen", watch, visible });
  }

  /** Whether it left. */
  #send(message: Record<string, unknown>): boolean {
    if (this.#ended) return false;
    try {
      this.#model.send({ ...message, page: this.#page });
      return true;
    } catch {
      // A comm that is closed says so by throwing.
      this.#connect("lost");
      return false;
    }
  }

  #receive = (content: unknown): void => {
    const message = content as Incoming;
    if (message?.type === "updates") {
      const mine = message.updates.filter(({ page }) => page === this.#page);
      if (mine.length) this.#hear();
      for (const { watch, update } of mine) this.#watches.get(watch)?.receive(update);
    } else if (message?.page === this.#page) {
      this.#hear();
      if (message.type === "answer") this.#answer(message);
    }
  };

  /** The kernel speaks. After a silence it may have forgotten this page: it is told anew. */
  #hear(): void {
    const silent = this.connection === "lost" || Date.now() - this.#heard > SILENCE;
    this.#heard = Date.now();
    this.#messages += 1;
    this.#connect("live");
    if (silent) for (const [watch, watched] of this.#watches) this.#begin(watch, watched);
  }

  #answer({ ask, result, error }: Incoming & { type: "answer" }): void {
    if (error === undefined) this.#taken(ask)?.resolve(result as never);
    else this.#refuse(ask, error);
  }

  #refuse(ask: number, sentence: string): void {
    this.#taken(ask)?.reject(new ServiceError(sentence));
  }

  /** The open question of a number, which is closed by that. */
  #taken(ask: number): Asked | undefined {
    const asked = this.#asked.get(ask);
    clearTimeout(asked?.timer);
    this.#asked.delete(ask);
    return asked;
  }

  #connect(connection: Connection): void {
    if (this.connection === connection) return;
    this.connection = connection;
    for (const receive of [...this.#listeners]) receive(connection);
  }
}

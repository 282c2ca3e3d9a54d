/**
 * What all kernels and all versions of nbflow in one page share; kept on `globalThis`.
 *
 * The bootstrap makes it, so it stays small, and what one version wrote another must read.
 */

import type { Connection, Service } from "../api/types";
import type { Model } from "./model";

export interface Page {
  /** Tells this load of the page from others that the kernel talks to. */
  id: string;
  /** Imported bundles by hash: kernels of one version share theirs. */
  bundles: Map<string, Promise<Bundle>>;
  /** Hash of the last one. */
  have: string | null;
  /** Made by the first bundle that starts. */
  stage?: Stage;
}

/** What a bundle exports. */
export interface Bundle {
  /** Make the model a bridge to its kernel; what comes back ends it. */
  start(options: { model: Model; page: Page }): () => void;
}

/** All bridges, and whoever puts them to use. */
export interface Stage {
  lines: Set<Line>;
  hosts: Set<Host>;
  /** The last bundle's: it mounts what comes onto the page from now on. */
  host: Host;
}

/** A bridge to one kernel. */
export interface Line extends Service {
  readonly connection: Connection;
  /** Ask for a sign of life; without one the kernel soon counts as lost. */
  doubt(): void;
}

/** Mounts and unmounts elements, and puts them through to kernels. */
export interface Host {
  connect(element: HTMLElement): void;
  disconnect(element: HTMLElement): void;
  joined(line: Line): void;
  left(line: Line): void;
}

/** What components need of time, of their size, and of memory that outlives them. */

import {
  createContext,
  type RefObject,
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";

/** How many milliseconds the sender's clock is ahead of this page's. */
export const Skew = createContext(0);

/** The sender's time now, in ms; moves on while `active`. */
export function useNow(active: boolean, everyMs = 1000): number {
  const skew = useContext(Skew);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!active) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [active, everyMs]);
  return now + skew;
}

/** What became of a click, for `ms` after it was said; null before and afterwards. */
export function useTold(ms: number): [string | null, (words: string) => void] {
  const [told, setTold] = useState<string | null>(null);
  useEffect(() => {
    if (told === null) return;
    const timer = setTimeout(() => setTold(null), ms);
    return () => clearTimeout(timer);
  }, [told, ms]);
  return [told, setTold];
}

const STILL = "(prefers-reduced-motion: reduce)";

/** Whether the reader asked for no motion. */
export function useReducedMotion(): boolean {
  return useSyncExternalStore(onMotion, () => window.matchMedia?.(STILL).matches ?? false);
}

function onMotion(changed: () => void): () => void {
  const query = window.matchMedia?.(STILL);
  query?.addEventListener("change", changed);
  return () => query?.removeEventListener("change", changed);
}

export interface Size {
  width: number;
  height: number;
}

/** The inner size of an element, in pixels; zero until it is known. */
export function useSize(ref: RefObject<Element | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = () => setSize((old) => changed(old, element));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

function changed(old: Size, { clientWidth: width, clientHeight: height }: Element): Size {
  return old.width === width && old.height === height ? old : { width, height };
}

/** What a view remembers while it is taken off the page and put back; one per target. */
export type Memory = Map<string, unknown>;

export const MemoryContext = createContext<Memory>(new Map());

/** State that a component finds again when it is put back on the page. */
export function useStored<T>(key: string, initial: T): [T, (value: T) => void] {
  const memory = useContext(MemoryContext);
  const [value, setValue] = useState<T>(() => (memory.has(key) ? (memory.get(key) as T) : initial));
  const keep = useCallback(
    (next: T) => {
      memory.set(key, next);
      setValue(next);
    },
    [memory, key],
  );
  return [value, keep];
}

/** A value that draws nothing when it changes, found again as above. */
export interface Kept<T> {
  read(): T | undefined;
  keep(value: T): void;
}

export function useKept<T>(key: string): Kept<T> {
  const memory = useContext(MemoryContext);
  return useMemo(
    () => ({
      read: () => memory.get(key) as T | undefined,
      keep: (value) => void memory.set(key, value),
    }),
    [memory, key],
  );
}

/** Scrolls an element to where it was when it was last on the page under this name. */
export function useKeptScroll(ref: RefObject<HTMLElement | null>, key: string): void {
  const top = useKept<number>(key);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    element.scrollTop = top.read() ?? 0;
    const keep = () => top.keep(element.scrollTop);
    element.addEventListener("scroll", keep, { passive: true });
    return () => element.removeEventListener("scroll", keep);
  }, [ref, top]);
}

/** Whether somebody may see an element: it is in the window, and the page is in front. */

import { type RefObject, useEffect, useState } from "react";

export function useVisible(ref: RefObject<Element | null>): boolean {
  const [inWindow, setInWindow] = useState(true);
  const [inFront, setInFront] = useState(isInFront);
  useEffect(() => {
    const changed = () => setInFront(isInFront());
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, []);
  useEffect(() => {
    const element = ref.current;
    if (element === null || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver((entries) =>
      setInWindow(entries.at(-1)?.isIntersecting ?? true),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return inWindow && inFront;
}

function isInFront(): boolean {
  return document.visibilityState === "visible";
}

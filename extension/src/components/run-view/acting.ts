/**
 * What happens when a button is pressed: the question goes out, and its answer is told.
 *
 * A kernel that executes a cell may not hear a button. Then this says how the run can be ended
 * all the same, and still tells the answer when it comes.
 */

import { useCallback, useEffect, useRef, useState } from "react";
import type { ActionName, FlowRun, Service } from "../../api/types";
import { isSettled } from "./times";

/** What is told under the header. */
export interface Note {
  tone: "told" | "wrong" | "wait";
  words: string;
  /** To be typed in a terminal. */
  command?: string;
}

export interface Acting {
  /** The button that waits for its answer. */
  busy: ActionName | null;
  note: Note | null;
  act(action: ActionName, answer?: unknown): Promise<boolean>;
  dismiss(): void;
}

/** Milliseconds after which one who wants to cancel is told of other ways. */
const IMPATIENT = 2000;
/** Seconds: an action may end a process, and a cell may have to end before it is heard at all. */
const PATIENCE = 600;

export function useActing(service: Service, run: FlowRun | null): Acting {
  const [busy, setBusy] = useState<ActionName | null>(null);
  const [note, setNote] = useState<Note | null>(null);
  const last = useRef(0);
  const id = run?.id;
  const act = useCallback(
    async (action: ActionName, answer?: unknown) => {
      if (id === undefined) return false;
      const mine = ++last.current;
      const tell = (told: Note) => mine === last.current && setNote(told);
      setBusy(action);
      setNote(null);
      const timer = setTimeout(() => tell(otherWay(action, id)), IMPATIENT);
      try {
        const params = answer === undefined ? { run: id, action } : { run: id, action, answer };
        const { told } = await service.ask("run.act", params, { seconds: PATIENCE });
        tell({ tone: "told", words: told });
        return true;
      } catch (refusal) {
        tell({ tone: "wrong", words: (refusal as Error).message });
        return false;
      } finally {
        clearTimeout(timer);
        if (mine === last.current) setBusy(null);
      }
    },
    [service, id],
  );
  const dismiss = useCallback(() => setNote(null), []);
  useForgotten(run, dismiss);
  return { busy, note, act, dismiss };
}

function otherWay(action: ActionName, run: string): Note {
  if (action !== "cancel") {
    return { tone: "wait", words: "The kernel is busy: it will hear of this as soon as it can." };
  }
  return {
    tone: "wait",
    words:
      "The kernel is busy and this front end cannot reach it meanwhile. " +
      "Press the notebook's stop button, or type in a terminal:",
    command: `nbflow cancel ${run.slice(-8)}`,
  };
}

/** What was told of a run that went on is old news when it has ended, and the other way round. */
function useForgotten(run: FlowRun | null, forget: () => void): void {
  const settled = run !== null && isSettled(run.state);
  const before = useRef(settled);
  useEffect(() => {
    if (before.current !== settled) forget();
    before.current = settled;
  }, [settled, forget]);
}

/** Sentences under the header: what an action came to, and that nothing new can come. */

import { type ReactNode, useEffect, useState } from "react";
import type { Connection, Service } from "../../api/types";
import type { Note } from "./acting";
import { Command } from "./command";

interface Props {
  note: Note | null;
  onDismiss(): void;
  connection: Connection;
  gone: string | null;
  settled: boolean;
}

export function Notes({ note, onDismiss, connection, gone, settled }: Props) {
  const lost = gone === null && connection === "lost";
  return (
    <div className="nbf-rv-notes" aria-live="polite">
      {gone !== null && <Line tone="wrong">{gone}</Line>}
      {lost && <Line tone={settled ? "quiet" : "wait"}>{settled ? ENDED : LOST}</Line>}
      {note && (
        <Line tone={note.tone} onDismiss={onDismiss}>
          {note.words}
          {note.command && <Command text={note.command} />}
        </Line>
      )}
    </div>
  );
}

const LOST =
  "No word from the kernel: it may be busy, restarted or shut down. " +
  "What you see is the last that came; this view catches up by itself.";
const ENDED = "The kernel is not connected; the run is shown as it ended.";

interface LineProps {
  tone: "told" | "wrong" | "wait" | "quiet";
  children: ReactNode;
  onDismiss?: () => void;
}

function Line({ tone, children, onDismiss }: LineProps) {
  return (
    <div className={`nbf-rv-note nbf-rv-${tone}`}>
      <span>{children}</span>
      {onDismiss && (
        <button type="button" className="nbf-rv-close" aria-label="Hide this" onClick={onDismiss}>
          ×
        </button>
      )}
    </div>
  );
}

/** Whether the kernel answers, as it changes. */
export function useConnection(service: Service): Connection {
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => service.onConnection(setConnection), [service]);
  return connection;
}

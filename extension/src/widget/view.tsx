/** What stands in one element: the static form until there is something to show, then the view. */

import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { createRoot } from "react-dom/client";
import { useRun } from "../api/run-store";
import { DeployForm } from "../components/deploy-form/deploy-form";
import { MemoryContext } from "../components/hooks";
import { FlowView } from "../components/run-view/flow-view";
import { useConnection } from "../components/run-view/notes";
import { RunView } from "../components/run-view/run-view";
import { RunsTable } from "../components/runs-table/runs-table";
import { styles } from "../components/styles";
import { useTheme } from "../components/theme";
import type { Subject } from "./subject";

export type Kind = "run" | "flow" | "runs" | "deploy";

export interface Mounting {
  kind: Kind;
  subject: Subject;
  /** For runs that are shown inside of another view. */
  subjectOf(run: string): Subject;
}

/** Puts a view into an element; what comes back takes it out. */
export type Mount = (element: HTMLElement, mounting: Mounting) => () => void;

export const mount: Mount = (element, mounting) => {
  const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
  dress(shadow);
  const place = document.createElement("div");
  shadow.append(place);
  const root = createRoot(place);
  root.render(<View {...mounting} bare={element.childElementCount === 0} />);
  return () => {
    root.unmount();
    place.remove();
  };
};

const HOST = ":host{display:block}";
let sheet: CSSStyleSheet | undefined;

/** One style sheet for all elements, where the browser can share them. */
function dress(shadow: ShadowRoot): void {
  try {
    if (sheet === undefined) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(HOST + styles);
    }
    shadow.adoptedStyleSheets = [sheet];
  } catch {
    if (shadow.querySelector("style") !== null) return;
    const style = document.createElement("style");
    style.textContent = HOST + styles;
    shadow.prepend(style);
  }
}

interface ViewProps extends Mounting {
  /** There is no static form. */
  bare: boolean;
}

function View({ bare, ...mounting }: ViewProps) {
  const ready = useReady(mounting);
  if (!ready && !bare) return <slot />;
  return (
    <Root subject={mounting.subject}>
      <Content {...mounting} />
    </Root>
  );
}

/** Whether there is something to show. Once there was, the static form does not come back. */
function useReady({ kind, subject }: Mounting): boolean {
  const { run, graph } = useRun(subject.store);
  const connection = useConnection(subject.route);
  const ready = useRef(false);
  ready.current ||=
    kind === "run" ? run !== null : kind === "flow" ? graph !== null : connection === "live";
  return ready.current;
}

function Root({ subject, children }: { subject: Subject; children: ReactNode }) {
  return (
    <MemoryContext.Provider value={subject.memory}>
      <div className="nbf" data-theme={useTheme()}>
        {children}
      </div>
    </MemoryContext.Provider>
  );
}

function Content({ kind, subject, subjectOf }: Mounting) {
  const { route, target, store, look } = subject;
  if (kind === "run")
    return <RunView service={route} target={target} store={store} onLook={look} magics />;
  if (kind === "flow") return <FlowView store={store} onLook={look} />;
  if (kind === "runs") {
    const view = "view" in target ? target.view : null;
    const renderRun = (run: string) => <Inner subject={subjectOf(run)} />;
    return <RunsTable service={route} view={view} renderRun={renderRun} />;
  }
  return <DeployForm service={route} view={"view" in target ? target.view : ""} />;
}

/** A run inside of another view. */
function Inner({ subject }: { subject: Subject }) {
  const self = useMemo(() => ({}), []);
  useEffect(() => {
    subject.show(self);
    return () => subject.hide(self);
  }, [subject, self]);
  return (
    <Root subject={subject}>
      <Content kind="run" subject={subject} subjectOf={() => subject} />
    </Root>
  );
}

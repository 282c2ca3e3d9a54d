/** The form that deploys a flow or a notebook: name, parameters, schedule, queue, tags. */

import { type FormEvent, type ReactElement, useCallback, useEffect, useRef, useState } from "react";
import type { Deployable, Deployed, DeployRequest, Service } from "../../api/types";
import { useNow, useStored } from "../hooks";
import { Result } from "./deploy-result";
import { type Filled, firstFilled, problemsOf, requestOf, startedFrom, whereOf } from "./filling";
import { cronOf } from "./schedule";
import { ScheduleField } from "./schedule-field";
import { type Problems, SchemaFields } from "./schema-fields";
import { TextField } from "./text-field";
import { usePreview } from "./use-preview";

interface Props {
  service: Service;
  view: string;
}

type Description = { told: Deployable } | { sentence: string } | null;

export function DeployForm({ service, view }: Props): ReactElement {
  const [description, setDescription] = useState<Description>(null);
  const ask = useCallback(() => {
    service.ask("deploy.describe", { view }).then(
      (told) => setDescription({ told }),
      (error: Error) => setDescription({ sentence: error.message }),
    );
  }, [service, view]);
  useEffect(ask, [ask]);
  if (description === null) return <Skeleton />;
  if ("told" in description) {
    return <Form service={service} view={view} of={description.told} onDeployed={ask} />;
  }
  return (
    <div className="nbf-deploy nbf-deploy-refused" role="alert">
      <p>{description.sentence}</p>
      <button type="button" className="nbf-button" onClick={ask}>
        Try again
      </button>
    </div>
  );
}

function Skeleton() {
  return (
    <div className="nbf-deploy" aria-busy="true">
      <span className="nbf-hidden">Loading the form</span>
      {["40%", "100%", "85%", "70%"].map((width) => (
        <span key={width} className="nbf-deploy-bone" style={{ width }} />
      ))}
    </div>
  );
}

interface FormProps extends Props {
  of: Deployable;
  onDeployed(): void;
}

/** How far the last click came. */
export type Progress =
  | { status: "idle" }
  | { status: "busy" }
  | { status: "done"; deployed: Deployed }
  | { status: "refused"; sentence: string; field: string | null };

function Form({ service, view, of, onDeployed }: FormProps) {
  const [filled, setFilled] = useStored<Filled>("deploy.filled", firstFilled(of));
  const [progress, setProgress] = useState<Progress>({ status: "idle" });
  const [unread, setUnread] = useState<Problems>({});
  const [tried, setTried] = useState(false);
  // Another key makes the fields anew, without what was typed into them.
  const [fresh, setFresh] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const existing = of.existing?.find((each) => each.name === (filled.name.trim() || of.flow_name));
  const plan = filled.plan ?? startedFrom.plan(existing);
  const preview = usePreview(service, cronOf(plan), filled.zone);
  const now = useNow(cronOf(plan) !== null, 30_000);
  const busy = progress.status === "busy";
  const scheduled = plan.rhythm !== "off";
  const wrong = problemsOf(of, filled, plan, unread);
  const refused = progress.status === "refused" ? progress : null;
  const errorOf = (field: string) =>
    (refused?.field === field ? refused.sentence : undefined) ?? (tried ? wrong[field] : undefined);
  const change = (part: Partial<Filled>) => {
    setFilled({ ...filled, ...part });
    if (progress.status !== "busy") setProgress({ status: "idle" });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setTried(true);
    if (Object.keys(wrong).length > 0 || preview.status === "refused") {
      setProgress({ status: "idle" });
      goToFirstProblem(form.current);
      return;
    }
    setProgress({ status: "busy" });
    deploy(service, requestOf(view, filled, plan), of).then((ended) => {
      setProgress(ended);
      if (ended.status === "done") {
        setTried(false);
        onDeployed();
      } else goToFirstProblem(form.current);
    });
  };
  return (
    <form className="nbf-deploy" ref={form} onSubmit={submit} noValidate aria-busy={busy}>
      <Header of={of} />
      <TextField
        label="Name"
        value={filled.name}
        placeholder={of.flow_name}
        error={errorOf("$name")}
        onChange={(name) => change({ name })}
        hint={
          existing
            ? `${existing.name} is there already: what you change becomes its version ${existing.version + 1}.`
            : `It will be called ${of.flow_name}/${filled.name.trim() || of.flow_name}.`
        }
        action={
          existing && {
            label: "Start from its settings",
            onClick: () => {
              setFresh(fresh + 1);
              setUnread({});
              change(startedFrom.all(existing, filled));
            },
          }
        }
      />
      <Parameters of={of} scheduled={scheduled}>
        <SchemaFields
          key={fresh}
          schema={of.schema}
          value={filled.parameters}
          errors={errorsOf(of, errorOf)}
          onChange={(parameters, problems) => {
            setUnread(problems);
            change({ parameters });
          }}
        />
      </Parameters>
      <ScheduleField
        plan={plan}
        zone={filled.zone}
        zones={of.zones}
        existing={existing?.schedules ?? []}
        preview={preview}
        error={errorOf("$schedule")}
        now={now}
        onPlan={(next) => change({ plan: next })}
        onZone={(zone) => change({ zone })}
      />
      <TextField
        label="Queue"
        value={filled.queue}
        placeholder="default"
        options={of.queues}
        error={errorOf("$queue")}
        onChange={(queue) => change({ queue })}
        hint="Workers that serve it execute the runs."
      />
      <TextField
        label="Tags"
        value={filled.tags}
        placeholder="none"
        error={errorOf("$tags")}
        onChange={(tags) => change({ tags })}
        hint="Several with commas between them."
      />
      <footer className="nbf-deploy-foot">
        <button type="submit" className="nbf-button nbf-button-main" aria-disabled={busy}>
          {busy ? "Deploying…" : "Deploy"}
        </button>
        <Result progress={progress} wrong={tried ? Object.keys(wrong).length : 0} />
      </footer>
    </form>
  );
}

/** What a click comes to. */
async function deploy(service: Service, request: DeployRequest, of: Deployable): Promise<Progress> {
  try {
    return { status: "done", deployed: await service.ask("deploy.create", request) };
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error);
    return { status: "refused", sentence, field: whereOf(sentence, of) };
  }
}

/** Once what is wrong stands at its field, the reader is taken there. */
function goToFirstProblem(form: HTMLFormElement | null): void {
  requestAnimationFrame(() => {
    const field = form?.querySelector<HTMLElement>("[aria-invalid=true]");
    if (field) field.focus();
    else form?.querySelector(".nbf-field-error")?.scrollIntoView({ block: "nearest" });
  });
}

function errorsOf(of: Deployable, errorOf: (field: string) => string | undefined): Problems {
  const found: Problems = {};
  const { properties } = of.schema as { properties?: Record<string, unknown> };
  for (const name of Object.keys(properties ?? {})) {
    const said = errorOf(name);
    if (said !== undefined) found[name] = said;
  }
  return found;
}

function Header({ of }: { of: Deployable }) {
  return (
    <header className="nbf-deploy-head">
      <h3>Deploy {of.flow_name}</h3>
      <span className="nbf-muted">
        {of.kind === "notebook" ? "notebook" : "flow"} <code className="nbf-code">{of.target}</code>
      </span>
      {of.description && <p className="nbf-muted">{of.description}</p>}
    </header>
  );
}

interface ParametersProps {
  of: Deployable;
  scheduled: boolean;
  children: ReactElement;
}

function Parameters({ of, scheduled, children }: ParametersProps) {
  const { properties, required } = of.schema as { properties?: object; required?: string[] };
  const told = toldOf(of, Object.keys(properties ?? {}).length, required?.length ?? 0, scheduled);
  return (
    <fieldset className="nbf-deploy-parameters">
      <legend>Parameters</legend>
      {told && <p className="nbf-field-hint">{told}</p>}
      {children}
    </fieldset>
  );
}

function toldOf(of: Deployable, number: number, required: number, scheduled: boolean) {
  if (number === 0) {
    return of.kind === "notebook"
      ? "It takes none: tag a cell with `parameters` to give it some."
      : "It takes none.";
  }
  if (required === 0 || scheduled) return null;
  return "Without a schedule, what you leave empty is given with each run.";
}

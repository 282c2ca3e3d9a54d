/** The form that deploys a flow or a notebook: name, parameters, schedule, queue, tags. */

import { type FormEvent, type ReactElement, useCallback, useEffect, useRef, useState } from "react";
import type { Deployable, Service } from "../../api/types";
import { useNow } from "../hooks";
import { Result } from "./deploy-result";
import { startedFrom } from "./filling";
import { cronOf } from "./schedule";
import { ScheduleField } from "./schedule-field";
import { SchemaFields } from "./schema-fields";
import { TextField } from "./text-field";
import { useDeploying } from "./use-deploying";

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

type Parts = ReturnType<typeof useDeploying> & { of: Deployable };

function Form({ service, view, of, onDeployed }: FormProps) {
  const deploying = useDeploying(service, view, of);
  const form = useRef<HTMLFormElement>(null);
  // Another key makes the fields anew, without what was typed into them.
  const [fresh, setFresh] = useState(0);
  const { progress, problems } = deploying;
  const busy = progress.status === "busy";
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await deploying.deploy()) onDeployed();
    else goToFirstProblem(form.current);
  };
  const parts = { ...deploying, of };
  return (
    <form className="nbf-deploy" ref={form} onSubmit={submit} noValidate aria-busy={busy}>
      <Header of={of} />
      <NameField {...parts} onRestart={() => setFresh(fresh + 1)} />
      <Parameters key={fresh} {...parts} />
      <Schedule {...parts} />
      <Placing {...parts} />
      <footer className="nbf-deploy-foot">
        <button type="submit" className="nbf-button nbf-button-main" aria-disabled={busy}>
          {busy ? "Deploying…" : "Deploy"}
        </button>
        <Result progress={progress} wrong={Object.keys(problems).length} />
      </footer>
    </form>
  );
}

/** Once what is wrong stands at its field, the reader is taken there. */
function goToFirstProblem(form: HTMLFormElement | null): void {
  requestAnimationFrame(() => {
    const field = form?.querySelector<HTMLElement>("[aria-invalid=true]");
    if (field) field.focus();
    else form?.querySelector(".nbf-field-error")?.scrollIntoView({ block: "nearest" });
  });
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

function NameField({
  of,
  filled,
  existing,
  problems,
  change,
  onRestart,
}: Parts & { onRestart(): void }) {
  const restart = existing && {
    label: "Start from its settings",
    onClick: () => {
      change(startedFrom.all(existing, filled), {});
      onRestart();
    },
  };
  return (
    <TextField
      label="Name"
      value={filled.name}
      placeholder={of.flow_name}
      error={problems.$name}
      onChange={(name) => change({ name })}
      hint={
        existing
          ? `${existing.name} is there already: what you change becomes its version ${existing.version + 1}.`
          : `It will be called ${of.flow_name}/${filled.name.trim() || of.flow_name}.`
      }
      action={restart}
    />
  );
}

function Parameters({ of, filled, plan, problems, change }: Parts) {
  const told = parameterWords(of, plan.rhythm !== "off");
  return (
    <fieldset className="nbf-deploy-parameters">
      <legend>Parameters</legend>
      {told && <p className="nbf-field-hint">{told}</p>}
      <SchemaFields
        schema={of.schema}
        value={filled.parameters}
        errors={problems}
        onChange={(parameters, unread) => change({ parameters }, unread)}
      />
    </fieldset>
  );
}

function parameterWords(of: Deployable, scheduled: boolean): string | null {
  const { properties, required } = of.schema as { properties?: object; required?: string[] };
  if (Object.keys(properties ?? {}).length === 0) {
    const tag = "tag a cell with `parameters` to give it some";
    return of.kind === "notebook" ? `It takes none: ${tag}.` : "It takes none.";
  }
  if (!required?.length || scheduled) return null;
  return "Without a schedule, what you leave empty is given with each run.";
}

function Schedule({ of, filled, plan, existing, preview, problems, change }: Parts) {
  const now = useNow(cronOf(plan) !== null, 30_000);
  return (
    <ScheduleField
      plan={plan}
      zone={filled.zone}
      zones={of.zones}
      existing={existing?.schedules ?? []}
      preview={preview}
      error={problems.$schedule}
      now={now}
      onPlan={(next) => change({ plan: next })}
      onZone={(zone) => change({ zone })}
    />
  );
}

/** Where its runs wait, and how they are found again. */
function Placing({ of, filled, change }: Parts) {
  return (
    <>
      <TextField
        label="Queue"
        value={filled.queue}
        placeholder="default"
        options={of.queues}
        onChange={(queue) => change({ queue })}
        hint="Workers that serve it execute the runs."
      />
      <TextField
        label="Tags"
        value={filled.tags}
        placeholder="none"
        onChange={(tags) => change({ tags })}
        hint="Several with commas between them."
      />
    </>
  );
}

/** One thing that a run left behind, with its name, its versions, and what can be done with it. */

import { type ReactNode, useMemo } from "react";
import type { Artifact, ArtifactKind, TaskRow } from "../../api/types";
import { useStored } from "../hooks";
import { ago, exactUtc } from "../words";
import { linkAddress } from "./addresses";
import { CopyButton } from "./copy-button";
import { csvOf } from "./csv";
import type { Exhibit } from "./exhibits";
import { addressOf, linkOf, percentOf, type TableForm, tableOf } from "./forms";
import { Markdown } from "./markdown";
import { Picture } from "./picture";
import { Stepper } from "./stepper";
import { Table } from "./table";

interface Props {
  exhibit: Exhibit;
  tasks: Map<string, TaskRow>;
  now: number;
}

const WORDS: Record<ArtifactKind, string> = {
  markdown: "Text",
  table: "Table",
  link: "Link",
  image: "Picture",
  progress: "Progress",
  metric: "Metric",
};

export function ExhibitFigure({ exhibit: { id, versions }, tasks, now }: Props) {
  // null: the newest, also when another one comes.
  const [chosen, setChosen] = useStored<string | null>(`results.version.${id}`, null);
  const newest = versions.length - 1;
  const found = versions.findIndex((version) => version.id === chosen);
  const at = found === -1 ? newest : found;
  const artifact = versions[at];
  if (artifact === undefined) return null;
  const step = (to: number) => setChosen(to === newest ? null : (versions[to]?.id ?? null));
  const table = artifact.kind === "table" ? tableOf(artifact.data) : null;
  return (
    <figure className={`nbf-exhibit nbf-exhibit-${artifact.kind}`}>
      <figcaption className="nbf-exhibit-head">
        <Name artifact={artifact} />
        <span className="nbf-spread" />
        {table && <CopyButton label="Copy as CSV" text={() => csvOf(table)} />}
        {newest > 0 && <Origin artifact={artifact} tasks={tasks} now={now} />}
        {newest > 0 && (
          <Stepper at={at} count={versions.length} onStep={step} name={nameOf(artifact)} />
        )}
      </figcaption>
      <Content artifact={artifact} />
    </figure>
  );
}

function nameOf({ key, kind }: Artifact): string {
  return key || WORDS[kind] || kind;
}

function Name({ artifact }: { artifact: Artifact }) {
  const name = nameOf(artifact);
  return (
    <>
      <b className={artifact.key ? "nbf-exhibit-name" : "nbf-exhibit-name nbf-muted"} title={name}>
        {name}
      </b>
      {artifact.description && (
        <span className="nbf-exhibit-words" title={artifact.description}>
          {artifact.description}
        </span>
      )}
    </>
  );
}

/** Of which run of the task a version is, and from when. */
function Origin({ artifact, tasks, now }: { artifact: Artifact } & Omit<Props, "exhibit">) {
  const task = artifact.task === null ? undefined : tasks.get(artifact.task);
  const when = ago(artifact.created, now);
  return (
    <span className="nbf-muted nbf-exhibit-origin" title={exactUtc(artifact.created)}>
      {task !== undefined && task.name !== task.task_name ? `${task.name}, ${when}` : when}
    </span>
  );
}

function Content({ artifact }: { artifact: Artifact }) {
  const { kind, data } = artifact;
  if (kind === "table") return <TableContent artifact={artifact} />;
  const content = CONTENTS[kind]?.(data, artifact) ?? null;
  return content === null ? <Unreadable data={data} /> : content;
}

type Show = (data: unknown, artifact: Artifact) => ReactNode;

const CONTENTS: Partial<Record<ArtifactKind, Show>> = {
  markdown: (data) => (typeof data === "string" ? <Markdown text={data} /> : null),
  link: (data) => <Link data={data} />,
  image: (data, artifact) => <Image data={data} words={wordsOf(artifact)} />,
  progress: (data, artifact) => <ProgressBar data={data} words={wordsOf(artifact)} />,
};

function wordsOf(artifact: Artifact): string {
  return artifact.description || nameOf(artifact);
}

function TableContent({ artifact }: { artifact: Artifact }) {
  const form: TableForm | null = useMemo(() => tableOf(artifact.data), [artifact.data]);
  if (form === null) return <Unreadable data={artifact.data} />;
  if (form.rows.length === 0)
    return <p className="nbf-muted">The table has no rows: {form.columns.join(", ")}</p>;
  return <Table form={form} label={wordsOf(artifact)} />;
}

function Link({ data }: { data: unknown }) {
  const form = linkOf(data);
  if (form === null) return <Unreadable data={data} />;
  const address = linkAddress(form.url);
  if (address === null)
    return (
      <p className="nbf-link-line">
        {form.text === form.url ? form.url : `${form.text}: ${form.url}`}
      </p>
    );
  return (
    <p className="nbf-link-line">
      <a href={address} target="_blank" rel="noopener noreferrer">
        {form.text}
      </a>
      {form.text !== form.url && <span className="nbf-muted nbf-link-place">{form.url}</span>}
    </p>
  );
}

function Image({ data, words }: { data: unknown; words: string }) {
  const address = addressOf(data);
  return address === null ? (
    <Unreadable data={data} />
  ) : (
    <Picture address={address} words={words} />
  );
}

function ProgressBar({ data, words }: { data: unknown; words: string }) {
  const percent = percentOf(data);
  if (percent === null) return <Unreadable data={data} />;
  return (
    <div className="nbf-progress-line">
      <div
        className="nbf-progress"
        role="progressbar"
        aria-label={words}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
      >
        <i className={percent === 100 ? "nbf-whole" : ""} style={{ width: `${percent}%` }} />
      </div>
      <span className="nbf-figures">{Math.floor(percent)} %</span>
    </div>
  );
}

/** What another version of nbflow, or another program, wrote. */
function Unreadable({ data }: { data: unknown }) {
  return (
    <div>
      <p className="nbf-muted">This cannot be shown. As it was kept:</p>
      <pre className="nbf-code nbf-kept">{(JSON.stringify(data) ?? "").slice(0, 2000)}</pre>
    </div>
  );
}

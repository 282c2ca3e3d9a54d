/** What a paused run asks, and the form for its answer. */

import { type FormEvent, useMemo, useState } from "react";
import type { Question as Asked } from "../../api/types";
import { type Problems, SchemaFields, type Values } from "../deploy-form/schema-fields";
import { useNow } from "../hooks";
import { StateIcon } from "../state/icon";
import { ago, exactUtc } from "../words";
import type { Acting } from "./acting";

interface Props {
  question: Asked;
  label: string;
  acting: Acting;
}

export function Question({ question, label, acting }: Props) {
  const { message, deadline } = question;
  const form = useAnswer(question.schema);
  const busy = acting.busy !== null;
  const [tried, setTried] = useState(false);
  const send = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!busy && Object.keys(form.unread).length === 0) acting.act("answer", form.answer);
  };
  return (
    <form className="nbf-rv-question" aria-label="What the run asks" onSubmit={send}>
      <div className="nbf-rv-what">
        <StateIcon name="Paused" type="PAUSED" size={15} />
        <strong>{message ?? "The run waits for a word from you."}</strong>
      </div>
      {form.schema && (
        <SchemaFields
          schema={form.schema}
          value={form.values}
          onChange={form.change}
          errors={tried ? form.unread : undefined}
          disabled={busy}
        />
      )}
      <div className="nbf-rv-send">
        <button type="submit" className="nbf-button nbf-button-main" aria-disabled={busy}>
          {acting.busy === "answer" ? "Sending…" : label}
        </button>
        {deadline !== null && <Deadline at={deadline} />}
      </div>
    </form>
  );
}

function Deadline({ at }: { at: number }) {
  const now = useNow(true);
  return (
    <span className="nbf-muted" title={exactUtc(at)}>
      {at > now
        ? `Without an answer the run fails ${ago(at, now)}.`
        : "The time to answer has passed."}
    </span>
  );
}

/** A form's values as an answer. One value, such as a text, is asked for as a form of one field. */
function useAnswer(schema: Asked["schema"]) {
  const [values, setValues] = useState<Values>({});
  const [unread, setUnread] = useState<Problems>({});
  const single = schema !== null && !("properties" in schema) && !("$ref" in schema);
  const asked = useMemo(() => (single && schema ? formOfOne(schema) : schema), [schema, single]);
  const change = (next: Values, problems: Problems) => {
    setValues(next);
    setUnread(problems);
  };
  const answer = schema === null ? undefined : single ? values.answer : values;
  return { schema: asked, values, unread, change, answer };
}

function formOfOne(schema: Record<string, unknown>): Record<string, unknown> {
  const { $defs, ...own } = schema;
  return {
    type: "object",
    properties: { answer: { title: "Answer", ...own } },
    required: "default" in own ? [] : ["answer"],
    $defs,
  };
}

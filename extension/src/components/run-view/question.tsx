/** What a paused run asks, and the form for its answer. */

import { type FormEvent, useState } from "react";
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
  const { message, schema, deadline } = question;
  const [values, setValues] = useState<Values>({});
  const [unread, setUnread] = useState<Problems>({});
  const busy = acting.busy !== null;
  const [tried, setTried] = useState(false);
  const change = (next: Values, problems: Problems) => {
    setValues(next);
    setUnread(problems);
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || Object.keys(unread).length > 0) return;
    acting.act("answer", schema === null ? undefined : values);
  };
  return (
    <form className="nbf-rv-question" aria-label="What the run asks" onSubmit={send}>
      <div className="nbf-rv-what">
        <StateIcon name="Paused" type="PAUSED" size={15} />
        <strong>{message ?? "The run waits for a word from you."}</strong>
      </div>
      {schema && (
        <SchemaFields
          schema={schema}
          value={values}
          onChange={change}
          errors={tried ? unread : undefined}
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

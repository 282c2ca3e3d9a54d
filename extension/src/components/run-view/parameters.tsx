/** What a run was started with. */

import { useId, useMemo } from "react";
import type { FlowRun } from "../../api/types";
import { useStored } from "../hooks";
import { counted, valueText } from "../words";
import type { Disclosure } from "./header";

/** Whether they are shown, and the button for it; null where there are none. */
export function useParameters(run: FlowRun | null): Disclosure | null {
  const [open, setOpen] = useStored("parameters", false);
  const controls = useId();
  const count = Object.keys(run?.parameters ?? {}).length;
  if (count === 0) return null;
  return { open, controls, label: counted(count, "parameter"), toggle: () => setOpen(!open) };
}

interface Props {
  id: string;
  values: Record<string, unknown>;
}

export function Parameters({ id, values }: Props) {
  return (
    <dl id={id} className="nbf-rv-parameters">
      {Object.entries(values).map(([name, value]) => (
        <div key={name}>
          <dt>
            <bdi>{name}</bdi>
          </dt>
          <dd>
            <Value value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ value }: { value: unknown }) {
  const text = useMemo(() => valueText(value, 1).replace(/\n\s*/g, " "), [value]);
  return <code className="nbf-code">{text}</code>;
}

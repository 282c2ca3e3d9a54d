/** A run, while it happens and after: header, failure, graph, timeline, logs, results. */

import type { ReactElement } from "react";
import { type RunStore, useRun } from "../../api/run-store";
import type { Service, Target } from "../../api/types";

interface Props {
  service: Service;
  target: Target;
  store: RunStore;
}

export function RunView({ store }: Props): ReactElement {
  const { run } = useRun(store);
  return <div>{run?.name ?? ""}</div>;
}

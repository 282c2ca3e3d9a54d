/** What a deploy form holds, and what becomes of it when somebody presses Deploy. */

import { useState } from "react";
import type {
  Deployable,
  Deployed,
  DeployRequest,
  ExistingDeployment,
  Service,
} from "../../api/types";
import { useStored } from "../hooks";
import { type Filled, firstFilled, problemsOf, requestOf, startedFrom, whereOf } from "./filling";
import { cronOf, type Plan } from "./schedule";
import type { Problems } from "./schema-fields";
import { type Preview, usePreview } from "./use-preview";

/** How far the last click came. */
export type Progress =
  | { status: "idle" }
  | { status: "busy" }
  | { status: "done"; deployed: Deployed }
  | { status: "refused"; sentence: string; field: string | null };

interface Deploying {
  filled: Filled;
  plan: Plan;
  /** The deployment that has the name already. */
  existing: ExistingDeployment | undefined;
  preview: Preview;
  progress: Progress;
  /** By field, what is said: nothing before somebody pressed Deploy. */
  problems: Problems;
  change(part: Partial<Filled>, unread?: Problems): void;
  /** Resolves to whether it was deployed. */
  deploy(): Promise<boolean>;
}

export function useDeploying(service: Service, view: string, of: Deployable): Deploying {
  const [filled, setFilled] = useStored<Filled>("deploy.filled", firstFilled(of));
  const [progress, setProgress] = useState<Progress>({ status: "idle" });
  const [unread, setUnread] = useState<Problems>({});
  const [tried, setTried] = useState(false);
  const existing = of.existing?.find((each) => each.name === (filled.name.trim() || of.flow_name));
  const plan = filled.plan ?? startedFrom.plan(existing);
  const preview = usePreview(service, cronOf(plan), filled.zone);
  const wrong = problemsOf(of, filled, plan, unread);

  const change = (part: Partial<Filled>, next = unread) => {
    setFilled({ ...filled, ...part });
    setUnread(next);
    if (progress.status !== "busy") setProgress({ status: "idle" });
  };
  const deploy = async () => {
    if (progress.status === "busy") return false;
    setTried(true);
    setProgress({ status: "idle" });
    if (Object.keys(wrong).length > 0 || preview.status === "refused") return false;
    setProgress({ status: "busy" });
    const ended = await answered(service, requestOf(view, filled, plan), of);
    setProgress(ended);
    setTried(ended.status !== "done");
    return ended.status === "done";
  };
  const problems = { ...(tried ? wrong : {}), ...refusalOf(progress) };
  return { filled, plan, existing, preview, progress, problems, change, deploy };
}

/** What a click comes to. */
async function answered(
  service: Service,
  request: DeployRequest,
  of: Deployable,
): Promise<Progress> {
  try {
    return { status: "done", deployed: await service.ask("deploy.create", request) };
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error);
    return { status: "refused", sentence, field: whereOf(sentence, of) };
  }
}

function refusalOf(progress: Progress): Problems {
  if (progress.status !== "refused" || progress.field === null) return {};
  return { [progress.field]: progress.sentence };
}

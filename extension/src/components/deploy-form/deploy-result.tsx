/** What a click on Deploy came to, and what to do next. */

import type { ReactElement } from "react";
import type { Deployed } from "../../api/types";
import { counted } from "../words";
import type { Progress } from "./use-deploying";

interface Props {
  progress: Progress;
  /** How many fields are not as they must be. */
  wrong: number;
}

export function Result({ progress, wrong }: Props): ReactElement {
  return (
    <div className="nbf-deploy-result" aria-live="polite">
      {progress.status === "done" && <Done deployed={progress.deployed} />}
      {progress.status === "refused" && (
        <p className="nbf-field-error">
          {progress.field === null ? progress.sentence : "Nothing was deployed: see above."}
        </p>
      )}
      {progress.status === "idle" && wrong > 0 && (
        <p className="nbf-field-error">{`${counted(wrong, "field")} above must be seen to first.`}</p>
      )}
    </div>
  );
}

function Done({ deployed }: { deployed: Deployed }) {
  return (
    <>
      <p className="nbf-deploy-done">
        <strong>{deployed.full_name}</strong> {outcomeWords(deployed)}
      </p>
      <Next sentence={deployed.next} />
    </>
  );
}

function outcomeWords({ outcome, version }: Deployed): string {
  if (outcome === "keep") return `is as it was: nothing differs from version ${version}.`;
  if (outcome === "change") return `is brought up to date, as version ${version}.`;
  return `is deployed, as version ${version}.`;
}

/** The next step; a command in it stands by itself, to be copied. */
function Next({ sentence }: { sentence: string }) {
  const at = sentence.indexOf(": nbflow ");
  if (at < 0) return <p>{sentence}</p>;
  const command = sentence.slice(at + 2);
  return (
    <p>
      {sentence.slice(0, at + 1)} <code className="nbf-deploy-command nbf-code">{command}</code>
    </p>
  );
}

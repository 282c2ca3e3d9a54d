/** Copies a text, and says whether it could. */

import { useTold } from "../hooks";
import { copied } from "./clipboard";

interface Props {
  label: string;
  /** Made when it is asked for: it may be long. */
  text: () => string;
}

const TOLD_MS = 2500;

export function CopyButton({ label, text }: Props) {
  const [told, setTold] = useTold(TOLD_MS);
  const copy = async () =>
    setTold((await copied(text())) ? "Copied" : "The browser refused to copy");
  return (
    <button type="button" className="nbf-quiet" onClick={copy}>
      <span aria-live="polite">{told ?? label}</span>
    </button>
  );
}

/** Something to type, with a button that copies it. */

import { CopyButton } from "../results/copy-button";

export function Command({ text }: { text: string }) {
  return (
    <span className="nbf-rv-command">
      <code className="nbf-code">{text}</code>
      <CopyButton label="Copy" text={() => text} />
    </span>
  );
}

/** Goes through the versions of one thing: `‹ 3 of 5 ›`. */

interface Props {
  /** From 0, the oldest, to `count` - 1, the newest. */
  at: number;
  count: number;
  onStep: (at: number) => void;
  name: string;
}

export function Stepper({ at, count, onStep, name }: Props) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot stand in a caption's line
    <span className="nbf-stepper" role="group" aria-label={`Versions of ${name}`}>
      <Step label="Older version" sign="‹" off={at === 0} onClick={() => onStep(at - 1)} />
      <span className="nbf-figures" aria-live="polite">
        {at + 1} of {count}
      </span>
      <Step label="Newer version" sign="›" off={at === count - 1} onClick={() => onStep(at + 1)} />
    </span>
  );
}

interface StepProps {
  label: string;
  sign: string;
  off: boolean;
  onClick: () => void;
}

function Step({ label, sign, off, onClick }: StepProps) {
  return (
    // Stays focusable at the end, so that the keyboard does not lose its place.
    <button
      type="button"
      className="nbf-quiet"
      aria-label={label}
      title={label}
      aria-disabled={off}
      onClick={off ? undefined : onClick}
    >
      {sign}
    </button>
  );
}

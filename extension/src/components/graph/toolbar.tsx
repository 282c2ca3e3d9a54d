/** At the right of the graph, one above the other, for height is what notebooks lack: search, direction, zoom. */

import type { ReactNode } from "react";
import type { Direction, Look } from "../../api/types";
import type { Viewer } from "./use-view";

interface Props {
  look: Look;
  onLook(look: Look): void;
  viewer: Viewer;
  children: ReactNode;
}

const DIRECTIONS: [Direction | null, string, string][] = [
  [
    null,
    "Direction chosen by the graph's shape",
    "M7 1.5L8.4 5.6L12.5 7L8.4 8.4L7 12.5L5.6 8.4L1.5 7L5.6 5.6Z",
  ],
  ["down", "Top down", "M7 2V12M3.5 8.5L7 12L10.5 8.5"],
  ["right", "Left to right", "M2 7H12M8.5 3.5L12 7L8.5 10.5"],
  [
    "radial",
    "From the middle outwards",
    "M7 5.6A1.4 1.4 0 1 0 7 8.4A1.4 1.4 0 1 0 7 5.6M7 1.6A5.4 5.4 0 1 0 7 12.4A5.4 5.4 0 1 0 7 1.6",
  ],
];

export function Toolbar({ look, onLook, viewer, children }: Props) {
  return (
    <div className="nbf-g-tools" role="toolbar" aria-label="Graph" aria-orientation="vertical">
      {children}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
      <div className="nbf-g-set" role="group" aria-label="Direction">
        {DIRECTIONS.map(([direction, title, icon]) => (
          <Tool
            key={title}
            title={title}
            icon={icon}
            pressed={look.direction === direction}
            onPress={() => onLook({ ...look, direction })}
          />
        ))}
      </div>
      <Zoom viewer={viewer} />
    </div>
  );
}

const STEP = 1.3;

function Zoom({ viewer }: { viewer: Viewer }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own
    <div className="nbf-g-set" role="group" aria-label="Zoom">
      <Tool
        title="Zoom out (−, or Ctrl and the wheel)"
        icon="M3 7H11"
        onPress={() => viewer.zoom(1 / STEP, undefined, true)}
      />
      <Tool
        title="Show all (0)"
        icon="M2 5V2H5M9 2H12V5M12 9V12H9M5 12H2V9"
        onPress={() => viewer.fit()}
      />
      <Tool
        title="Zoom in (+, or Ctrl and the wheel)"
        icon="M3 7H11M7 3V11"
        onPress={() => viewer.zoom(STEP, undefined, true)}
      />
    </div>
  );
}

interface ToolProps {
  title: string;
  icon: string;
  pressed?: boolean;
  onPress(): void;
}

function Tool({ title, icon, pressed, onPress }: ToolProps) {
  return (
    <button
      type="button"
      className="nbf-g-tool"
      title={title}
      aria-label={title}
      aria-pressed={pressed}
      onClick={onPress}
    >
      <svg aria-hidden="true" width={14} height={14} viewBox="0 0 14 14">
        <path d={icon} />
      </svg>
    </button>
  );
}

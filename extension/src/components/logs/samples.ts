/** Lines for tests. */

import { logLine } from "../../api/samples";
import type { LogLine } from "../../api/types";

export function printed(seq: number, text: string, changes: Partial<LogLine> = {}): LogLine {
  return logLine(seq, text, { printed: true, ...changes });
}

/** What a cron text comes to, asked for while somebody writes it. */

import { useEffect, useState } from "react";
import type { SchedulePreview, Service } from "../../api/types";

export type Preview =
  | { status: "none" }
  | { status: "asking"; last: SchedulePreview | null }
  | { status: "told"; told: SchedulePreview }
  | { status: "refused"; sentence: string };

/** How long somebody rests before what was written is asked about. */
export const REST_MS = 250;

export function usePreview(service: Service, cron: string | null, timezone: string): Preview {
  const [preview, setPreview] = useState<Preview>({ status: "none" });
  useEffect(() => {
    if (cron === null) {
      setPreview({ status: "none" });
      return;
    }
    // Only the newest question counts; an answer to an older one comes to nobody.
    let newest = true;
    setPreview((old) => ({
      status: "asking",
      last: old.status === "told" ? old.told : lastOf(old),
    }));
    const timer = setTimeout(() => {
      service.ask("deploy.preview", { cron, timezone }).then(
        (told) => newest && setPreview({ status: "told", told }),
        (error: Error) => newest && setPreview({ status: "refused", sentence: error.message }),
      );
    }, REST_MS);
    return () => {
      newest = false;
      clearTimeout(timer);
    };
  }, [service, cron, timezone]);
  return preview;
}

function lastOf(preview: Preview): SchedulePreview | null {
  return preview.status === "asking" ? preview.last : null;
}

/** The one style sheet of all components. */

import { css as base } from "./base-style";
import { css as deployForm } from "./deploy-form/style";
import { css as graph } from "./graph/style";
import { css as logs } from "./logs/style";
import { css as results } from "./results/style";
import { css as runView } from "./run-view/style";
import { css as runsTable } from "./runs-table/style";
import { css as state } from "./state/style";
import { css as theme } from "./theme";
import { css as timeline } from "./timeline/style";

export const styles = [
  theme,
  base,
  state,
  graph,
  timeline,
  logs,
  results,
  runsTable,
  deployForm,
  runView,
].join("\n");

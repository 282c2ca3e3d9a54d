/** The one style sheet of all components. */

import { css as base } from "./base-style";
import { css as runView } from "./run-view/style";
import { css as state } from "./state/style";
import { css as theme } from "./theme";

export const styles = [theme, base, state, runView].join("\n");

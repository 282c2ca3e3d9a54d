/** How the run view looks. */

export const css = "";

/** A link to the executed notebook, where the page's server can show it. */

interface Props {
  /** The file, as the run recorded it; null: the flow is no notebook. */
  output: string | null;
}

export function NotebookLink({ output }: Props) {
  const address = output === null ? null : addressOf(output, settingsOf(document));
  if (address === null) return null;
  return (
    <a
      className="nbf-button nbf-rv-open"
      href={address}
      target="_blank"
      rel="noopener"
      title={`Open ${output}`}
    >
      Open notebook
    </a>
  );
}

/** What a page of Jupyter says of its server. */
export interface PageSettings {
  baseUrl?: string;
  /** Its folder; `~` stands for the home of who runs it. */
  serverRoot?: string;
  appName?: string;
}

function settingsOf(page: Document): PageSettings {
  try {
    return JSON.parse(page.getElementById("jupyter-config-data")?.textContent ?? "{}");
  } catch {
    return {};
  }
}

/** null: the file lies outside of the server's folder, or is hidden from it. */
export function addressOf(path: string, settings: PageSettings): string | null {
  const { baseUrl, serverRoot, appName = "" } = settings;
  if (typeof baseUrl !== "string" || typeof serverRoot !== "string") return null;
  const inside = within(path, serverRoot.replace(/\/+$/, ""));
  if (inside === null || inside.split("/").some((part) => part.startsWith("."))) return null;
  const place = inside.split("/").map(encodeURIComponent).join("/");
  return `${baseUrl}${/notebook/i.test(appName) ? "notebooks" : "lab/tree"}/${place}`;
}

function within(path: string, root: string): string | null {
  if (!root.startsWith("~"))
    return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : null;
  // Whose home that is, only the server knows: any folder that homes may be.
  const home = /^(\/root|\/home\/[^/]+|\/Users\/[^/]+)\//.exec(path)?.[1];
  return home === undefined ? null : within(path, `${home}${root.slice(1)}`);
}

/** A picture. One that lies elsewhere is only loaded when the reader asks for it. */

import { useState } from "react";
import { hostOf, isInnerPicture, outerPicture } from "./addresses";

interface Props {
  address: string;
  /** What it shows, for those who cannot see it. */
  words: string;
}

export function Picture({ address, words }: Props) {
  if (isInnerPicture(address)) return <Shown address={address} words={words} />;
  const outer = outerPicture(address);
  if (outer === null)
    return <p className="nbf-muted">This page cannot show a picture at {address.slice(0, 200)}</p>;
  // Another address asks again.
  return <Elsewhere key={outer} address={outer} words={words} />;
}

function Elsewhere({ address, words }: Props) {
  const [wanted, setWanted] = useState(false);
  if (wanted) return <Shown address={address} words={words} />;
  return (
    <div className="nbf-elsewhere">
      <span className="nbf-muted">This picture lies on {hostOf(address)}</span>
      <span className="nbf-elsewhere-ways">
        <button type="button" className="nbf-button" onClick={() => setWanted(true)}>
          Load it
        </button>
        <a href={address} title={address} target="_blank" rel="noopener noreferrer">
          Open it in a new tab
        </a>
      </span>
    </div>
  );
}

function Shown({ address, words }: Props) {
  const [failed, setFailed] = useState(false);
  const [large, setLarge] = useState(false);
  if (failed) return <p className="nbf-muted">The picture could not be loaded: {words}</p>;
  return (
    <button
      type="button"
      className={large ? "nbf-picture nbf-picture-large" : "nbf-picture"}
      aria-pressed={large}
      title={large ? "Fit it into its place" : "Show it in its own size"}
      onClick={() => setLarge(!large)}
    >
      <img src={address} alt={words} referrerPolicy="no-referrer" onError={() => setFailed(true)} />
    </button>
  );
}

/**
 * Which addresses a page may follow or load.
 *
 * Links lead to pages, nowhere else. Pictures are shown when they are part of the record; one
 * that lies elsewhere would tell its owner who looks at the run, and when.
 */

const PICTURE = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i;
const PAGES = new Set(["http:", "https:"]);
const LINKED = new Set([...PAGES, "mailto:"]);

/** The address as a link may have it; null for what is none. Relative ones lead nowhere. */
export function linkAddress(address: string): string | null {
  return whole(address, LINKED);
}

/** The address of a picture that lies elsewhere. */
export function outerPicture(address: string): string | null {
  return whole(address, PAGES);
}

/** Whether the address is the picture itself. */
export function isInnerPicture(address: string): boolean {
  return PICTURE.test(address);
}

/** Whom a browser would ask. */
export function hostOf(address: string): string {
  return parsed(address)?.host ?? "";
}

function whole(address: string, protocols: Set<string>): string | null {
  const url = parsed(address);
  return url !== null && protocols.has(url.protocol) ? url.href : null;
}

function parsed(address: string): URL | null {
  try {
    return new URL(address.trim());
  } catch {
    return null;
  }
}

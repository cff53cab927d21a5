/** Paging by name: a cursor holds the last name of a page, hidden so that nobody builds one. */
export function formatRefCursor(name: string): string {
  return Buffer.from(name, "utf8").toString("base64url");
}

/** null when the text was not made by {@link formatRefCursor}. */
export function parseRefCursor(text: string): string | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  const name = Buffer.from(text, "base64url").toString("utf8");
  return formatRefCursor(name) === text ? name : null;
}

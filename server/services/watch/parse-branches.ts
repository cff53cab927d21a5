/** Names in `branch=a,b`; a comma that belongs to a name is written `\,`. */
export function parseBranches(text: string): readonly string[] {
  const names = [...text.matchAll(/((?:\\.|[^,\\])+)/gs)].map(([name]) => name.replace(/\\(.)/gs, "$1"));
  return [...new Set(names)];
}

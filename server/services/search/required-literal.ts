/** Letters that stand for a class or a place when a backslash is before them. */
const CLASS_ESCAPES = "dDwWsSbBafnrtvAz";
const REPEAT = /^\{\d+(?:,\d*)?\}/;
const ASCII_LETTER_OR_DIGIT = /^[0-9A-Za-z]$/;

/**
 * The longest text that is in every match of an expression, as far as a look at its outermost level tells; "" when none
 * is sure. Content without this text needs no expression: looking for bytes is twenty times as fast.
 */
export function findRequiredLiteral(pattern: string): string {
  const runs: string[] = [""];
  const chars = Array.from(pattern);
  const cut = () => runs.push("");
  const push = (char: string) => runs.push((runs.pop() ?? "") + char);
  for (let at = 0; at < chars.length; ) {
    const char = chars[at] as string; // at is below the length
    if (char === "|") return "";
    if (char === "\\") {
      const next = chars[at + 1] ?? "";
      if (!ASCII_LETTER_OR_DIGIT.test(next)) push(next);
      else if (CLASS_ESCAPES.includes(next)) cut();
      else return "";
      at += 2;
    } else if (char === "[") {
      cut();
      at = skipClass(chars, at);
    } else if (char === "(") {
      // Flags set here hold for what follows.
      if (chars[at + 1] === "?" && chars[at + 2] !== ":" && chars[at + 2] !== "P") return "";
      cut();
      at = skipGroup(chars, at);
    } else if (char === "*" || char === "?" || char === "{") {
      const repeat = char === "{" ? REPEAT.exec(chars.slice(at, at + 16).join("")) : null;
      if (char === "{" && repeat === null) {
        push(char);
        at += 1;
      } else {
        // What is repeated may be there not at all.
        runs.push(
          Array.from(runs.pop() ?? "")
            .slice(0, -1)
            .join(""),
        );
        cut();
        at += repeat === null ? 1 : repeat[0].length;
      }
    } else {
      if (char === "+" || char === "." || char === "^" || char === "$") cut();
      else push(char);
      at += 1;
    }
  }
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest));
}

/** Behind the bracket that closes a class. */
function skipClass(chars: readonly string[], start: number): number {
  let at = start + 1;
  if (chars[at] === "^") at += 1;
  if (chars[at] === "]") at += 1;
  while (at < chars.length && chars[at] !== "]") {
    if (chars[at] === "\\") at += 2;
    else if (chars[at] === "[" && chars[at + 1] === ":") at = chars.indexOf(":", at + 2) + 2;
    else at += 1;
    // `[:` without its end is two ordinary characters.
    if (at < start + 1) return chars.length;
  }
  return at + 1;
}

/** Behind the parenthesis that closes a group. */
function skipGroup(chars: readonly string[], start: number): number {
  let depth = 0;
  for (let at = start; at < chars.length; ) {
    const char = chars[at];
    if (char === "\\") at += 2;
    else if (char === "[") at = skipClass(chars, at);
    else {
      if (char === "(") depth += 1;
      if (char === ")") depth -= 1;
      at += 1;
      if (depth === 0) return at;
    }
  }
  return chars.length;
}

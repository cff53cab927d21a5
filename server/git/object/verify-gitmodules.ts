/**
 * Checks of `.gitmodules`, which git clients obey: names that leave .git/modules, urls and paths that are read as
 * options, commands. Source: git-fsck(1), message ids gitmodulesName to gitmodulesUrl; git-config(1), "Syntax";
 * CVE-2018-11235, CVE-2018-17456, CVE-2019-19604, CVE-2020-5260.
 */
import { byteStringFromBytes } from "../bytes/text.ts";
import type { ObjectFault } from "./verify-identity.ts";

interface Setting {
  /** null in the section `[submodule]` itself. */
  readonly submodule: string | null;
  /** Lower case. */
  readonly key: string;
  /** null for a key without `=`. */
  readonly value: string | null;
}

const SECTION = /\[[ \t]*([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\\n]|\\[^\n])*)")?[ \t]*\]/y;
const KEY = /([A-Za-z][A-Za-z0-9-]*)[ \t]*/y;
const BLANK = /(?:[ \t\r\n]|[#;][^\n]*)*/y;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", b: "\b", '"': '"', "\\": "\\" };

/** What is wrong with the content of a `.gitmodules`, each kind of fault once; empty = fine. */
export function verifyGitmodules(data: Uint8Array): readonly ObjectFault[] {
  const faults = new Map<string, ObjectFault>();
  for (const setting of parseSettings(byteStringFromBytes(data))) {
    const fault = findSettingFault(setting);
    if (fault && !faults.has(fault.id)) faults.set(fault.id, fault);
    const name = setting.submodule;
    if (name !== null && isUnsafeName(name)) {
      faults.set("gitmodulesName", {
        id: "gitmodulesName",
        message: `disallowed submodule name: ${name.slice(0, 200)}`,
      });
    }
  }
  return [...faults.values()];
}

function findSettingFault({ submodule, key, value }: Setting): ObjectFault | null {
  if (submodule === null || value === null) return null;
  if (key === "url" && isUnsafeUrl(value)) return disallowed("gitmodulesUrl", "url", value);
  if (key === "path" && value.startsWith("-")) return disallowed("gitmodulesPath", "path", value);
  if (key === "update" && value.startsWith("!"))
    return disallowed("gitmodulesUpdate", "update setting", value);
  return null;
}

function disallowed(id: string, what: string, value: string): ObjectFault {
  return { id, message: `disallowed submodule ${what}: ${value.slice(0, 200)}` };
}

/** A name is a path below .git/modules. */
function isUnsafeName(name: string): boolean {
  return name === "" || name.split(/[/\\]/).includes("..");
}

function isUnsafeUrl(url: string): boolean {
  if (url.startsWith("-")) return true;
  if (/^\.\.?\//.test(url)) {
    // It is appended to the url of the repository: a line break ends a credential line, "../" and ":" make a new host.
    return decodePercent(url).includes("\n") || /^(?:\.\/)*(?:\.\.\/)(?:\.\.?\/)*[:/]/.test(url);
  }
  const transport = /^(?:(?:https?|ftps?)::)?((?:https?|ftps?):\/\/.*)$/is.exec(url)?.[1];
  if (transport === undefined) return false;
  return decodePercent(transport).includes("\n") || !/^\w+:\/\/(?:[^/?#@]*@)?[^/?#:@]/.test(transport);
}

function decodePercent(url: string): string {
  return url.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The settings of submodules up to the first line that is no configuration, where git stops reading too. */
function* parseSettings(text: string): Generator<Setting> {
  let section: { readonly name: string; readonly sub: string | null } | null = null;
  for (let offset = skip(text, 0); offset < text.length; offset = skip(text, offset)) {
    if (text[offset] === "[") {
      const match = matchAt(SECTION, text, offset);
      if (!match) return;
      section = readSection(match[1] ?? "", match[2]);
      offset += match[0].length;
      continue;
    }
    const match = matchAt(KEY, text, offset);
    if (!match || !section) return;
    offset += match[0].length;
    let value: string | null = null;
    if (text[offset] === "=") {
      const read = readValue(text, offset + 1);
      if (!read) return;
      ({ value, offset } = read);
    } else if (offset < text.length && !/[\r\n#;]/.test(text[offset] as string)) return;
    if (section.name === "submodule")
      yield { submodule: section.sub, key: (match[1] ?? "").toLowerCase(), value };
  }
}

/** `[submodule "Name"]`, or the old `[submodule.name]`, in which the name has no case. */
function readSection(name: string, quoted: string | undefined): { name: string; sub: string | null } {
  if (quoted !== undefined) return { name: name.toLowerCase(), sub: quoted.replace(/\\(.)/g, "$1") };
  const dot = name.indexOf(".");
  const lower = name.toLowerCase();
  return dot < 0 ? { name: lower, sub: null } : { name: lower.slice(0, dot), sub: lower.slice(dot + 1) };
}

/** A value to the end of its line: quotes, escapes, comments and continued lines; null when it is malformed. */
function readValue(text: string, start: number): { value: string; offset: number } | null {
  const parts: string[] = [];
  let length = 0; // without spaces at the end
  let quoted = false;
  let offset = start;
  for (; offset < text.length; offset++) {
    let char = text[offset] as string; // offset < length
    if (char === "\n") break;
    if (char === "\r" && text[offset + 1] === "\n") continue;
    if (!quoted && (char === "#" || char === ";")) {
      const newline = text.indexOf("\n", offset);
      offset = newline < 0 ? text.length : newline;
      break;
    }
    if (char === '"') {
      quoted = !quoted;
      continue;
    }
    const isSpace = !quoted && (char === " " || char === "\t");
    if (isSpace && parts.length === 0) continue;
    if (char === "\\") {
      const next = text[++offset];
      if (next === "\n") continue;
      const meant = next === undefined ? undefined : ESCAPES[next];
      if (meant === undefined) return null;
      char = meant;
    }
    parts.push(char);
    if (!isSpace) length = parts.length;
  }
  return quoted ? null : { value: parts.slice(0, length).join(""), offset };
}

function skip(text: string, offset: number): number {
  return offset + (matchAt(BLANK, text, offset)?.[0].length ?? 0);
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(text);
}

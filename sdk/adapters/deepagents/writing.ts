import type { MountedFS } from "../../mount/mounted-fs.ts";
import { createTurns } from "../files/turns.ts";
import { isTextFile } from "./media-types.ts";
import { isAbsent, linkError, messageOf, parsePath, transferError } from "./outcomes.ts";
import type { DeepAgentsBackend, UploadResult } from "./protocol.ts";

type Writing = Pick<DeepAgentsBackend, "write" | "edit" | "delete" | "uploadFiles" | "downloadFiles">;

/** The calls that change files, and the transfers. */
export function createWriting(mount: MountedFS): Writing {
  const { promises } = mount;
  const inTurn = createTurns();
  return {
    async write(given, content) {
      try {
        const path = parsePath(given);
        if (await isLink(mount, path)) {
          return { error: `Cannot write to ${given} because it is a symlink. Symlinks are not allowed.` };
        }
        const bytes = isTextFile(path) ? content : decodeBase64(content);
        await inTurn(path, () => writeWithParents(mount, path, bytes));
        return { path: given, filesUpdate: null };
      } catch (error) {
        return { error: `Error writing file '${given}': ${messageOf(error)}` };
      }
    },
    async edit(given, oldString, newString, replaceAll = false) {
      try {
        const path = parsePath(given);
        return await inTurn(path, async () => {
          if (!(await promises.stat(path)).isFile()) return { error: `Error: File '${given}' not found` };
          if (await isLink(mount, path)) throw linkError(path);
          const edited = replaceText(decodeText(await mount.readFile(path, "binary")), {
            oldString,
            newString,
            replaceAll,
          });
          if ("error" in edited) return edited;
          await promises.writeFile(path, edited.text);
          return { path: given, filesUpdate: null, occurrences: edited.occurrences };
        });
      } catch (error) {
        return { error: `Error editing file '${given}': ${messageOf(error)}` };
      }
    },
    async delete(given) {
      try {
        const path = parsePath(given);
        if (path === "/") await emptyRoot(mount);
        else await mount.rm(path, { recursive: true });
        return { path: given, filesUpdate: null };
      } catch (error) {
        if (isAbsent(error)) return { error: `Error: '${given}' not found` };
        return { error: `Error deleting '${given}': ${messageOf(error)}` };
      }
    },
    uploadFiles: async (files) =>
      await Promise.all(files.map(async ([path, content]) => await upload(mount, path, content))),
    downloadFiles: async (paths) =>
      await Promise.all(
        paths.map(async (path) => {
          try {
            return { path, content: await mount.readFile(parsePath(path), "binary"), error: null };
          } catch (error) {
            return { path, content: null, error: transferError(error) };
          }
        }),
      ),
  };
}

async function isLink(mount: MountedFS, path: string): Promise<boolean> {
  try {
    return (await mount.promises.lstat(path)).isSymbolicLink();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

async function writeWithParents(mount: MountedFS, path: string, data: string | Uint8Array): Promise<void> {
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent !== "") await mount.promises.mkdir(parent, { recursive: true });
  await mount.promises.writeFile(path, data);
}

async function upload(mount: MountedFS, path: string, content: Uint8Array): Promise<UploadResult> {
  try {
    await writeWithParents(mount, parsePath(path), content);
    return { path, error: null };
  } catch (error) {
    return { path, error: transferError(error) };
  }
}

async function emptyRoot(mount: MountedFS): Promise<void> {
  const names = (await mount.promises.readdir("/")) as string[];
  await Promise.all(names.map((name) => mount.rm(`/${name}`, { recursive: true })));
}

/** @throws DOMException for text that is not base64: nothing is written then. */
function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
}

/** @throws TypeError for bytes that are not UTF-8, which an edit would destroy. A byte order mark stays. */
function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function replaceText(
  content: string,
  { oldString, newString, replaceAll }: { oldString: string; newString: string; replaceAll: boolean },
): { readonly error: string } | { readonly text: string; readonly occurrences: number } {
  if (oldString === "") {
    return content === ""
      ? { text: newString, occurrences: 0 }
      : { error: "Error: oldString cannot be empty when file has content" };
  }
  const parts = content.split(oldString);
  const occurrences = parts.length - 1;
  if (occurrences === 0) return { error: `Error: String not found in file: '${oldString}'` };
  if (occurrences > 1 && !replaceAll) {
    return {
      error: `Error: String '${oldString}' has multiple occurrences (appears ${occurrences} times) in file. Use replace_all=True to replace all instances, or provide a more specific string with surrounding context.`,
    };
  }
  return { text: parts.join(newString), occurrences };
}

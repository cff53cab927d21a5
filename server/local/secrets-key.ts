import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writePrivateFile } from "./private-file.ts";
import { StartError } from "./start-error.ts";

const FILE = "secrets-key";
const KEY = /^[A-Za-z0-9_-]{43}$/;

/**
 * The key that seals a data folder's secrets; made at its first start. It has a file of its own: whoever deletes
 * credentials.json to get new keys must not lose what is sealed.
 * @throws StartError bad-data when the file is damaged
 */
export async function readSecretsKey(folder: string): Promise<string> {
  const path = join(folder, FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const key = randomBytes(32).toString("base64url");
    await writePrivateFile(folder, FILE, `${key}\n`);
    return key;
  }
  if (KEY.test(text.trim())) return text.trim();
  throw new StartError(
    "bad-data",
    `${path} is damaged: without it the signing secrets of webhooks must be set anew`,
  );
}

import { open, rename } from "node:fs/promises";
import { join } from "node:path";

/** Writes a file so that a crash leaves the old one or the new one; readable by its owner only. */
export async function writePrivateFile(folder: string, name: string, text: string): Promise<void> {
  const draft = join(folder, `.${name}.${process.pid}`);
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(folder, name));
}

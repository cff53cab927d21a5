import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "./start-error.ts";

/** What a data folder remembers, so that a restart gives the same keys. */
export interface Credentials {
  readonly org: string;
  readonly apiKey: string;
  readonly adminKey: string;
  /** Seals secrets that are stored for later use; it must stay beside the data that it opens. */
  readonly secretsKey: string;
}

/** Org that a local server makes for itself. */
export const LOCAL_ORG = "local";

const FILE = "credentials.json";

/** The folder's credentials, or null before its first start. @throws StartError bad-data when the file is damaged */
export async function findCredentials(folder: string): Promise<Credentials | null> {
  const known = await readFileOf(folder);
  // A folder of before there were sealed secrets.
  if (known && known.secretsKey === null) {
    const completed = { ...known, secretsKey: createSecretsKey() };
    await writeCredentials(folder, completed);
    return completed;
  }
  return known as Credentials | null; // its key is there
}

async function readFileOf(
  folder: string,
): Promise<(Omit<Credentials, "secretsKey"> & { readonly secretsKey: string | null }) | null> {
  const path = join(folder, FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const value = parseJson(text);
  const { org, api_key: apiKey, admin_key: adminKey, secrets_key: secretsKey = null } = value ?? {};
  const isKey = secretsKey === null || typeof secretsKey === "string";
  if (typeof org !== "string" || typeof apiKey !== "string" || typeof adminKey !== "string" || !isKey) {
    throw new StartError("bad-data", `${path} is damaged: delete it, and the next start makes new keys`);
  }
  return { org, apiKey, adminKey, secretsKey };
}

function parseJson(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    // Each field is checked by the caller.
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Writes the file so that a crash leaves the old one or the new one; readable by its owner only. */
export async function writeCredentials(folder: string, credentials: Credentials): Promise<void> {
  const { org, apiKey, adminKey, secretsKey } = credentials;
  const draft = join(folder, `.${FILE}.${process.pid}`);
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(
      `${JSON.stringify({ org, api_key: apiKey, admin_key: adminKey, secrets_key: secretsKey }, null, 2)}\n`,
    );
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(folder, FILE));
}

export function createAdminKey(): string {
  return `cga_${randomBytes(30).toString("base64url")}`;
}

/** As the sealer takes it: 32 bytes in base64url. */
export function createSecretsKey(): string {
  return randomBytes(32).toString("base64url");
}

type Send = (path: string, init: RequestInit) => Promise<Response>;

/** Makes the local org and its key through the operator's routes; another key when the org is there already. */
export async function requestApiKey(send: Send, adminKey: string): Promise<string> {
  const headers = { "x-admin-key": adminKey, "content-type": "application/json" };
  const created = await send("/v1/admin/orgs", {
    method: "POST",
    headers,
    body: JSON.stringify({ slug: LOCAL_ORG }),
  });
  if (created.status !== 409) return readKey(created);
  await created.arrayBuffer();
  return readKey(await send(`/v1/admin/orgs/${LOCAL_ORG}/keys`, { method: "POST", headers }));
}

async function readKey(response: Response): Promise<string> {
  const text = await response.text();
  const key = parseJson(text)?.api_key;
  if (response.status !== 201 || typeof key !== "string") {
    throw new StartError(
      "runtime-failed",
      `no key for the local org: ${response.status} ${text.slice(0, 500)}`,
    );
  }
  return key;
}

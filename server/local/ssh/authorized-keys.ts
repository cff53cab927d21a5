/** Which API key each SSH key stands for. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import ssh2, { type ParsedKey } from "ssh2";

export interface AuthorizedKey {
  readonly publicKey: ParsedKey;
  readonly apiKey: string;
}

/** Lets in the keys of one file, which is read again whenever it has changed: taking a line out takes effect at once. */
export interface AuthorizedKeys {
  /** null: nobody's. @throws Error when the file cannot be read or has a bad line */
  find(publicKey: Buffer): Promise<AuthorizedKey | null>;
}

const MAX_FILE_BYTES = 16 * 1024 * 1024;
const OPTION = /^environment="COREGIT_API_KEY=([\x21\x23-\x7e]+)"[ \t]+(\S.*)$/;

export function createAuthorizedKeys(path: string): AuthorizedKeys {
  let version = "";
  let keys: ReadonlyMap<string, AuthorizedKey> = new Map();
  return {
    async find(publicKey) {
      const { mtimeMs, size, ino } = await stat(path);
      const current = `${ino} ${mtimeMs} ${size}`;
      if (current !== version) {
        if (size > MAX_FILE_BYTES) throw new Error(`${path} has more than ${MAX_FILE_BYTES} bytes`);
        keys = parseAuthorizedKeys(await readFile(path, "utf8"));
        version = current;
      }
      return keys.get(fingerprint(publicKey)) ?? null;
    },
  };
}

/**
 * Lines in the format of OpenSSH's authorized_keys, each with the one option that says whose key it is:
 * `environment="COREGIT_API_KEY=cgt_…" ssh-ed25519 AAAA… a comment`.
 * Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
 * @throws Error that names the line
 */
export function parseAuthorizedKeys(text: string): ReadonlyMap<string, AuthorizedKey> {
  const keys = new Map<string, AuthorizedKey>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, apiKey, rest] = OPTION.exec(line) ?? [];
    if (apiKey === undefined || rest === undefined) {
      throw new Error(`line ${index + 1}: begin it with environment="COREGIT_API_KEY=…" and a public key`);
    }
    const publicKey = ssh2.utils.parseKey(rest);
    if (publicKey instanceof Error) throw new Error(`line ${index + 1}: ${publicKey.message}`);
    keys.set(fingerprint(publicKey.getPublicSSH()), { publicKey, apiKey });
  }
  return keys;
}

function fingerprint(publicKey: Buffer): string {
  return createHash("sha256").update(publicKey).digest("base64");
}

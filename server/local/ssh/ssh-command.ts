/** What a client may ask an SSH server for: the commands of git and the one of git-lfs. */
export type SshCommand =
  | { readonly kind: "git-upload-pack" | "git-receive-pack"; readonly path: string }
  | {
      readonly kind: "git-lfs-authenticate";
      readonly path: string;
      readonly operation: "upload" | "download";
    };

const GIT = /^(?:git |git-)(upload-pack|receive-pack) +(.+)$/;
const LFS = /^git-lfs-authenticate +(.+?) +(upload|download)$/;
/** `acme/app.git`, `acme/team/app.git`; the ending may be left out as with other hosts. */
const REPO = /^\/?((?:[a-z0-9]+(?:-[a-z0-9]+)*\/){1,2}[a-z0-9]+(?:-[a-z0-9]+)*)(?:\.git)?\/?$/;

/** null: none of these. `path` is `org/…/slug.git`. */
export function parseSshCommand(text: string): SshCommand | null {
  const lfs = LFS.exec(text);
  if (lfs) {
    const path = parsePath(lfs[1] ?? "");
    return path === null
      ? null
      : { kind: "git-lfs-authenticate", path, operation: lfs[2] === "upload" ? "upload" : "download" };
  }
  const git = GIT.exec(text);
  const path = git && parsePath(git[2] ?? "");
  return path ? { kind: git[1] === "upload-pack" ? "git-upload-pack" : "git-receive-pack", path } : null;
}

/** git quotes the path for a shell: in single quotes. What would need more quoting is no path of this server. */
function parsePath(quoted: string): string | null {
  const inner = /^'([^']*)'$/.exec(quoted)?.[1] ?? quoted;
  const repo = REPO.exec(inner)?.[1];
  return repo === undefined || repo.length > 310 ? null : `${repo}.git`;
}

import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { Bash, type IFileSystem, InMemoryFs, MountableFs, ReadWriteFs } from "just-bash";
import { afterAll, describe, expect, test } from "vitest";
import type { JustBashModule, ShellFs } from "../mount/bash/just-bash-module.ts";
import { createSharedBlobs } from "../mount/blobs/content-source.ts";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { openMount } from "../mount/open-mount.ts";
import { assertSeeded } from "../testing/assert-seeded.ts";
import { MemoryRemote } from "../testing/memory-remote.ts";
import { createJustBashFs } from "./just-bash.ts";

const FILES: Readonly<Record<string, string>> = {
  "README.md": "# Title\n\nSome text, TODO later.\n",
  "src/a.ts": "export const a = 1;\nexport const b = 2;\n",
  "src/b.ts": "import { a } from './a.ts';\nconsole.log(a);\n",
  "src/deep/er/c.ts": "// TODO c\nlet c = 'ünïcode';\n",
  "data/list.txt": "pear\napple\nfig\napple\n",
  "data/nums.csv": "id,n\n1,10\n2,20\n3,30\n",
  "data/conf.json": '{"name":"x","list":[1,2,3]}\n',
  "bin/run.sh": 'echo "ran $#: $@"\n',
  "no-newline": "end",
  empty: "",
};
const LINKS: Readonly<Record<string, string>> = {
  "link.ts": "src/a.ts",
  dirlink: "src/deep",
  broken: "nowhere",
};

async function openRepo(): Promise<MountedFS> {
  const remote = new MemoryRemote();
  await remote.create("app", {
    ...FILES,
    "bin/run.sh": { mode: "100755", content: FILES["bin/run.sh"] ?? "" },
    ...Object.fromEntries(
      Object.entries(LINKS).map(([path, content]) => [path, { mode: "120000", content }]),
    ),
  });
  return await openMount(
    { repos: [{ slug: "app", as: "/" }] },
    {
      remote,
      blobs: createSharedBlobs(remote, 1e7),
      now: () => Date.UTC(2026, 0, 2),
      createKey: () => "key",
    },
  );
}

/** The same files on the disk, through just-bash's own view of it. */
async function openOracle(): Promise<ReadWriteFs> {
  const root = await mkdtemp(join(tmpdir(), "just-bash-"));
  folders.push(root);
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  await chmod(join(root, "bin/run.sh"), 0o755);
  for (const [path, target] of Object.entries(LINKS)) await symlink(target, join(root, path));
  return new ReadWriteFs({ root, allowSymlinks: true });
}

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** Everything below a directory: kind, executable bit and content by path. */
async function readTree(fs: IFileSystem, top = "/"): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  const pending = [top];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const name of await fs.readdir(directory)) {
      const path = `${directory === "/" ? "" : directory}/${name}`;
      const stat = await fs.lstat(path);
      if (stat.isDirectory) {
        pending.push(path);
        tree[path] = "directory";
      } else if (stat.isSymbolicLink) tree[path] = `-> ${await fs.readlink(path)}`;
      else {
        const hex = Buffer.from(await fs.readFileBuffer(path)).toString("hex");
        tree[path] = `${(stat.mode & 0o100) !== 0 ? "x" : "-"} ${stat.size} ${hex}`;
      }
    }
  }
  return tree;
}

interface Side {
  readonly bash: Bash;
  readonly fs: IFileSystem;
}

function openShell(filesystem: IFileSystem): Side {
  const fs = new MountableFs({ base: new InMemoryFs(), mounts: [{ mountPoint: "/work", filesystem }] });
  return { bash: new Bash({ fs, cwd: "/work" }), fs: filesystem };
}

async function runBoth(commands: readonly string[]): Promise<void> {
  const ours = openShell(createJustBashFs(await openRepo()));
  const oracle = openShell(await openOracle());
  for (const command of commands) {
    const mine = await ours.bash.exec(command);
    const theirs = await oracle.bash.exec(command);
    expect({ command, stdout: mine.stdout, exitCode: mine.exitCode, stderr: mine.stderr }).toEqual({
      command,
      stdout: theirs.stdout,
      exitCode: theirs.exitCode,
      stderr: mine.exitCode === 0 ? theirs.stderr : expect.any(String),
    });
  }
  expect({ commands, tree: await readTree(ours.fs) }).toEqual({ commands, tree: await readTree(oracle.fs) });
}

const COMMANDS = `
ls; ls -a; ls -1 src; ls -R; ls data nope; ls -d src; ls src/*.ts; ls -p
cat README.md; cat src/a.ts src/b.ts; cat nope; cat src; cat -n data/list.txt; cat empty no-newline
cat link.ts; cat dirlink/er/c.ts; cat broken; readlink link.ts; readlink -f link.ts; readlink dirlink; ls dirlink
head -1 data/list.txt; head -n 2 src/a.ts; tail -1 data/nums.csv; tail -n +2 data/nums.csv; tac data/list.txt; rev no-newline
wc README.md; wc -l data/*; wc -c src/a.ts; wc -w < README.md; stat -c '%s %n' src/a.ts; stat -c %F src; du -a data | wc -l
grep TODO README.md; grep -r TODO .; grep -rn export src; grep -c apple data/list.txt; grep -v apple data/list.txt; grep -rl TODO src README.md
grep -i title README.md; grep -E 'a|b' src/a.ts; grep -o '[0-9]*' data/nums.csv; grep -q nothing README.md; grep -A1 pear data/list.txt; rg TODO
find . -type f | sort; find . -name '*.ts' | sort; find src -type d | sort; find . -type l | sort; find . -size +0 -type f | sort; find . -empty | sort; find . -maxdepth 1 | sort
find . -name '*.ts' -exec wc -l {} \\; | sort; find . -type f -print0 | xargs -0 wc -c | tail -1; find src -name '*.ts' | xargs grep -l TODO; find . -perm -100 -type f
sort data/list.txt; sort -u data/list.txt; sort -r data/list.txt; sort data/list.txt | uniq -c; uniq data/list.txt; cut -d, -f2 data/nums.csv; sort -t, -k2 -n data/nums.csv
sed 's/a/A/g' data/list.txt; sed -n 2p data/list.txt; sed -i 's/apple/APPLE/' data/list.txt; cat data/list.txt; sed '/fig/d' data/list.txt; sed -n '/pear/,/fig/p' data/list.txt
awk -F, '{s+=$2} END {print s}' data/nums.csv; awk 'NR==2' data/list.txt; awk '{print length($0)}' data/list.txt; awk -F, 'NR>1{print $1":"$2}' data/nums.csv
tr a-z A-Z < data/list.txt; tr -d '\\n' < data/list.txt; paste -d, data/list.txt data/list.txt; nl data/list.txt; fold -w 3 no-newline; column -t -s, data/nums.csv
jq .name data/conf.json; jq '.list | add' data/conf.json; jq -c . data/conf.json; base64 no-newline; base64 no-newline | base64 -d; md5sum data/list.txt; sha1sum empty; sha256sum no-newline
diff src/a.ts src/b.ts; diff src/a.ts src/a.ts; diff -u data/list.txt data/nums.csv; comm data/list.txt data/list.txt; join -t, data/nums.csv data/nums.csv; file no-newline
echo hi > new; cat new; echo more >> new; cat new; echo x > src/new.ts; ls src; printf 'a\\nb\\n' > p; cat p; : > new; wc -c new; echo "a b" > 'with space'; cat 'with space'
echo x > deep/er/than/before; cat deep/er/than/before; echo y >> also/new; cat also/new; cat < data/list.txt > copy; cat copy; tee t1 t2 < no-newline; cat t1 t2; ls > listing; cat listing
echo z > link.ts; cat src/a.ts; ls -l link.ts | cut -c1; echo through > dirlink/f; cat src/deep/f; echo b > broken; cat nowhere; cat broken
mkdir d; mkdir d; mkdir -p d/e/f; mkdir no/parent; ls d; rmdir d; rmdir nope; ls -d d/*; touch d/t; ls d; touch README.md; cat README.md
rm new-nope; rm -f nope; rm empty; ls empty; rm src; rm -r src; ls; rm -rf data/*; ls data; rm link.ts; rm -r dirlink; ls
cp README.md R2; cat R2; cp src/a.ts data; ls data; cp src data; cp -r src s2; find s2 | sort; cp -r src data; find data | sort; cp nope x; cp -r s2/. s3; ls s3; cp link.ts linkcopy; cat linkcopy; cp a b c
mv README.md READ; ls; mv READ src; ls src; mv src moved; find moved | sort; mv moved/deep .; ls deep; mv nope x; mv data/list.txt data/nums.csv moved; ls moved data; mv bin data/bin; ls data/bin
ln -s README.md l; cat l; ln -s src/deep dl; ls dl; ln -s README.md l; ln README.md hard; cat hard; rm l; cat README.md
chmod +x README.md; test -x README.md; echo $?; chmod -x bin/run.sh; test -x bin/run.sh; echo $?; chmod 755 src/a.ts; find . -perm -100 -type f | sort; chmod 644 src/a.ts; chmod +x nope
bin/run.sh a b; bash bin/run.sh x; sh -c 'cat README.md | head -1'; source bin/run.sh; . ./bin/run.sh q
test -f README.md; echo $?; test -d src; echo $?; test -e nope; echo $?; [ -L link.ts ]; echo $?; [ -s empty ]; echo $?; [[ -f src/a.ts && -d data ]]; echo $?; [ -e broken ]; echo $?
cd src; pwd; ls; cd ..; pwd; cd dirlink; pwd; cd -; cd nope; pwd; cd /work/data && cat list.txt
for f in *.md; do echo "f $f"; done; for f in src/*.ts data/*; do echo $f; done; echo **/*.ts; shopt -s globstar; echo **/*.ts; echo {a,b}.x; echo src/?.ts; echo src/[ab].ts; echo nope*
while read l; do echo "[$l]"; done < data/list.txt; cat data/list.txt | while read l; do echo $l >> out; done; cat out; x=$(cat no-newline); echo $x; echo "$(ls | wc -l)"; mapfile -t arr < data/list.txt; echo \${#arr[@]}
cat <<EOF > here; cat here
tree src; ls -la src | wc -l; split -l 2 data/list.txt part; ls part*; gzip -c data/list.txt | gunzip; gzip data/nums.csv; ls data; gunzip data/nums.csv.gz; cat data/nums.csv; od -c no-newline; strings README.md
cat src/*.ts | sort | uniq | wc -l; grep -rh TODO . | wc -l; cat README.md | tee copy1 | wc -c; ls | xargs -n1 echo | wc -l; seq 3 | xargs -I{} touch f{}; ls f*; yes | head -1; basename src/a.ts .ts; dirname src/a.ts; realpath src/../README.md
(cd src && ls); { ls data; echo done; } > grouped; cat grouped; ls nope 2> err; wc -l err; ls nope src > both 2>&1; wc -l both; echo err >&2; exec 3> fd3; echo three >&3; cat fd3
true && echo a || echo b; false || echo c; ! false; echo $?; set -e; false; echo unreachable
`
  .trim()
  .split("\n");

/** Splits a line of the table at its top-level semicolons; loops and the like stay whole. */
function splitLine(line: string): readonly string[] {
  return /\b(?:for|while|set -e|EOF|\{ |shopt|mapfile|exec)\b|^\(|\{ /.test(line) ? [line] : line.split("; ");
}

describe("commands do over a mount what they do over just-bash's own filesystem", () => {
  test.each(COMMANDS)("%s", async (line) => {
    await runBoth(splitLine(line.replace("<<EOF > here", "<<EOF > here\nheredoc $((1+1))\nEOF\n:")));
  });

  test("in random sequences of changes", { timeout: 180_000 }, async () => {
    const path = fc.constantFrom(
      "README.md",
      "src",
      "src/a.ts",
      "src/deep",
      "data",
      "data/list.txt",
      "new",
      "new/dir",
      "bin/run.sh",
      "empty",
    );
    const file = fc.constantFrom(
      "README.md",
      "src/a.ts",
      "data/list.txt",
      "bin/run.sh",
      "empty",
      "made",
      "src/made",
    );
    const command = fc.oneof(
      fc.tuple(
        fc.constantFrom(
          "cat",
          "wc -c",
          "ls",
          "ls -R",
          "rm",
          "rm -r",
          "rm -rf",
          "touch",
          "chmod +x",
          "mkdir -p",
          "rmdir",
        ),
        path,
      ),
      fc
        .tuple(fc.constantFrom("cp", "mv", "cp -r"), path, path)
        .filter(([, a, b]) => !`${b}/`.startsWith(`${a}/`) && !`${a}/`.startsWith(`${b}/`)),
      fc.tuple(fc.constantFrom("echo text >", "echo more >>", "sed -i s/e/E/g"), file),
    );
    const lines = command.map((parts) => parts.join(" "));
    const property = fc.asyncProperty(fc.array(lines, { minLength: 4, maxLength: 10 }), async (commands) => {
      await runBoth(commands);
    });
    await assertSeeded(property, 60);
  });
});

describe("the filesystem", () => {
  test("is just-bash's IFileSystem, and the modules have the shapes that the mount asks for", async () => {
    const fs: IFileSystem = createJustBashFs(await openRepo());
    const own: ShellFs = fs;
    const memory: ShellFs = new InMemoryFs();
    const module = { Bash, InMemoryFs } satisfies JustBashModule;
    expect([typeof own.cp, typeof memory.cp, typeof module.Bash]).toEqual([
      "function",
      "function",
      "function",
    ]);
  });

  test("works as the root of a shell, with methods that may be detached", async () => {
    const fs = createJustBashFs(await openRepo());
    const { readFile, stat } = fs;
    expect(await readFile("/README.md")).toContain("# Title");
    expect(await stat("/src")).toMatchObject({ isDirectory: true, isFile: false, isSymbolicLink: false });
    const bash = new Bash({ fs, cwd: "/" });
    expect((await bash.exec("cat src/a.ts | wc -l")).stdout.trim()).toBe("2");
  });

  test("fails with messages that begin with the code", async () => {
    const fs = createJustBashFs(await openRepo());
    const failures: readonly [Promise<unknown>, string][] = [
      [fs.readFile("/nope"), "ENOENT: no such file or directory, open '/nope'"],
      [fs.readFileBuffer("/src"), "EISDIR: illegal operation on a directory, read"],
      [fs.mkdir("/src"), "EEXIST: file already exists, mkdir '/src'"],
      [fs.readdir("/README.md"), "ENOTDIR: not a directory, scandir '/README.md'"],
      [fs.rm("/src"), "ENOTEMPTY: directory not empty, rmdir '/src'"],
      [fs.readlink("/README.md"), "EINVAL: invalid argument, readlink '/README.md'"],
      [fs.link("/README.md", "/empty"), "EEXIST: file already exists, link '/README.md' -> '/empty'"],
      [fs.writeFile("/README.md/x", ""), "ENOTDIR: not a directory, open '/README.md/x'"],
    ];
    for (const [failure, message] of failures) await expect(failure).rejects.toThrow(message);
  });

  test("keeps bytes, text of every encoding and times as they are", async () => {
    const fs = createJustBashFs(await openRepo());
    await fs.writeFile("/b", "\u00ff\u0000\u0080", "binary");
    expect([...(await fs.readFileBuffer("/b"))]).toEqual([255, 0, 128]);
    expect(await fs.readFile("/b", "latin1")).toBe("\u00ff\u0000\u0080");
    expect(await fs.readFile("/b", { encoding: "hex" })).toBe("ff0080");
    await fs.writeFile("/h", "6869", { encoding: "hex" });
    await fs.appendFile("/h", new Uint8Array([33]));
    expect(await fs.readFile("/h")).toBe("hi!");
    expect(fs.resolvePath("/a/b", "../c/./d")).toBe("/a/c/d");
    expect(await fs.realpath("/link.ts")).toBe("/src/a.ts");
    await fs.utimes("/h", new Date(0), new Date(0));
    expect((await fs.stat("/h")).size).toBe(3);
  });
});

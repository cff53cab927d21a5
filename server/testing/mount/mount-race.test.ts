import { expect, test } from "vitest";
import { MountConflictError, MountError, type MountedFS } from "../../../sdk/index.ts";
import { createBadNetwork, createRandom } from "./bad-network.ts";
import { createMemoryServer, seedRepo } from "./memory-client.ts";

const ROUNDS = Number(process.env.RACE_ROUNDS ?? 1_000);
const LINES = 12;
const FILES = ["a.txt", "b.txt", "dir/c.txt", "dir/d.txt"];
const TOKEN = /<\d+>/g;

/** Every line that is ever written carries a token of its own, so the history shows what became of each write. */
interface Ledger {
  next: number;
  /** Tokens whose commit was acknowledged. */
  readonly landed: Set<string>;
  /** Tokens that somebody has replaced or removed in full sight of them. */
  readonly replaced: Set<string>;
  /** Tokens that a resolution keeps over the branch's version, where they had landed and been replaced. */
  readonly keptAgain: Set<string>;
  conflicts: number;
  unknown: number;
}

interface Writer {
  readonly fs: MountedFS;
  /** Tokens in the mount's unsaved work, by path. */
  readonly unsaved: Map<string, Set<string>>;
  /** An answer was lost since the last commit that succeeded. */
  unsure: boolean;
  readonly random: () => number;
  readonly ledger: Ledger;
}

function tokensOf(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

function pick<T>(random: () => number, list: readonly T[]): T {
  const item = list[Math.floor(random() * list.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

async function readOrNull(fs: MountedFS, path: string): Promise<string | null> {
  return (await fs.exists(path)) ? await fs.readFile(path) : null;
}

/** Notes that tokens went from one text to the next, by a writer who saw them. */
function noteChange(writer: Writer, path: string, texts: { before: string; after: string }): void {
  const { ledger, unsaved } = writer;
  const [before, after] = [new Set(tokensOf(texts.before)), new Set(tokensOf(texts.after))];
  const mine = unsaved.get(path) ?? new Set();
  for (const token of before) {
    if (after.has(token)) continue;
    // Of the writer's own too: a commit whose answer was lost may have landed them.
    mine.delete(token);
    ledger.replaced.add(token);
  }
  for (const token of after) if (!before.has(token)) mine.add(token);
  unsaved.set(path, mine);
}

async function change(writer: Writer): Promise<void> {
  const { fs, random, ledger } = writer;
  const path = `/${pick(random, FILES)}`;
  const before = (await readOrNull(fs, path)) ?? "";
  const token = `<${ledger.next++}>`;
  const kind = before === "" ? "whole" : pick(random, ["line", "line", "line", "append", "edit", "remove"]);
  const lines = before.split("\n").slice(0, -1);
  let after = before;
  if (kind === "remove" && random() < 0.15) {
    await fs.rm(path);
    after = "";
  } else if (kind === "whole") {
    after = Array.from({ length: LINES }, (_, line) => `line ${line} <${ledger.next++}>\n`).join("");
    await fs.writeFile(path, after);
  } else if (kind === "edit") {
    const old = pick(random, lines);
    await fs.edit(path, { old: `${old}\n`, new: `edited ${token}\n` });
    after = await fs.readFile(path);
  } else if (kind === "append") {
    await fs.appendFile(path, `more ${token}\n`);
    after = `${before}more ${token}\n`;
  } else {
    lines[Math.floor(random() * lines.length)] = `line ${token}`;
    after = `${lines.join("\n")}\n`;
    await fs.writeFile(path, after);
  }
  noteChange(writer, path, { before, after });
}

/** The branch's version, and what the writer had to say, said anew. */
function writeKept({ ledger }: Writer, theirs: string, lines: number): string {
  return theirs + Array.from({ length: lines }, () => `kept <${ledger.next++}>\n`).join("");
}

/** Resolves one conflict in one of the three ways, and notes what that does to whose tokens. */
function resolver(writer: Writer, decided: Map<string, Set<string>>) {
  const { random, ledger, unsaved } = writer;
  return async (conflict: MountConflictError["conflicts"][number]) => {
    ledger.conflicts += 1;
    const [ours, theirs] = [(await conflict.ours.text()) ?? "", (await conflict.theirs.text()) ?? ""];
    const mine = unsaved.get(conflict.path) ?? new Set<string>();
    const way = pick(random, ["ours", "theirs", "both"]);
    if (way === "theirs") {
      unsaved.delete(conflict.path);
      decided.delete(conflict.path);
      return "theirs" as const;
    }
    const kept = way === "ours" ? ours : writeKept(writer, theirs, mine.size);
    const left = new Set(tokensOf(kept));
    for (const token of [...tokensOf(theirs), ...tokensOf(ours)])
      if (!left.has(token)) ledger.replaced.add(token);
    const known = new Set(tokensOf(theirs));
    const landing = new Set([...left].filter((token) => !known.has(token)));
    // Keeping a whole version brings back what the branch had lost of it.
    for (const token of landing) if (writer.unsure || !mine.has(token)) ledger.keptAgain.add(token);
    unsaved.set(conflict.path, landing);
    decided.set(conflict.path, landing);
    if (way === "ours") return "ours" as const;
    return kept === "" ? null : kept;
  };
}

async function commit(writer: Writer): Promise<void> {
  const { fs, random, ledger, unsaved } = writer;
  const sent = new Map([...unsaved].map(([path, tokens]) => [path, new Set(tokens)]));
  const onConflict = random() < 0.5 ? resolver(writer, sent) : undefined;
  try {
    await fs.commit({ message: "race", ...(onConflict === undefined ? {} : { onConflict }) });
    writer.unsure = false;
    for (const [path, tokens] of sent) {
      for (const token of tokens) {
        ledger.landed.add(token);
        unsaved.get(path)?.delete(token);
      }
    }
  } catch (error) {
    if (error instanceof MountConflictError) await giveWay(writer, error);
    else if (error instanceof MountError && error.code === "EIO") {
      ledger.unknown += 1;
      writer.unsure = true;
    } else throw error;
  }
}

/** The other way to go on: take the branch's version, or write the resolved file after having seen it. */
async function giveWay(writer: Writer, error: MountConflictError): Promise<void> {
  const { fs, random, ledger, unsaved } = writer;
  expect(error.conflicts.length).toBeGreaterThan(0);
  for (const { path, theirs, ours } of error.conflicts) {
    ledger.conflicts += 1;
    const [seen, own] = [await theirs.text(), (await ours.text()) ?? ""];
    if (random() < 0.5 || seen === null) {
      await fs.discard([path]);
      unsaved.delete(path);
      continue;
    }
    const text = writeKept(writer, seen, unsaved.get(path)?.size ?? 0);
    const known = new Set(tokensOf(seen));
    for (const token of tokensOf(own)) if (!known.has(token)) ledger.replaced.add(token);
    unsaved.set(path, new Set(tokensOf(text).filter((token) => !known.has(token))));
    await fs.writeFile(path, text);
  }
  if (random() < 0.5) await fs.refresh().catch((reason: MountError) => expect(reason.code).toBe("EIO"));
}

/** Contents of every commit of the branch, oldest first. */
async function readHistory(cg: ReturnType<Awaited<ReturnType<typeof createMemoryServer>>["connect"]>) {
  const shas: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const { data, error } = await cg.commits.list("race", {
      ref: "main",
      limit: 100,
      ...(cursor === undefined ? {} : { cursor }),
    });
    if (error !== null) throw error;
    shas.push(...data.commits.map(({ sha }) => sha));
    if (data.next_cursor === null) break;
    cursor = data.next_cursor;
  }
  const texts = new Map<string, string>();
  const history: Set<string>[] = [];
  for (const sha of shas.reverse()) {
    const tree = (await cg.files.tree("race", { ref: sha, recursive: true })).data;
    const tokens = new Set<string>();
    for (const { type, sha: blob } of tree?.items ?? []) {
      if (type !== "file") continue;
      const text = texts.get(blob) ?? (await cg.objects.get("race", blob)).data?.content ?? "";
      texts.set(blob, text);
      for (const token of tokensOf(text)) tokens.add(token);
    }
    history.push(tokens);
  }
  return history;
}

test(`two mounts race on one branch for ${ROUNDS} rounds over a bad network`, {
  timeout: 300_000,
}, async () => {
  const seed = Number(process.env.RACE_SEED ?? Date.now() % 1_000_000_007);
  console.info(`RACE_SEED=${seed}`);
  const server = await createMemoryServer();
  await seedRepo(server.connect(), "race", {});
  const random = createRandom(seed);
  const network = createBadNetwork(random, 0.3);
  const ledger: Ledger = {
    next: 1,
    landed: new Set(),
    replaced: new Set(),
    keptAgain: new Set(),
    conflicts: 0,
    unknown: 0,
  };
  const open = async (): Promise<Writer> => ({
    fs: await server.connect(network.wrap).fs.mount({ repos: [{ slug: "race", as: "/" }] }),
    unsaved: new Map(),
    unsure: false,
    random,
    ledger,
  });
  const writers = [await open(), await open()] as const;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const writer of writers) if (random() < 0.7) await change(writer);
    const committing = writers.filter(() => random() < 0.5);
    await Promise.all(committing.map(commit));
    if (random() < 0.1) await network.deliverLate();
  }
  const history = await readHistory(server.connect());
  const context = `RACE_SEED=${seed}`;
  const introduced = new Map<string, number>();
  let previous = new Set<string>();
  for (const tokens of history) {
    for (const token of tokens)
      if (!previous.has(token)) introduced.set(token, (introduced.get(token) ?? 0) + 1);
    for (const token of previous) {
      if (!tokens.has(token))
        expect(ledger.replaced.has(token), `${token} vanished unseen; ${context}`).toBe(true);
    }
    previous = tokens;
  }
  for (const token of ledger.landed) {
    expect(introduced.get(token) ?? 0, `${token} was acknowledged; ${context}`).toBeGreaterThan(0);
  }
  for (const [token, times] of introduced) {
    if (ledger.keptAgain.has(token)) continue;
    expect(times, `${token} was applied again; ${context}`).toBe(1);
  }
  console.info(
    JSON.stringify({
      commits: history.length,
      landed: ledger.landed.size,
      conflicts: ledger.conflicts,
      unknown: ledger.unknown,
      faults: Object.fromEntries(network.counts),
    }),
  );
  expect(ledger.conflicts).toBeGreaterThan(0);
  expect(ledger.unknown).toBeGreaterThan(0);
});
